// What is found out about a token.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_H_

#include <string>

#include "absl/time/time.h"
#include "gatehouse/auth/v1/auth.pb.h"

namespace auth_service {

// The token is good for the resource, or it is not. That nothing can be found out now is no verdict but an
// absl::Status.
struct Verdict {
  // `principal` or `refusal` is set; `reuse_until_time` is left to the cache.
  gatehouse::auth::v1::VerifyTokenResponse response;
  // Of a refusal: what was found, for the log; the caller never sees it. Holds no token and no secret.
  std::string detail;
  // A principal that is given past the time of its verdict, since the provider cannot be asked.
  bool stale = false;

  bool accepted() const { return response.has_principal(); }
};

// A refusal, with the sentence that the caller sees for `reason`.
Verdict Refuse(gatehouse::auth::v1::RefusalReason reason, std::string detail);

// The same of a token of which `owner`'s issuer, subject and client are known.
Verdict RefuseTokenOf(const gatehouse::auth::v1::Principal& owner, gatehouse::auth::v1::RefusalReason reason,
                      std::string detail);

// The sentence for `reason`: ASCII without quotes or backslashes.
const char* RefusalDescription(gatehouse::auth::v1::RefusalReason reason);

// Sets `timestamp`, which holds the years 1 to 9999 only, to `time` or the nearest that it can hold.
void SetTimestamp(absl::Time time, google::protobuf::Timestamp& timestamp);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_H_
