#include "mcp_edge/transport/admission.h"

namespace mcp_edge {
namespace {

RpcError Full() { return {WireErrorKind::kOverloaded, "The server is full; try again later", ""}; }

}  // namespace

std::optional<RpcError> Admission::AdmitRequest(Place& place) {
  absl::MutexLock lock(&mutex_);
  if (requests_ >= limits_.max_requests) {
    metrics_.overload_refused_total.Increment();
    return Full();
  }
  ++requests_;
  place.admission_ = this;
  return std::nullopt;
}

std::optional<RpcError> Admission::AssignRequest(absl::string_view principal_key, bool may_be_notice, Place& place) {
  const size_t most = limits_.max_requests_per_principal;
  absl::MutexLock lock(&mutex_);
  if (!CountIn(requests_by_principal_, principal_key, most)) {
    if (!may_be_notice || !CountIn(requests_by_principal_, principal_key, most + (most + 1) / 2)) {
      return TooManyRequests();
    }
    place.beyond_ = true;
  }
  place.principal_key_ = std::string(principal_key);
  return std::nullopt;
}

std::optional<RpcError> Admission::ConfirmRequest(const Place& place) {
  if (!place.beyond_) return std::nullopt;
  return TooManyRequests();
}

std::optional<RpcError> Admission::AdmitStream(absl::string_view principal_key, Place& place) {
  absl::MutexLock lock(&mutex_);
  if (streams_ >= limits_.max_streams) {
    metrics_.overload_refused_total.Increment();
    return Full();
  }
  if (!CountIn(streams_by_principal_, principal_key, limits_.max_streams_per_principal)) {
    metrics_.overload_refused_total.Increment();
    return RpcError{WireErrorKind::kTooManyRequests, "There are too many open streams of this user already", ""};
  }
  metrics_.streams.Set(static_cast<double>(++streams_));
  place.admission_ = this;
  place.is_stream_ = true;
  place.principal_key_ = std::string(principal_key);
  return std::nullopt;
}

bool Admission::AwaitNoRequests(absl::Time deadline) {
  const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return requests_ == 0; };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(absl::Condition(&none), deadline);
}

bool Admission::CountIn(Counts& counts, absl::string_view principal_key, size_t most) {
  const auto own = counts.find(principal_key);
  if (own == counts.end()) return most > 0 && counts.try_emplace(std::string(principal_key), 1).second;
  if (own->second >= most) return false;
  ++own->second;
  return true;
}

RpcError Admission::TooManyRequests() {
  metrics_.overload_refused_total.Increment();
  return {WireErrorKind::kTooManyRequests, "There are too many running requests of this user already", ""};
}

void Admission::CountOut(Counts& counts, const std::string& principal_key) {
  const auto own = counts.find(principal_key);
  if (own != counts.end() && --own->second == 0) counts.erase(own);
}

void Admission::Release(const Place& place) {
  absl::MutexLock lock(&mutex_);
  if (place.is_stream_) {
    metrics_.streams.Set(static_cast<double>(--streams_));
    CountOut(streams_by_principal_, place.principal_key_);
  } else {
    --requests_;
    if (!place.principal_key_.empty()) CountOut(requests_by_principal_, place.principal_key_);
  }
}

}  // namespace mcp_edge
