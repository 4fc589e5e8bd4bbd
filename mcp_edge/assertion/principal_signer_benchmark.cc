// What it costs to sign who calls: anew, and when it was signed before. Arguments: seconds for each (1).

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/testing/cpu_time.h"
#include "mcp_edge/assertion/principal_signer.h"
#include "prometheus/registry.h"

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  const common::SystemClock clock;
  prometheus::Registry registry;
  mcp_edge::PrincipalSigner signer("http://localhost:3001/mcp", {common::Es256PrivateKey::Generate()}, clock, registry);
  gatehouse::tool::v1::Principal principal;
  principal.set_issuer("http://localhost:3100/oidc");
  principal.set_subject("alice");
  principal.set_client_id("smartmail");
  principal.set_claims_json(R"({"sub":"alice","username":"alice","name":"Alice Example","email":"alice@example.com"})");
  std::printf("an assertion of %zu bytes\n", signer.Sign(principal, "whoami").size());
  int64_t number = 0;
  common::MeasureCpuTime("anew", seconds, [&] {
    principal.set_subject(absl::StrCat("alice", number++));
    signer.Sign(principal, "whoami");
  });
  common::MeasureCpuTime("again", seconds, [&] { signer.Sign(principal, "whoami"); });
  return 0;
}
