// What it costs to judge the scopes of one call. Arguments: calls (3,000,000).

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "mcp_edge/dispatch/scope_check.h"

namespace {

double CpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::ToDoubleSeconds(absl::DurationFromTimespec(time));
}

}  // namespace

int main(int argc, char** argv) {
  const int calls = argc > 1 ? std::atoi(argv[1]) : 3'000'000;
  const std::vector<mcp_edge::ScopeSet> sets = {{"mail:write", "mail:purge"}, {"mail:send"}};
  const auto hierarchy = mcp_edge::ScopeHierarchy::Create(
      {{"mail:admin", {"mail:write", "mail:send"}}, {"mail:write", {"mail:read", "mail:send"}}});
  struct Case {
    const char* name;
    std::vector<std::string> held;
  };
  for (const Case& each : {Case{"held", {"openid", "profile", "mail:send"}}, Case{"implied", {"openid", "mail:admin"}},
                           Case{"lacking", {"openid", "profile", "mail:read"}}}) {
    mcp_edge::Principal principal;
    principal.scopes = each.held;
    principal.scopes_known = true;
    int lacking = 0;
    const double begin = CpuSeconds();
    for (int i = 0; i < calls; ++i) {
      lacking += mcp_edge::FindShortage(principal, {&sets}, *hierarchy) != nullptr ? 1 : 0;
    }
    std::printf("%-8s %5.0f ns a call, %d of %d lack something\n", each.name, (CpuSeconds() - begin) * 1e9 / calls,
                lacking, calls);
  }
  return 0;
}
