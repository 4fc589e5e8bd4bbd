#include "mcp_edge/transport/admission.h"

namespace mcp_edge {

std::optional<RpcError> Admission::AdmitRequest(Place& place) {
  absl::MutexLock lock(&mutex_);
  if (requests_ >= limits_.max_requests) {
    metrics_.overload_refused_total.Increment();
    return RpcError{WireErrorKind::kOverloaded, "The server is full; try again later", ""};
  }
  ++requests_;
  place = Place(this, "");
  return std::nullopt;
}

std::optional<RpcError> Admission::AdmitStream(absl::string_view principal_key, Place& place) {
  absl::MutexLock lock(&mutex_);
  if (streams_ >= limits_.max_streams) {
    metrics_.overload_refused_total.Increment();
    return RpcError{WireErrorKind::kOverloaded, "The server is full; try again later", ""};
  }
  size_t& own = streams_by_principal_[std::string(principal_key)];
  if (own >= limits_.max_streams_per_principal) {
    metrics_.overload_refused_total.Increment();
    return RpcError{WireErrorKind::kTooManyStreams, "There are too many open streams for this user already", ""};
  }
  ++own;
  ++streams_;
  metrics_.streams.Set(static_cast<double>(streams_));
  place = Place(this, std::string(principal_key));
  return std::nullopt;
}

bool Admission::AwaitNoRequests(absl::Time deadline) {
  const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return requests_ == 0; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(absl::Condition(&none), deadline);
}

void Admission::Release(const std::string& principal_key) {
  absl::MutexLock lock(&mutex_);
  if (principal_key.empty()) {
    --requests_;
    return;
  }
  --streams_;
  metrics_.streams.Set(static_cast<double>(streams_));
  const auto own = streams_by_principal_.find(principal_key);
  if (--own->second == 0) streams_by_principal_.erase(own);
}

}  // namespace mcp_edge
