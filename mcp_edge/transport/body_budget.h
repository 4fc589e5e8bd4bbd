// How many bytes of request bodies are held at the same time.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_BODY_BUDGET_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_BODY_BUDGET_H_

#include <atomic>
#include <cstddef>

namespace mcp_edge {

// Thread-safe. Must outlive its shares.
class BodyBudget {
 public:
  explicit BodyBudget(size_t max_bytes) : max_bytes_(max_bytes) {}

  BodyBudget(const BodyBudget&) = delete;
  BodyBudget& operator=(const BodyBudget&) = delete;

  // What one body takes, until destroyed. Used by one thread at a time.
  class Share {
   public:
    Share() = default;
    ~Share() {
      if (budget_ != nullptr) budget_->used_.fetch_sub(bytes_, std::memory_order_relaxed);
    }

    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // Takes `bytes` more of `budget`, always the same one. False: there are not as many left.
    bool Grow(size_t bytes, BodyBudget& budget) {
      if (budget.used_.fetch_add(bytes, std::memory_order_relaxed) + bytes > budget.max_bytes_) {
        budget.used_.fetch_sub(bytes, std::memory_order_relaxed);
        return false;
      }
      budget_ = &budget;
      bytes_ += bytes;
      return true;
    }

   private:
    BodyBudget* budget_ = nullptr;
    size_t bytes_ = 0;
  };

  size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const size_t max_bytes_;
  std::atomic<size_t> used_{0};
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_BODY_BUDGET_H_
