// Shows findings, to a person or to a machine.

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_REPORT_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_REPORT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "auth_service/doctor/finding.h"

namespace auth_service {

// A line for each finding, then what to do next, most urgent first, then the count. What a provider put into a finding
// reaches the terminal without control characters, in lines of bounded length.
std::string TextReport(absl::string_view issuer, absl::string_view resource, const Findings& findings);

// One JSON object: issuer, resource, ok (whether nothing failed), and checks, each with check, outcome ("ok",
// "warning", "failure", "skipped"), text and, if there is any, advice.
std::string JsonReport(absl::string_view issuer, absl::string_view resource, const Findings& findings);

// Whether nothing failed.
bool Healthy(const Findings& findings);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_REPORT_H_
