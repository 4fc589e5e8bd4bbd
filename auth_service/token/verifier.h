// The one interface of everything that judges tokens.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_VERIFIER_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_VERIFIER_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth_service/token/verdict.h"

namespace auth_service {

// Judges bearer tokens (RFC 6750) in two steps, so that what can be told without the provider never waits behind what
// cannot. `token`: at most 8192 bytes, without the "Bearer " prefix. `resource`: the URI of the protected resource that
// it must be for. Thread-safe.
class Verifier {
 public:
  virtual ~Verifier() = default;

  // The verdict, if it can be told without asking the provider. Does not block; may compute for a millisecond.
  virtual std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) = 0;

  // The verdict, asking the provider as far as needed. For tokens on which VerifyLocally() had nothing to say. Blocks
  // until `deadline` at most.
  //
  // Errors: kUnavailable, the provider could not be asked, or gave no usable answer. Safe to retry.
  virtual absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                                     absl::Time deadline) = 0;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_VERIFIER_H_
