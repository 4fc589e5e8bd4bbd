// An OIDC provider that only answers from memory, so that the benchmark measures the services and not their provider:
// discovery, keys, and a userinfo endpoint that takes any bearer token. A token "user-N" belongs to the subject
// "user-N", every other one to --sub. GET /userinfo_calls tells how often userinfo was asked, so that a run can prove
// whether a cache was off.

#include <atomic>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/shutdown_signals.h"
#include "httplib.h"
#include "nlohmann/json.hpp"

ABSL_FLAG(uint16_t, port, 3903, "Port on 127.0.0.1 to listen on.");
ABSL_FLAG(std::string, sub, "a1ice7k2m9xq", "The subject of every token that does not begin with 'user-'.");

namespace {

constexpr size_t kThreads = 256;  // a thread per open connection
constexpr size_t kRequestsPerConnection = 1'000'000'000;
constexpr absl::string_view kBearer = "Bearer ";
constexpr char kJson[] = "application/json";

// A public key that nobody has the other half of: no JWT verifies here.
constexpr char kKeys[] = R"({"keys":[{"kty":"EC","use":"sig","kid":"bench","alg":"ES384","crv":"P-384",)"
                         R"("x":"R8qPy6i6nU3qYFeAXk4TcqP3l77aD_SeTgXSll9pibCfYAHEHGQ8cOOF38T1MMdz",)"
                         R"("y":"pGO4EahrlU9yUDOz4YKqD8e6PoW7etyKFIXnfXBoiW7Q5w5Xpka_5eGozd1UuZJA"}]})";

std::string Discovery(const std::string& issuer) {
  return nlohmann::json{
      {"issuer", issuer},
      {"authorization_endpoint", issuer + "/auth"},
      {"token_endpoint", issuer + "/token"},
      {"userinfo_endpoint", issuer + "/me"},
      {"jwks_uri", issuer + "/jwks"},
      {"response_types_supported", {"code"}},
      {"grant_types_supported", {"authorization_code"}},
      {"subject_types_supported", {"public"}},
      {"id_token_signing_alg_values_supported", {"ES384"}},
      {"code_challenge_methods_supported", {"S256"}},
      {"scopes_supported", {"openid", "profile", "email"}},
  }
      .dump();
}

// The members and sizes of Logto's userinfo answer to "openid profile email".
std::string Claims(const std::string& sub) {
  return nlohmann::ordered_json{
      {"sub", sub},
      {"name", "Alice Example"},
      {"preferred_username", "alice"},
      {"picture", nullptr},
      {"updated_at", 1795379993267},
      {"username", "alice"},
      {"created_at", 1795379964362},
      {"email", "alice@example.com"},
      {"email_verified", true},
  }
      .dump();
}

}  // namespace

int main(int argc, char** argv) {
  // As in the services.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::ParseCommandLine(argc, argv);
  const common::ShutdownSignals signals;

  const std::string discovery = Discovery("http://127.0.0.1:" + std::to_string(absl::GetFlag(FLAGS_port)) + "/oidc");
  const std::string claims = Claims(absl::GetFlag(FLAGS_sub));
  std::atomic<int64_t> userinfo_calls{0};

  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_keep_alive_max_count(kRequestsPerConnection);
  for (const char* path : {"/oidc/.well-known/openid-configuration", "/oidc/.well-known/oauth-authorization-server"}) {
    server.Get(path, [&discovery](const httplib::Request&, httplib::Response& response) {
      response.set_content(discovery, kJson);
    });
  }
  server.Get("/oidc/jwks",
             [](const httplib::Request&, httplib::Response& response) { response.set_content(kKeys, kJson); });
  server.Get("/oidc/me", [&](const httplib::Request& request, httplib::Response& response) {
    userinfo_calls.fetch_add(1, std::memory_order_relaxed);
    const std::string authorization = request.get_header_value("Authorization");
    if (!absl::StartsWith(authorization, absl::string_view(kBearer)) || authorization.size() == kBearer.size()) {
      response.status = httplib::StatusCode::Unauthorized_401;
      response.set_header("WWW-Authenticate", "Bearer");
      return;
    }
    const std::string token = authorization.substr(kBearer.size());
    response.set_content(absl::StartsWith(token, "user-") ? Claims(token) : claims, kJson);
  });
  server.Get("/userinfo_calls", [&userinfo_calls](const httplib::Request&, httplib::Response& response) {
    response.set_content(std::to_string(userinfo_calls.load()), "text/plain");
  });

  if (!server.bind_to_port("127.0.0.1", absl::GetFlag(FLAGS_port))) {
    std::cerr << "static_provider: port " << absl::GetFlag(FLAGS_port) << " is taken; give another --port\n";
    return 2;
  }
  std::thread listener([&server] { server.listen_after_bind(); });
  signals.Wait();
  server.stop();
  listener.join();
  return 0;
}
