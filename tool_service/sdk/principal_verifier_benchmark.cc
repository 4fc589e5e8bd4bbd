// What it costs to find out who calls: of an assertion never seen, and of one that was verified before. Arguments:
// seconds for each (1).

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/es256_jws.h"
#include "common/testing/cpu_time.h"
#include "tool_service/sdk/principal_verifier.h"

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  const common::SystemClock clock;
  const auto key = common::Es256PrivateKey::Generate();
  tool_service::PrincipalKeys keys(
      "here",
      [&]() -> absl::StatusOr<tool_service::KeySet> {
        return tool_service::KeySet{{key.public_key().key_id(), key.public_key()}};
      },
      absl::Hours(1));
  keys.Start();
  if (!keys.AwaitFetch(absl::Now() + absl::Seconds(10)).ok()) return 1;
  tool_service::PrincipalVerifier verifier({{"whoami"}, ""}, keys, clock);
  // More than are remembered, so that none is found.
  std::vector<std::string> assertions;
  const std::string header =
      absl::StrCat(R"({"alg":"ES256","typ":"gatehouse-principal+jwt","kid":")", key.public_key().key_id(), "\"}");
  const int64_t now = absl::ToUnixSeconds(clock.Now());
  for (int i = 0; i < 20'000; ++i) {
    assertions.push_back(common::SignJws(
        header,
        absl::StrCat(
            R"({"iss":"http://localhost:3001/mcp","aud":"whoami","sub":"alice","idp":"http://localhost:3100/oidc",)",
            R"("client_id":"smartmail","scope":"openid profile email","scopes_known":true,"audience_known":true,)",
            R"("claims":{"sub":"alice","username":"alice","name":"Alice Example","email":"alice@example.com"},)",
            R"("iat":)", now, R"(,"exp":)", now + 3600, R"(,"jti":")", i, "\"}"),
        key));
  }
  size_t next = 0;
  bool good = true;
  common::MeasureCpuTime("anew", seconds, [&] {
    const auto verdict = verifier.VerifyNow(assertions[next++ % assertions.size()]);
    good = good && verdict.has_value() && verdict->index() == 0;
  });
  common::MeasureCpuTime("again", seconds, [&] {
    const auto verdict = verifier.VerifyNow(assertions[0]);
    good = good && verdict.has_value() && verdict->index() == 0;
  });
  return good ? 0 : 1;
}
