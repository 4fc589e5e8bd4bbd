#include "mcp_edge/http/thread_memory.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

// Of tcmalloc, where that is linked in (third_party/BUILD.bazel).
// NOLINTBEGIN(readability-identifier-naming)
extern "C" __attribute__((weak)) void MallocExtension_MarkThreadIdle();
extern "C" __attribute__((weak)) int MallocExtension_SetNumericProperty(const char* property, size_t value);
// NOLINTEND(readability-identifier-naming)

namespace mcp_edge {
namespace {

// What is left below the present depth for the calls that follow at once.
constexpr uintptr_t kMarginBytes = 4 * 1024;

constexpr size_t kMaxThreadCacheBytes = 4 << 20;

void ReleaseUnusedStack() {
  if (getpid() == gettid()) return;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void* lowest = nullptr;
  size_t size = 0;
  const int error = pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  if (error != 0) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(lowest);
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  // Another stack than the thread's own is in use: of a sanitizer, say.
  if (here < begin || here > begin + size) return;
  const uintptr_t end = (here - kMarginBytes) & ~(page - 1);
  if (end > begin) madvise(lowest, end - begin, MADV_DONTNEED);
}

}  // namespace

void ReleaseUnusedMemory() {
  ReleaseUnusedStack();
  if (MallocExtension_MarkThreadIdle != nullptr) MallocExtension_MarkThreadIdle();
}

void BoundThreadMemory() {
  if (MallocExtension_SetNumericProperty == nullptr) return;
  MallocExtension_SetNumericProperty("tcmalloc.max_total_thread_cache_bytes", kMaxThreadCacheBytes);
}

}  // namespace mcp_edge
