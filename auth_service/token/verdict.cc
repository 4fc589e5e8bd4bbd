#include "auth_service/token/verdict.h"

#include <algorithm>
#include <utility>

namespace auth_service {

using gatehouse::auth::v1::RefusalReason;

const char* RefusalDescription(RefusalReason reason) {
  switch (reason) {
    case gatehouse::auth::v1::REFUSAL_REASON_MALFORMED:
      return "The token is malformed";
    case gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE:
      return "The signature of the token is wrong";
    case gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED:
      return "The token is signed with an algorithm that is not allowed";
    case gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY:
      return "The token is signed with a key that its issuer does not publish";
    case gatehouse::auth::v1::REFUSAL_REASON_EXPIRED:
      return "The token has expired";
    case gatehouse::auth::v1::REFUSAL_REASON_NOT_YET_VALID:
      return "The token is not valid yet";
    case gatehouse::auth::v1::REFUSAL_REASON_WRONG_ISSUER:
      return "The token comes from another issuer";
    case gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE:
      return "The token is meant for another resource";
    case gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE:
      return "The token is not an access token";
    case gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM:
      return "The token lacks a claim that an access token must have";
    case gatehouse::auth::v1::REFUSAL_REASON_OPAQUE_NOT_ALLOWED:
      return "Opaque tokens are not accepted here; ask for a token with the resource parameter";
    case gatehouse::auth::v1::REFUSAL_REASON_INACTIVE:
      return "The token is unknown, expired or revoked";
    case gatehouse::auth::v1::REFUSAL_REASON_INSUFFICIENT_SCOPE_AT_PROVIDER:
      return "The token lacks the scope openid, without which its user cannot be read";
    case gatehouse::auth::v1::REFUSAL_REASON_USER_SUSPENDED:
      return "The user is suspended";
    case gatehouse::auth::v1::REFUSAL_REASON_USER_UNKNOWN:
      return "The user does not exist";
    case gatehouse::auth::v1::REFUSAL_REASON_CLIENT_NOT_ALLOWED:
      return "The token was issued to a client that may not call here";
    default:
      return "The token is not accepted";
  }
}

Verdict Refuse(RefusalReason reason, std::string detail) {
  Verdict verdict;
  verdict.response.mutable_refusal()->set_reason(reason);
  verdict.response.mutable_refusal()->set_description(RefusalDescription(reason));
  verdict.detail = std::move(detail);
  return verdict;
}

Verdict RefuseTokenOf(const gatehouse::auth::v1::Principal& owner, RefusalReason reason, std::string detail) {
  Verdict verdict = Refuse(reason, std::move(detail));
  gatehouse::auth::v1::Refusal& refusal = *verdict.response.mutable_refusal();
  refusal.set_issuer(owner.issuer());
  refusal.set_subject(owner.subject());
  refusal.set_client_id(owner.client_id());
  return verdict;
}

void SetTimestamp(absl::Time time, google::protobuf::Timestamp& timestamp) {
  const absl::Time first = absl::FromUnixSeconds(-62135596800);                                // 0001-01-01T00:00:00Z
  const absl::Time last = absl::FromUnixSeconds(253402300799) + absl::Nanoseconds(999999999);  // the end of 9999
  time = std::clamp(time, first, last);
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

}  // namespace auth_service
