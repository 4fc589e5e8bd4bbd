// A mark on errors after which it is certain that the provider has done nothing.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_NOT_SENT_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_NOT_SENT_H_

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace auth_service {

inline constexpr char kNotSentMark[] = "gatehouse/not-sent";

// An error of the same code and message: no byte of the request has left this machine for the one who was to act on it.
inline absl::Status NotSent(absl::Status error) {
  error.SetPayload(kNotSentMark, absl::Cord());
  return error;
}

inline bool WasNotSent(const absl::Status& error) { return error.GetPayload(kNotSentMark).has_value(); }

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_NOT_SENT_H_
