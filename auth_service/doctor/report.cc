#include "auth_service/doctor/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace auth_service {
namespace {

constexpr size_t kMaxTextBytes = 1200;

const char* NameOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kWarning:
      return "warning";
    case Outcome::kFailure:
      return "failure";
    case Outcome::kSkipped:
      return "skipped";
  }
  return "";
}

// Without what would move the cursor or change the colours of a terminal: C0, DEL, and in UTF-8 C1.
std::string Printable(absl::string_view text) {
  std::string printable;
  for (size_t i = 0; i < std::min(text.size(), kMaxTextBytes); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    printable.push_back(c < 0x20 || c == 0x7F || c1 ? '?' : text[i]);
  }
  if (text.size() > kMaxTextBytes) printable += "...";
  return printable;
}

int CountOf(const Findings& findings, Outcome outcome) {
  return static_cast<int>(std::count_if(findings.begin(), findings.end(),
                                        [&](const Finding& finding) { return finding.outcome == outcome; }));
}

void AppendAdvice(const Findings& findings, Outcome outcome, int& number, std::string& report) {
  for (const Finding& finding : findings) {
    if (finding.outcome != outcome || finding.advice.empty()) continue;
    absl::StrAppend(&report, "  ", ++number, ". ", finding.check, ": ", Printable(finding.advice), "\n");
  }
}

}  // namespace

std::string TextReport(absl::string_view issuer, absl::string_view resource, const Findings& findings) {
  std::string report = absl::StrCat("issuer    ", Printable(issuer), "\nresource  ", Printable(resource), "\n\n");
  for (const Finding& finding : findings) {
    const std::string outcome = finding.outcome == Outcome::kFailure ? "FAILURE" : NameOf(finding.outcome);
    absl::StrAppend(&report, absl::StrFormat("%-8s %-15s %s\n", outcome, finding.check, Printable(finding.text)));
  }
  int number = 0;
  std::string advice;
  AppendAdvice(findings, Outcome::kFailure, number, advice);
  AppendAdvice(findings, Outcome::kWarning, number, advice);
  if (!advice.empty()) absl::StrAppend(&report, "\nWhat to do next\n", advice);
  std::string more;
  number = 0;
  AppendAdvice(findings, Outcome::kSkipped, number, more);
  if (!more.empty()) absl::StrAppend(&report, "\nTo check more\n", more);
  absl::StrAppend(&report, "\n", CountOf(findings, Outcome::kFailure), " failed, ",
                  CountOf(findings, Outcome::kWarning), " warned, ", CountOf(findings, Outcome::kOk), " ok, ",
                  CountOf(findings, Outcome::kSkipped), " skipped\n");
  return report;
}

std::string JsonReport(absl::string_view issuer, absl::string_view resource, const Findings& findings) {
  nlohmann::ordered_json report;
  report["issuer"] = std::string(issuer);
  report["resource"] = std::string(resource);
  report["ok"] = Healthy(findings);
  report["checks"] = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    nlohmann::ordered_json check;
    check["check"] = finding.check;
    check["outcome"] = NameOf(finding.outcome);
    check["text"] = finding.text;
    if (!finding.advice.empty()) check["advice"] = finding.advice;
    report["checks"].push_back(std::move(check));
  }
  return report.dump(2, ' ', /*ensure_ascii=*/true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

bool Healthy(const Findings& findings) { return CountOf(findings, Outcome::kFailure) == 0; }

}  // namespace auth_service
