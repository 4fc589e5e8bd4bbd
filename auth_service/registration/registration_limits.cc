#include "auth_service/registration/registration_limits.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace auth_service {
namespace {

constexpr absl::Duration kHour = absl::Hours(1);

}  // namespace

std::string AddressGroup(absl::string_view address) {
  const std::string text(address);
  in6_addr bytes = {};
  if (inet_pton(AF_INET6, text.c_str(), &bytes) != 1) return text;
  if (IN6_IS_ADDR_V4MAPPED(&bytes)) {
    char v4[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, bytes.s6_addr + 12, v4, sizeof(v4));
    return v4;
  }
  std::memset(bytes.s6_addr + 8, 0, 8);
  char prefix[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, &bytes, prefix, sizeof(prefix));
  return absl::StrCat(prefix, "/64");
}

std::optional<absl::Duration> RegistrationLimits::Take(absl::string_view address) {
  std::string group = AddressGroup(address);
  absl::MutexLock lock(&mutex_);
  const absl::Time now = clock_.Now();
  Forget(now);
  if (entries_.size() >= per_hour_) {
    return entries_.empty() ? kHour : entries_.front().time + kHour - now;
  }
  if (const std::optional<absl::Duration> wait = WaitOfGroup(group, now); wait.has_value()) return wait;
  ++counts_[group];
  entries_.push_back({now, std::move(group)});
  return std::nullopt;
}

std::optional<absl::Duration> RegistrationLimits::WaitOf(absl::string_view address) {
  const std::string group = AddressGroup(address);
  absl::MutexLock lock(&mutex_);
  const absl::Time now = clock_.Now();
  Forget(now);
  return WaitOfGroup(group, now);
}

void RegistrationLimits::Forget(absl::Time now) {
  while (!entries_.empty() && entries_.front().time + kHour <= now) {
    Discount(entries_.front().group);
    entries_.pop_front();
  }
}

std::optional<absl::Duration> RegistrationLimits::WaitOfGroup(const std::string& group, absl::Time now) const {
  const auto count = counts_.find(group);
  if ((count == counts_.end() ? 0 : count->second) < per_address_) return std::nullopt;
  const auto oldest =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.group == group; });
  return oldest == entries_.end() ? kHour : oldest->time + kHour - now;
}

void RegistrationLimits::GiveBack(absl::string_view address) {
  const std::string group = AddressGroup(address);
  absl::MutexLock lock(&mutex_);
  const auto last =
      std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& entry) { return entry.group == group; });
  if (last == entries_.rend()) return;  // an hour ago
  Discount(group);
  entries_.erase(std::next(last).base());
}

void RegistrationLimits::Discount(const std::string& group) {
  const auto count = counts_.find(group);
  if (--count->second == 0) counts_.erase(count);
}

}  // namespace auth_service
