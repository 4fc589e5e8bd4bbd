// Whatever bytes come as a bearer token: a verdict is given, and only what the issuer signed is accepted. The same
// bytes are also tried as what lies behind the signature and behind the provider: claims set, userinfo answer, JWK Set.
//
// Nobody has the private keys of kJwks any more, so what verifies must be one of the good_* files of the corpus: the
// same claims, at the least.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/fake_http_client.h"
#include "auth_service/token/jwt_verifier.h"
#include "auth_service/token/opaque_verifier.h"
#include "auth_service/token/token_verifier.h"

namespace auth_service {
namespace {

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr char kJwks[] =
    R"({"keys":[{"kty":"EC","crv":"P-384","kid":"ec","alg":"ES384","use":"sig",)"
    R"("x":"KLt-Gi_t1bJMEcVREMFOw6fX6TdIG5XdAbIqF21916TBIq7GyspHMdQak1nNDxNy",)"
    R"("y":"JS96LgPGFKC34slWAUVZBeoDEW75SS1uEpXCsUEZfp2YO_o1i74lHvVSRUME_Nlg"},)"
    R"({"kty":"RSA","kid":"rsa","e":"AQAB","n":")"
    "n2hLn69stqPz-KoRt7mvlynZQ9192w9ec9rSoHLpuemERisRLUkv_loWVE3pQLtKbNb_0ATEzG-Jac9iY5eC5vUWkTfxs85yQij-"
    "1JOD28seQIju8bCOfnd2GcSciDINWyhmlVCcD1YqZFICCq2fAVirbjNEABsN7dqLNjQFOoFDf_yea3EhXBRysGYhfxOs9wtepkz1"
    "Ua4SWEgk6KCRsUz2nqDUODDDiphcAyGIQKQJ5lqeV2LZzX44YVA9QNNp3yPAC4e34sxV7D591enuenW7Skb2PE0xAa4JucV8eVPZ"
    "XDI3lbCdd2bahlw2OgTW8tqvAk1aF-lA6K7AXCYaRw"
    R"("}]})";
constexpr char kSignedClaims[] =
    R"({"jti":"a","sub":"alice","iat":1799999990,"exp":1800003600,"scope":"read write","client_id)"
    R"(":"smartmail","iss":"https://id.example.com/oidc","aud":"https://mcp.example.com/mcp"})";

class FixedKeySource final : public KeySource {
 public:
  FixedKeySource() : keys_(std::make_shared<const Keys>(ParseKeys(kJwks).value())) {
    if (keys_->size() != 2) std::abort();
  }
  std::shared_ptr<const Keys> current() const override { return keys_; }
  absl::Status RefreshForUnknownKey(absl::string_view, absl::Duration) override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<const Keys> keys_;
};

void Require(bool condition) {
  if (!condition) std::abort();
}

// A verdict says one thing, and what it says can be sent on.
void RequireSound(const Verdict& verdict) {
  Require(verdict.accepted() != verdict.response.has_refusal());
  if (!verdict.accepted()) return;
  Require(!verdict.response.principal().subject().empty());
  Require(ParseJsonObject(verdict.response.principal().claims_json()).has_value());
  Require(verdict.response.SerializeAsString().size() > 0);
}

void RunOne(absl::string_view input) {
  static const common::FakeClock clock(absl::FromUnixSeconds(1'800'000'000));
  static FixedKeySource keys;
  static FakeHttpClient provider;
  static const Discovery discovery(kIssuer, absl::Seconds(1), provider, clock);
  static JwtVerifier jwt(kIssuer, absl::Seconds(30), keys, clock);
  static OpaqueVerifier opaque(false, absl::Seconds(1), discovery, provider, clock);
  static TokenVerifier verifier(jwt, opaque);

  std::optional<Verdict> verdict = verifier.VerifyLocally(input, kResource);
  if (!verdict.has_value()) {
    absl::StatusOr<Verdict> asked = verifier.VerifyWithProvider(input, kResource, absl::InfiniteFuture());
    Require(asked.ok());
    verdict = *std::move(asked);
  }
  RequireSound(*verdict);
  if (verdict->accepted()) Require(verdict->response.principal().claims_json() == kSignedClaims);

  // Without the check of characters that comes first.
  if (const std::optional<Verdict> unchecked = jwt.VerifyLocally(input, kResource); unchecked.has_value()) {
    RequireSound(*unchecked);
    if (unchecked->accepted()) Require(unchecked->response.principal().claims_json() == kSignedClaims);
  }

  const std::string text(input);
  RequireSound(jwt.JudgeClaims(text, kResource, /*generic_type=*/false));
  RequireSound(jwt.JudgeClaims(text, kResource, /*generic_type=*/true));
  if (const absl::StatusOr<Verdict> told = JudgeUserinfo({200, text}, kIssuer); told.ok()) RequireSound(*told);
  if (const std::optional<nlohmann::json> json = ParseJsonObject(input); json.has_value()) {
    Require(ParseJsonObject(CompactJson(input)) == json);
  }
  if (const absl::StatusOr<Keys> parsed = ParseKeys(input); parsed.ok()) {
    for (const VerificationKey& key : *parsed) Require(key.key != nullptr && key.signature_bytes >= 64);
  }
}

}  // namespace
}  // namespace auth_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth_service::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
