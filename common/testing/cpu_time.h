// For benchmarks.

#ifndef GATEHOUSE_COMMON_TESTING_CPU_TIME_H_
#define GATEHOUSE_COMMON_TESTING_CPU_TIME_H_

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>

namespace common {

// Prints what `work` costs in CPU time, which says the same while others use the machine. Does it for `seconds`.
inline void MeasureCpuTime(const char* name, double seconds, const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  const auto spent_s = [start] { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; };
  int64_t count = 0;
  while (spent_s() < seconds) {
    for (int i = 0; i < 100; ++i) work();
    count += 100;
  }
  std::printf("%-8s %6.2f us\n", name, spent_s() * 1e6 / static_cast<double>(count));
}

}  // namespace common

#endif  // GATEHOUSE_COMMON_TESTING_CPU_TIME_H_
