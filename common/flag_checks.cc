#include "common/flag_checks.h"

#include "absl/strings/str_cat.h"

namespace common {

absl::Status CheckRange(absl::string_view flag, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " must be in [", least, ", ", most, "], got ", value));
}

absl::Status CheckRange(absl::string_view flag, absl::Duration value, absl::Duration least, absl::Duration most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " must be in [", absl::FormatDuration(least), ", ",
                                                 absl::FormatDuration(most), "], got ", absl::FormatDuration(value)));
}

std::optional<Severity> SeverityFromName(absl::string_view name) {
  if (name == "debug") return Severity::kDebug;
  if (name == "info") return Severity::kInfo;
  if (name == "warning") return Severity::kWarning;
  if (name == "error") return Severity::kError;
  return std::nullopt;
}

absl::Status CheckLogSeverity(absl::string_view value) {
  if (SeverityFromName(value).has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--log_severity must be debug, info, warning or error, got \"", value, "\""));
}

}  // namespace common
