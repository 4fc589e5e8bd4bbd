// What a check of the doctor found.

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_FINDING_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_FINDING_H_

#include <string>
#include <utility>
#include <vector>

namespace auth_service {

enum class Outcome {
  kOk,
  kWarning,  // it works, but something will surprise somebody
  kFailure,  // agents cannot use the resource until this is mended
  kSkipped,  // could not be looked at: nothing was given to look with, or an earlier check failed
};

// Holds no token and no secret. May hold text of the provider: for a terminal only by way of report.h.
struct Finding {
  std::string check;  // the name of the check, stable for machines: "pkce"
  Outcome outcome = Outcome::kOk;
  std::string text;    // one sentence: what was found
  std::string advice;  // what to do about it; empty if there is nothing to do
};

using Findings = std::vector<Finding>;

inline Finding Ok(std::string check, std::string text) {
  return Finding{std::move(check), Outcome::kOk, std::move(text), ""};
}

inline Finding Warning(std::string check, std::string text, std::string advice) {
  return Finding{std::move(check), Outcome::kWarning, std::move(text), std::move(advice)};
}

inline Finding Failure(std::string check, std::string text, std::string advice) {
  return Finding{std::move(check), Outcome::kFailure, std::move(text), std::move(advice)};
}

inline Finding Skipped(std::string check, std::string text, std::string advice = "") {
  return Finding{std::move(check), Outcome::kSkipped, std::move(text), std::move(advice)};
}

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_FINDING_H_
