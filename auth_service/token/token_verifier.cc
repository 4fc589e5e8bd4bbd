#include "auth_service/token/token_verifier.h"

#include "auth_service/token/token_form.h"

namespace auth_service {
namespace {

Verdict Malformed() {
  return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "not of the characters that a bearer token may have");
}

}  // namespace

std::optional<Verdict> TokenVerifier::VerifyLocally(absl::string_view token, absl::string_view resource) {
  switch (FormOf(token)) {
    case TokenForm::kJwt:
      return jwt_.VerifyLocally(token, resource);
    case TokenForm::kOpaque:
      return opaque_.VerifyLocally(token, resource);
    case TokenForm::kMalformed:
      break;
  }
  return Malformed();
}

absl::StatusOr<Verdict> TokenVerifier::VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                                          absl::Time deadline) {
  switch (FormOf(token)) {
    case TokenForm::kJwt:
      return jwt_.VerifyWithProvider(token, resource, deadline);
    case TokenForm::kOpaque:
      return opaque_.VerifyWithProvider(token, resource, deadline);
    case TokenForm::kMalformed:
      break;
  }
  return Malformed();
}

}  // namespace auth_service
