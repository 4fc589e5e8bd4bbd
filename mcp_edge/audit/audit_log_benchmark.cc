// What one line of the audit log costs the request that it is about. Writes the lines to standard error: send that to
// where the edge's log goes, a pipe for example. Arguments: threads (2), lines of each (1,000,000).

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/log.h"
#include "mcp_edge/audit/audit_log.h"

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  const int lines = argc > 2 ? std::atoi(argv[2]) : 1'000'000;
  mcp_edge::Principal principal;
  principal.issuer = "https://tenant.logto.app/oidc";
  principal.subject = "a1b2c3d4e5f6";
  principal.client_id = "smartmail";
  principal.scopes = {"openid", "profile", "email", "todo:read", "todo:write"};
  principal.scopes_known = true;
  prometheus::Registry registry;
  for (const bool writes : {false, true}) {
    mcp_edge::AuditLog audit(writes, registry);
    const int64_t dropped_before = common::DroppedLogLines();
    std::vector<std::thread> workers;
    std::vector<double> cpu_seconds(threads);
    const absl::Time start = absl::Now();
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([&, i] {
        for (int line = 0; line < lines; ++line) {
          audit.Record({.principal = &principal,
                        .method = "tools/call",
                        .name = "todo_delete",
                        .scopes_asked = "todo:delete",
                        .request_id = "0123456789abcdef",
                        .duration = absl::Microseconds(731)});
        }
        timespec time;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        cpu_seconds[i] = absl::ToDoubleSeconds(absl::DurationFromTimespec(time));
      });
    }
    double cpu = 0;
    for (int i = 0; i < threads; ++i) {
      workers[i].join();
      cpu += cpu_seconds[i];
    }
    const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
    std::printf("%-8s %9.0f lines/s  %6.0f ns CPU of the caller per line  %lld dropped\n",
                writes ? "written" : "counted", threads * static_cast<double>(lines) / seconds,
                cpu * 1e9 / threads / lines, static_cast<long long>(common::DroppedLogLines() - dropped_before));
  }
  return 0;
}
