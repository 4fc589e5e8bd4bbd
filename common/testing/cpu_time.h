// For benchmarks, and for tests of what something costs.

#ifndef GATEHOUSE_COMMON_TESTING_CPU_TIME_H_
#define GATEHOUSE_COMMON_TESTING_CPU_TIME_H_

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>

#include "absl/time/time.h"

namespace common {

// The CPU time that this process has used. It says the same while others use the machine.
inline absl::Duration ProcessCpuTime() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

// Prints what `work` costs in CPU time. Does it for `seconds`.
inline void MeasureCpuTime(const char* name, double seconds, const std::function<void()>& work) {
  const absl::Duration start = ProcessCpuTime();
  const auto spent_s = [start] { return absl::ToDoubleSeconds(ProcessCpuTime() - start); };
  int64_t count = 0;
  while (spent_s() < seconds) {
    for (int i = 0; i < 100; ++i) work();
    count += 100;
  }
  std::printf("%-24s %6.2f us\n", name, spent_s() * 1e6 / static_cast<double>(count));
}

}  // namespace common

#endif  // GATEHOUSE_COMMON_TESTING_CPU_TIME_H_
