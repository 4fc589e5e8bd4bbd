// Tells from an assertion who calls. Nothing else in a request says so: whoever reaches the port of a tool service can
// fill in the other fields. docs/writing-a-tool.md has the checks as a table.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_PRINCIPAL_VERIFIER_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_PRINCIPAL_VERIFIER_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/expiring_cache.h"
#include "common/token_digest.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "tool_service/sdk/principal_keys.h"

namespace tool_service {

// Why an assertion is not believed.
enum class PrincipalRefusal {
  kMissing,
  kMalformed,
  kWrongType,  // `typ`
  kWrongAlgorithm,
  kUnknownKey,  // nobody who may sign has published it
  kBadSignature,
  kWrongIssuer,    // not the edge that was configured
  kWrongAudience,  // made for another tool service
  kExpired,
  kNotYetValid,
  kNoKeys,  // not refused: nobody can tell now
};

// The name of a refusal as metrics and logs have it: "wrong_audience".
absl::string_view PrincipalRefusalName(PrincipalRefusal refusal);

struct RefusedPrincipal {
  PrincipalRefusal refusal;
  // One sentence, for whoever called and for the log. Holds nothing of the assertion but short names.
  std::string message;
};

// What comes of an assertion: who calls, every field of it signed, `assertion` left empty; or why nobody.
using PrincipalVerdict = std::variant<std::shared_ptr<const gatehouse::tool::v1::Principal>, RefusedPrincipal>;

struct PrincipalVerifierOptions {
  // What the edge's tool services file calls this tool service; one name, unless it is there under several.
  std::vector<std::string> audiences;
  // The edge (`iss`), its public MCP URL. Empty: whichever has published the key.
  std::string issuer;
};

// Thread-safe.
class PrincipalVerifier {
 public:
  // `keys` and `clock` must outlive the verifier.
  PrincipalVerifier(PrincipalVerifierOptions options, PrincipalKeys& keys, const common::Clock& clock);

  // The verdict on `assertion`, or nothing if that needs keys that are not here. Does not wait. What was verified is
  // remembered until it expires: what was signed, and the SHA-256 digest of the signature, which is of no use to
  // others.
  std::optional<PrincipalVerdict> VerifyNow(absl::string_view assertion);

  // The verdict, if need be after new keys have been fetched: waits until `deadline`, and five seconds at most.
  PrincipalVerdict Verify(absl::string_view assertion, absl::Time deadline);

 private:
  // What was verified: all of the assertion but its signature, and what it says.
  struct Verified {
    std::string signed_text;
    std::shared_ptr<const gatehouse::tool::v1::Principal> principal;
  };

  // Nothing: its key is none of `keys`.
  std::optional<PrincipalVerdict> Judge(absl::string_view assertion, const KeySet& keys);
  PrincipalVerdict JudgeClaims(absl::string_view claims_json, absl::Time& expire_time) const;

  const PrincipalVerifierOptions options_;
  PrincipalKeys& keys_;
  const common::Clock& clock_;
  common::ExpiringCache<common::TokenDigest, std::shared_ptr<const Verified>> cache_;  // by the signature
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_PRINCIPAL_VERIFIER_H_
