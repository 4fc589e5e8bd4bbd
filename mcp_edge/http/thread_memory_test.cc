#include "mcp_edge/http/thread_memory.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

// Bytes of this thread's stack that are in memory.
size_t ResidentStack() {
  pthread_attr_t attributes;
  EXPECT_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
  void* lowest = nullptr;
  size_t size = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages(size / page);
  if (mincore(lowest, pages.size() * page, pages.data()) != 0) return 0;
  return page * static_cast<size_t>(
                    std::count_if(pages.begin(), pages.end(), [](unsigned char in_memory) { return in_memory & 1; }));
}

__attribute__((noinline)) int UseStack(int depth) {
  volatile char room[4096];
  room[0] = static_cast<char>(depth);
  return depth == 0 ? room[0] : UseStack(depth - 1) + room[0];
}

TEST(ThreadMemoryTest, WhatWasUsedOnceIsGivenBack) {
  std::thread([] {
    UseStack(50);
    const size_t before = ResidentStack();
    ReleaseUnusedMemory();
    const size_t after = ResidentStack();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    EXPECT_LT(after + 150'000, before);
#endif
    EXPECT_LE(after, before);
    UseStack(50);  // and can be used again
  }).join();
}

TEST(ThreadMemoryTest, TheMainThreadIsLeftAlone) { ReleaseUnusedMemory(); }

}  // namespace
}  // namespace mcp_edge
