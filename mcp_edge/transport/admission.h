// How much the edge takes on at once: requests and streams are counted apart, in all and by principal.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_ADMISSION_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_ADMISSION_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/protocol/wire_error.h"

namespace mcp_edge {

struct AdmissionLimits {
  size_t max_requests = 1'024;
  size_t max_requests_per_principal = 512;
  size_t max_streams = 10'000;
  size_t max_streams_per_principal = 1'000;
};

// Thread-safe. Must outlive the places it gives.
class Admission {
 public:
  Admission(const AdmissionLimits& limits, EdgeMetrics& metrics) : limits_(limits), metrics_(metrics) {}

  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // One request or stream, until destroyed.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)),
          is_stream_(other.is_stream_),
          beyond_(other.beyond_),
          principal_key_(std::move(other.principal_key_)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(admission_, other.admission_);
      std::swap(is_stream_, other.is_stream_);
      std::swap(beyond_, other.beyond_);
      std::swap(principal_key_, other.principal_key_);
      return *this;
    }
    ~Place() {
      if (admission_ != nullptr) admission_->Release(*this);
    }

   private:
    friend class Admission;
    Admission* admission_ = nullptr;
    bool is_stream_ = false;
    bool beyond_ = false;        // the bound of its principal's requests
    std::string principal_key_;  // empty: whose it is, is not known yet
  };

  // Gives a request its place, or says why there is none: kOverloaded.
  std::optional<RpcError> AdmitRequest(Place& place);
  // Counts a request that has its place as one of a principal, or says why it may not stay: kTooManyRequests.
  // `may_be_notice`: it may turn out to be a response or a notification, which are short, and for which requests that
  // have their places may be waiting. Half as many again of the principal's are let in for these, and what turned out
  // to be a request then has to pass ConfirmRequest.
  std::optional<RpcError> AssignRequest(absl::string_view principal_key, bool may_be_notice, Place& place);
  // Whether the place that was assigned is good for a request too, else kTooManyRequests.
  std::optional<RpcError> ConfirmRequest(const Place& place);
  // Gives a stream its place, or says why there is none: kOverloaded, or kTooManyRequests for this principal.
  std::optional<RpcError> AdmitStream(absl::string_view principal_key, Place& place);

  // Waits until no request is being worked on (streams do not count), or until `deadline`. Whether none is.
  bool AwaitNoRequests(absl::Time deadline);

 private:
  using Counts = absl::flat_hash_map<std::string, size_t>;

  // One more of the principal, unless there are `most` already.
  static bool CountIn(Counts& counts, absl::string_view principal_key, size_t most);
  RpcError TooManyRequests();
  static void CountOut(Counts& counts, const std::string& principal_key);
  void Release(const Place& place);

  const AdmissionLimits limits_;
  EdgeMetrics& metrics_;
  absl::Mutex mutex_;
  size_t requests_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t streams_ ABSL_GUARDED_BY(mutex_) = 0;
  Counts requests_by_principal_ ABSL_GUARDED_BY(mutex_);
  Counts streams_by_principal_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_ADMISSION_H_
