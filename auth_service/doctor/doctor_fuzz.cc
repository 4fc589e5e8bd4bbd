// Whatever a provider answers, the doctor comes to an end, says nothing that it was told in confidence, and cannot be
// made to write anything but text. The input is the answers, with zero bytes between them, used in turn: of each the
// first byte chooses the status, the rest is body, Location and Date.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "auth_service/doctor/doctor.h"
#include "auth_service/doctor/report.h"
#include "common/clock.h"
#include "nlohmann/json.hpp"

namespace auth_service {
namespace {

constexpr int kStatuses[] = {200, 302, 303, 400, 401, 403, 404, 500};
constexpr char kSecret[] = "s3cret-0123456789-of-the-machine";
constexpr char kToken[] = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2kifQ.c2ln";

void Require(bool condition) {
  if (!condition) std::abort();
}

class AnyProvider final : public HttpClient {
 public:
  explicit AnyProvider(absl::string_view input) : answers_(absl::StrSplit(input, '\0')) {
    if (answers_.empty()) answers_.emplace_back();
  }

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override {
    // Secrets go where the issuer's own document says, over TLS, and nowhere else.
    Require(absl::StartsWithIgnoreCase(request.url, "https://"));
    const absl::string_view answer = answers_[requests_++ % answers_.size()];
    if (answer.empty()) return absl::UnavailableError("connection refused");
    const std::string rest(answer.substr(1));
    return HttpResponse{kStatuses[static_cast<unsigned char>(answer[0]) % std::size(kStatuses)], rest, rest, rest};
  }

  size_t requests() const { return requests_; }

 private:
  std::vector<absl::string_view> answers_;
  size_t requests_ = 0;
};

void RunOne(absl::string_view input) {
  DoctorOptions options;
  options.issuer = "https://i";
  options.resource = "https://r/mcp";
  options.client_id = "agent";
  options.machine = {"machine", kSecret};
  options.introspection = options.machine;
  options.management = options.machine;
  options.token = kToken;
  options.show_claims = true;
  AnyProvider provider(input);
  const common::FakeClock clock;
  const Findings findings = Examine(options, provider, clock);
  Require(!findings.empty() && provider.requests() <= 24);
  for (const Finding& finding : findings) {
    Require(!absl::StrContains(finding.text, kSecret) && !absl::StrContains(finding.text, kToken));
    Require(!absl::StrContains(finding.advice, kSecret) && !absl::StrContains(finding.advice, kToken));
  }
  for (const char c : TextReport(options.issuer, options.resource, findings)) {
    Require(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
  }
  Require(nlohmann::json::parse(JsonReport(options.issuer, options.resource, findings), nullptr, false).is_object());
}

}  // namespace
}  // namespace auth_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth_service::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
