// What it costs to sign who calls: anew, and when it was signed before. Arguments: seconds for each (1).

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "mcp_edge/assertion/principal_signer.h"
#include "prometheus/registry.h"

namespace {

// CPU time, which says the same while others use the machine.
void Measure(const char* name, double seconds, const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  const auto spent_s = [start] { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; };
  int64_t count = 0;
  while (spent_s() < seconds) {
    for (int i = 0; i < 100; ++i) work();
    count += 100;
  }
  std::printf("%-8s %6.2f us\n", name, spent_s() * 1e6 / static_cast<double>(count));
}

}  // namespace

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
  Measure("anew", seconds, [&] {
    principal.set_subject(absl::StrCat("alice", number++));
    signer.Sign(principal, "whoami");
  });
  Measure("again", seconds, [&] { signer.Sign(principal, "whoami"); });
  return 0;
}
