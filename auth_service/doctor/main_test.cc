// Runs the program itself, against a provider on loopback.

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "auth_service/doctor/fake_tenant.h"
#include "common/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"

namespace auth_service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Runs the program. What it writes on both streams, and its exit code.
std::pair<std::string, int> RunDoctor(const std::string& arguments) {
  std::string output;
  FILE* const pipe = popen(("auth_service/doctor/gatehouse-doctor " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {"cannot be started", -1};
  char buffer[4096];
  for (size_t size = 0; (size = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) output.append(buffer, size);
  const int status = pclose(pipe);
  return {output, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

std::string WriteFile(const std::string& name, const std::string& content) {
  const std::string path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/", name);
  std::ofstream(path) << content;
  return path;
}

// Serves a FakeTenant, and the edge's metadata, on one loopback port.
class LoopbackLogto {
 public:
  LoopbackLogto() {
    port_ = server_.bind_to_any_port("127.0.0.1");
    const std::string origin = absl::StrCat("http://127.0.0.1:", port_);
    resource = origin + "/mcp";
    logto = std::make_unique<FakeTenant>(origin + "/oidc", resource, clock_);
    const auto handler = [this, origin](const httplib::Request& request, httplib::Response& response) {
      HttpRequest asked;
      asked.method = request.method == "POST" ? HttpMethod::kPost : HttpMethod::kGet;
      asked.url = origin + request.target;
      asked.body = request.body;
      const std::string authorization = request.get_header_value("Authorization");
      if (authorization.rfind("Bearer ", 0) == 0) asked.bearer_token = authorization.substr(7);
      if (authorization == httplib::make_basic_authentication_header(logto->machine_id, logto->machine_secret).second) {
        asked.basic_user = logto->machine_id;
        asked.basic_password = logto->machine_secret;
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto answer = logto->Send(asked);
      response.status = answer->status;
      if (!answer->location.empty()) response.set_header("Location", answer->location);
      response.set_header("Date", answer->date);
      response.set_content(answer->body, "application/json");
    };
    server_.Get(".*", handler).Post(".*", handler);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    server_.wait_until_ready();
  }

  ~LoopbackLogto() {
    server_.stop();
    thread_.join();
  }

  // While it answers on its own thread, the tenant is changed under its lock only.
  void ForgetResources() {
    const std::lock_guard<std::mutex> lock(mutex_);
    logto->resources.clear();
  }

  std::string resource;
  std::unique_ptr<FakeTenant> logto;

 private:
  const common::SystemClock clock_;
  httplib::Server server_;
  std::mutex mutex_;
  int port_ = 0;
  std::thread thread_;
};

TEST(DoctorMainTest, LooksAtAProviderAndFindsItWell) {
  LoopbackLogto loopback;
  const std::string id = WriteFile("id", loopback.logto->machine_id + "\n");
  const std::string secret = WriteFile("secret", loopback.logto->machine_secret + "\n");
  const auto [output, code] =
      RunDoctor(absl::StrCat("--issuer=", loopback.logto->issuer, " --resource=", loopback.resource,
                             " --client_id=agent --client_id_file=", id, " --client_secret_file=", secret,
                             " --logto_client_id_file=", id, " --logto_client_secret_file=", secret));
  EXPECT_EQ(code, 0) << output;
  EXPECT_THAT(output, HasSubstr("ok       resource        the provider accepts requests for this resource\n"));
  EXPECT_THAT(output, HasSubstr("ok       machine_token   a JWT comes back for "));
  EXPECT_THAT(output, HasSubstr("ok       clock "));
  EXPECT_THAT(output, HasSubstr("0 failed, "));
  EXPECT_THAT(output, Not(HasSubstr(loopback.logto->machine_secret)));
}

TEST(DoctorMainTest, AFailureIsExitCodeOneAndJsonIsForMachines) {
  LoopbackLogto loopback;
  loopback.ForgetResources();
  const auto [output, code] = RunDoctor(absl::StrCat("--issuer=", loopback.logto->issuer,
                                                     " --resource=", loopback.resource, " --client_id=agent --json"));
  EXPECT_EQ(code, 1) << output;
  const auto report = nlohmann::json::parse(output, nullptr, false);
  ASSERT_TRUE(report.is_object()) << output;
  EXPECT_EQ(report["ok"], false);
}

TEST(DoctorMainTest, HelpListsTheFlagsAndNoneOfTheLibraries) {
  const std::string output = RunDoctor("--help").first;
  EXPECT_THAT(output, HasSubstr("--client_id "));
  EXPECT_THAT(output, HasSubstr("--issuer=https://t.logto.app/oidc"));
  EXPECT_THAT(output, Not(HasSubstr("--flagfile")));
}

TEST(DoctorMainTest, AMistakeIsOneLineAndExitCodeTwo) {
  const auto one_line = [](const std::string& arguments) {
    const auto [output, code] = RunDoctor(arguments);
    EXPECT_EQ(code, 2) << output;
    EXPECT_EQ(output.find('\n'), output.size() - 1) << output;
    return output;
  };
  EXPECT_THAT(one_line(""), HasSubstr("--issuer must be set"));
  EXPECT_THAT(one_line("--issuer=https://t.logto.app/oidc"), HasSubstr("--resource must be set"));
  const std::string common = "--issuer=https://t.logto.app/oidc --resource=https://mcp.example.com/mcp ";
  EXPECT_THAT(one_line(common + "--isuer=x"), HasSubstr("there is no flag --isuer"));
  EXPECT_THAT(one_line(common + "--token_file=/nowhere"), HasSubstr("/nowhere"));
  EXPECT_THAT(one_line(common + "--timeout=1h"), HasSubstr("--timeout must be in [100ms, 60s]"));
  EXPECT_THAT(one_line(common + "--client_id_file=" + WriteFile("alone", "x")), HasSubstr("belong together"));
  EXPECT_THAT(one_line(common + "--scope_claims=x=shoe_size"), HasSubstr("--scope_claims"));
  const std::string two = one_line(common + "--client_secret_file=" + WriteFile("two", "s3cret\nlines\n"));
  EXPECT_THAT(two, HasSubstr("must hold one line"));
  EXPECT_THAT(two, Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace auth_service
