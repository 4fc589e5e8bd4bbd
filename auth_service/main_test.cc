// Runs the program itself, against a provider on loopback.

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "auth_service/token/test_keys.h"
#include "gatehouse/auth/v1/auth.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "nlohmann/json.hpp"

extern char** environ;

namespace auth_service {
namespace {

using gatehouse::auth::v1::VerifyTokenResponse;
using ::testing::HasSubstr;

constexpr char kResource[] = "http://localhost:3001/mcp";

// A process of auth_service with its log.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments, const std::vector<std::string>& environment = {}) {
    static int count = 0;
    log_path_ = absl::StrCat(std::getenv("TEST_TMPDIR"), "/log", ++count);
    arguments.insert(arguments.begin(), "auth_service/auth_service");
    std::vector<char*> argv;
    for (std::string& each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    std::vector<char*> env;
    for (char** each = environ; *each != nullptr; ++each) env.push_back(*each);
    for (const std::string& each : environment) env.push_back(const_cast<char*>(each.c_str()));
    env.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path_.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    if (posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), env.data()) != 0) std::abort();
    posix_spawn_file_actions_destroy(&actions);
  }

  ~Program() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  void Terminate() { kill(pid_, SIGTERM); }

  // The exit code, once it has ended.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string Log() const {
    std::ifstream file(log_path_);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  // A member of the first log line of `event`, once there is one.
  nlohmann::json Logged(const std::string& event, const std::string& name) const {
    for (int i = 0; i < 3000; ++i) {
      for (const absl::string_view line : absl::StrSplit(Log(), '\n')) {
        const auto json = nlohmann::json::parse(line.begin(), line.end(), nullptr, false);
        if (json.is_object() && json.value("event", "") == event) return json.value(name, nlohmann::json());
      }
      absl::SleepFor(absl::Milliseconds(10));
    }
    ADD_FAILURE() << "no " << event << " in " << Log();
    return {};
  }

  // The answer of the admin server, once it is `status` and contains `text`.
  std::string Await(const std::string& path, int status, absl::string_view text = "") const {
    httplib::Client client("127.0.0.1", Logged("serving", "admin_port").get<int>());
    std::string last;
    for (int i = 0; i < 3000; ++i) {
      if (const auto answer = client.Get(path)) {
        last = absl::StrCat(answer->status, " ", answer->body);
        if (answer->status == status && absl::StrContains(answer->body, text)) return answer->body;
      }
      absl::SleepFor(absl::Milliseconds(10));
    }
    ADD_FAILURE() << path << " stays " << last;
    return "";
  }

  std::unique_ptr<gatehouse::auth::v1::AuthService::Stub> Stub() const {
    return gatehouse::auth::v1::AuthService::NewStub(grpc::CreateChannel(
        absl::StrCat("127.0.0.1:", Logged("serving", "port").get<int>()), grpc::InsecureChannelCredentials()));
  }

 private:
  pid_t pid_ = 0;
  std::string log_path_;
};

// An OIDC provider that may be away.
class Provider {
 public:
  Provider() : key_("ES384") {
    port_ = server_.bind_to_any_port("127.0.0.1");
    server_.Get("/oidc/.well-known/openid-configuration", [this](const httplib::Request&, httplib::Response& response) {
      response.status = up ? 200 : 503;
      if (up) {
        response.set_content(
            absl::StrCat(R"({"issuer":")", issuer(), R"(","jwks_uri":")", issuer(), R"(/jwks","userinfo_endpoint":")",
                         issuer(), R"(/me","introspection_endpoint":")", issuer(), R"(/introspection"})"),
            "application/json");
      }
    });
    server_.Get("/oidc/jwks", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(absl::StrCat("{\"keys\":[", key_.Jwk("k"), "]}"), "application/jwk-set+json");
    });
    server_.Get("/oidc/me", [](const httplib::Request& request, httplib::Response& response) {
      if (request.get_header_value("Authorization") != "Bearer good") {
        response.status = 401;
        return;
      }
      response.set_content(R"({"sub":"alice"})", "application/json");
    });
    server_.Post("/oidc/token", [](const httplib::Request& request, httplib::Response& response) {
      response.status =
          request.get_header_value("Authorization") == "Basic bTJtOnMzY3JldA==" ? 200 : 401;  // m2m:s3cret
      response.set_content(R"({"access_token":"machine","token_type":"Bearer","expires_in":3600})", "application/json");
    });
    server_.Get("/api/users/bob", [](const httplib::Request& request, httplib::Response& response) {
      response.status = request.get_header_value("Authorization") == "Bearer machine" ? 200 : 401;
      response.set_content(R"({"id":"bob","isSuspended":false,"primaryEmail":"bob@example.com","name":"Bob"})",
                           "application/json");
    });
    server_.Post("/oidc/introspection", [](const httplib::Request& request, httplib::Response& response) {
      if (request.get_header_value("Authorization") != "Basic Z2F0ZTpzM2NyZXQ=") {  // gate:s3cret
        response.status = 401;
        return;
      }
      response.set_content(request.get_param_value("token") == "good"
                               ? R"({"active":true,"sub":"alice","client_id":"smartmail","token_type":"Bearer"})"
                               : R"({"active":false})",
                           "application/json");
    });
    server_.Post("/api/applications", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(R"({"id":"app1"})", "application/json");  // 200, as Logto has it
    });
    server_.Post("/api/applications/app1/user-consent-scopes",
                 [this](const httplib::Request&, httplib::Response& response) {
                   consent_asked.Notify();
                   consent_may_answer.WaitForNotification();
                   response.status = 201;
                   response.set_content("Created", "text/plain");
                 });
    server_.Delete("/api/applications/app1", [this](const httplib::Request&, httplib::Response& response) {
      ++applications_deleted;
      response.status = 204;
    });
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    server_.wait_until_ready();
  }

  ~Provider() {
    if (!consent_may_answer.HasBeenNotified()) consent_may_answer.Notify();
    server_.stop();
    thread_.join();
  }

  std::string issuer() const { return absl::StrCat("http://127.0.0.1:", port_, "/oidc"); }

  std::string Jwt() const {
    return key_.Sign(R"({"alg":"ES384","typ":"at+jwt","kid":"k"})",
                     absl::StrCat(R"({"iss":")", issuer(), R"(","aud":")", kResource,
                                  R"(","sub":"bob","scope":"whoami:email","exp":)",
                                  absl::ToUnixSeconds(absl::Now() + absl::Hours(1)), "}"));
  }

  std::atomic<bool> up{true};
  // Of the one registration that a test makes.
  absl::Notification consent_asked;
  absl::Notification consent_may_answer;
  std::atomic<int> applications_deleted{0};

 private:
  const TestKey key_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

std::vector<std::string> Arguments(const std::string& issuer) {
  return {"--issuers=" + issuer,
          absl::StrCat("--resources=", kResource),
          "--port=0",
          "--admin_port=0",
          "--opaque_tokens=userinfo",
          "--shutdown_grace=4s"};
}

gatehouse::auth::v1::Principal PrincipalOf(gatehouse::auth::v1::AuthService::Stub& stub, const std::string& token) {
  grpc::ClientContext context;
  gatehouse::auth::v1::VerifyTokenRequest request;
  request.set_token(token);
  request.set_resource(kResource);
  VerifyTokenResponse response;
  const grpc::Status status = stub.VerifyToken(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.principal();
}

std::string SubjectOf(gatehouse::auth::v1::AuthService::Stub& stub, const std::string& token) {
  return PrincipalOf(stub, token).subject();
}

// A file of the test's own with `content`, by its path.
std::string FileWith(const std::string& name, const std::string& content) {
  const std::string path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/", name);
  std::ofstream(path) << content;
  return path;
}

TEST(MainTest, ServesUntilItIsToldToStop) {
  Provider provider;
  Program program(Arguments(provider.issuer()));
  EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
  const auto stub = program.Stub();
  EXPECT_EQ(SubjectOf(*stub, provider.Jwt()), "bob");
  EXPECT_EQ(SubjectOf(*stub, "good"), "alice");
  EXPECT_EQ(SubjectOf(*stub, "bad"), "");
  const std::string metrics = program.Await("/metrics", 200);
  EXPECT_THAT(metrics, HasSubstr("gatehouse_auth_verdicts_total{outcome=\"accepted\",reason=\"\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("gatehouse_auth_verdicts_total{outcome=\"refused\",reason=\"inactive\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("gatehouse_auth_provider_requests_total{endpoint=\"userinfo\",outcome=\"ok\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("gatehouse_auth_ready 1"));
  program.Terminate();
  EXPECT_EQ(program.Wait(), 0) << program.Log();
  EXPECT_THAT(program.Log(), HasSubstr("\"event\":\"stopped\""));
}

TEST(MainTest, TheDirectorySaysWhoTheUserIs) {
  Provider provider;
  std::vector<std::string> arguments = Arguments(provider.issuer());
  arguments.push_back("--profile=logto");
  arguments.push_back("--logto_client_id_file=" + FileWith("id", "m2m\n"));
  arguments.push_back("--logto_client_secret_file=" + FileWith("secret", "s3cret\n"));
  arguments.push_back("--scope_claims=whoami:email=email");
  Program program(arguments);
  EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
  const auto principal = PrincipalOf(*program.Stub(), provider.Jwt());
  EXPECT_THAT(principal.claims_json(), HasSubstr(R"("email":"bob@example.com"})"));
  EXPECT_THAT(principal.claims_json(), ::testing::Not(HasSubstr("Bob")));
  EXPECT_THAT(program.Await("/metrics", 200),
              HasSubstr("gatehouse_auth_provider_requests_total{endpoint=\"management_api\",outcome=\"ok\"} 1"));
}

TEST(MainTest, IntrospectionAsksWithTheCredentialsOfItsFilesAndAListOfClientsNarrows) {
  Provider provider;
  const std::string id_file = absl::StrCat(std::getenv("TEST_TMPDIR"), "/id");
  const std::string secret_file = absl::StrCat(std::getenv("TEST_TMPDIR"), "/secret");
  std::ofstream(id_file) << "gate\n";
  std::ofstream(secret_file) << "s3cret\n";
  std::vector<std::string> arguments = Arguments(provider.issuer());
  for (const std::string& argument :
       {std::string("--opaque_tokens=introspection"), "--introspection_client_id_file=" + id_file,
        "--introspection_client_secret_file=" + secret_file, std::string("--allowed_client_ids=smartmail")}) {
    arguments.push_back(argument);
  }
  Program program(arguments);
  EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
  EXPECT_EQ(SubjectOf(*program.Stub(), "good"), "alice");
  EXPECT_EQ(SubjectOf(*program.Stub(), "bad"), "");
  EXPECT_EQ(SubjectOf(*program.Stub(), provider.Jwt()), "");  // of no client that could be told
  const std::string metrics = program.Await("/metrics", 200);
  EXPECT_THAT(metrics, HasSubstr("gatehouse_auth_verdicts_total{outcome=\"refused\",reason=\"client_not_allowed\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("gatehouse_auth_provider_circuits_open{endpoint=\"introspection\"} 0"));
  EXPECT_EQ(program.Log().find("s3cret"), std::string::npos);
}

TEST(MainTest, ClientsRegisterIfTheyMay) {
  Provider provider;
  gatehouse::auth::v1::RegisterClientRequest request;
  request.set_metadata_json(R"({"redirect_uris":["http://localhost/cb"],"client_name":")" +
                            std::string(40 * 1024, ' ') + "\"}");
  {
    Program program(Arguments(provider.issuer()));
    EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
    grpc::ClientContext context;
    gatehouse::auth::v1::RegisterClientResponse response;
    EXPECT_EQ(program.Stub()->RegisterClient(&context, request, &response).error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
  std::vector<std::string> arguments = Arguments(provider.issuer());
  arguments.push_back("--registration=logto");
  arguments.push_back("--logto_client_id_file=" + FileWith("id", "m2m\n"));
  arguments.push_back("--logto_client_secret_file=" + FileWith("secret", "s3cret\n"));
  Program program(arguments);
  EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
  grpc::ClientContext too_long_name;
  gatehouse::auth::v1::RegisterClientResponse response;
  ASSERT_TRUE(program.Stub()->RegisterClient(&too_long_name, request, &response).ok());
  EXPECT_THAT(response.refusal().description(), HasSubstr("client_name"));
  request.set_metadata_json(R"({"redirect_uris":["http://localhost/cb"],"client_name":"Agent"})");
  provider.consent_may_answer.Notify();
  grpc::ClientContext context;
  const grpc::Status status = program.Stub()->RegisterClient(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.client().client_id(), "app1");
  EXPECT_THAT(program.Await("/metrics", 200),
              HasSubstr("gatehouse_auth_registrations_total{outcome=\"registered\"} 1"));
}

TEST(MainTest, ARegistrationThatTheEndCutsShortIsTakenBack) {
  Provider provider;
  std::vector<std::string> arguments = Arguments(provider.issuer());
  arguments.push_back("--registration=logto");
  arguments.push_back("--logto_client_id_file=" + FileWith("id", "m2m\n"));
  arguments.push_back("--logto_client_secret_file=" + FileWith("secret", "s3cret\n"));
  arguments.push_back("--shutdown_grace=1s");
  Program program(arguments);
  EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
  std::thread caller([&] {
    gatehouse::auth::v1::RegisterClientRequest request;
    request.set_metadata_json(R"({"redirect_uris":["http://localhost/cb"],"client_name":"Agent"})");
    grpc::ClientContext context;
    gatehouse::auth::v1::RegisterClientResponse response;
    EXPECT_FALSE(program.Stub()->RegisterClient(&context, request, &response).ok());
  });
  provider.consent_asked.WaitForNotification();
  program.Terminate();
  caller.join();                            // its time ended with the grace
  absl::SleepFor(absl::Milliseconds(500));  // for what must not happen: that requests to the provider are cut off
  provider.consent_may_answer.Notify();
  EXPECT_EQ(program.Wait(), 0) << program.Log();
  EXPECT_EQ(provider.applications_deleted, 1) << program.Log();
}

TEST(MainTest, WaitsForAProviderThatIsAway) {
  Provider provider;
  provider.up = false;
  Program program(Arguments(provider.issuer()));
  EXPECT_THAT(program.Await("/readyz", 503), HasSubstr("not ready: "));
  EXPECT_THAT(program.Logged("provider_refresh_failed", "message").get<std::string>(), HasSubstr("HTTP status 503"));
  EXPECT_EQ(program.Await("/livez", 200), "ok\n");
  provider.up = true;
  EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
}

TEST(MainTest, AFurtherIssuerThatIsAwayHoldsUpNothingButItsOwnTokens) {
  Provider first;
  Provider second;
  second.up = false;
  Program program(Arguments(first.issuer() + "," + second.issuer()));
  EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
  const auto stub = program.Stub();
  EXPECT_EQ(SubjectOf(*stub, first.Jwt()), "bob");
  EXPECT_EQ(program.Logged("provider_refresh_failed", "issuer"), second.issuer());
  EXPECT_THAT(program.Await("/metrics", 200),
              HasSubstr(absl::StrCat("gatehouse_auth_issuer_ready{issuer=\"", second.issuer(), "\"} 0")));
  grpc::ClientContext context;
  gatehouse::auth::v1::VerifyTokenRequest request;
  request.set_token(second.Jwt());
  request.set_resource(kResource);
  VerifyTokenResponse response;
  EXPECT_EQ(stub->VerifyToken(&context, request, &response).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(MainTest, AnUneditedIssuerSaysWhatToEdit) {
  Program program(Arguments("https://edit-deploy-config-yaml.invalid/oidc"));
  EXPECT_THAT(program.Logged("provider_refresh_failed", "message").get<std::string>(),
              HasSubstr("edit FLAGS_issuers in deploy/config.yaml"));
  program.Await("/readyz", 503, "edit FLAGS_issuers in deploy/config.yaml");  // it is logged first
}

TEST(MainTest, SettingsComeFromTheEnvironmentToo) {
  Provider provider;
  Program program({"--fromenv=issuers,resources", "--port=0", "--admin_port=0"},
                  {"FLAGS_issuers=" + provider.issuer(), absl::StrCat("FLAGS_resources=", kResource)});
  EXPECT_EQ(program.Await("/readyz", 200), "ok\n");
}

TEST(MainTest, AMistakeIsOneLineAndExitCodeTwo) {
  const auto one_line = [](const std::vector<std::string>& arguments) {
    Program program(arguments);
    EXPECT_EQ(program.Wait(), 2) << program.Log();
    const std::string log = program.Log();
    EXPECT_EQ(log.find('\n'), log.size() - 1) << log;
    return log;
  };
  EXPECT_THAT(one_line({}), HasSubstr("--issuers must be set"));
  EXPECT_THAT(one_line({"--isuers=x"}), HasSubstr("there is no flag --isuers"));
  EXPECT_THAT(one_line({"--issuers=https://id.example.com/"}), HasSubstr("--resources must name"));
  std::vector<std::string> arguments = Arguments("https://id.example.com/");
  arguments.push_back("--provider_ca_file=/nowhere.pem");
  EXPECT_THAT(one_line(arguments), HasSubstr("/nowhere.pem"));
}

TEST(MainTest, ATakenPortIsOneLineAndExitCodeTwo) {
  Provider provider;
  Program first(Arguments(provider.issuer()));
  for (const char* port : {"port", "admin_port"}) {
    std::vector<std::string> arguments = Arguments(provider.issuer());
    arguments.push_back(absl::StrCat("--", port, "=", first.Logged("serving", port).get<int>()));
    Program second(arguments);
    EXPECT_EQ(second.Wait(), 2) << second.Log();
    EXPECT_EQ(second.Log().find('\n'), second.Log().size() - 1) << second.Log();
    EXPECT_THAT(second.Log(), HasSubstr(absl::StrCat("choose another with --", port)));
  }
}

}  // namespace
}  // namespace auth_service
