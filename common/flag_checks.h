// Checks of flags that every service has alike. What is wrong is one line that names the flag, the rule and the value.

#ifndef GATEHOUSE_COMMON_FLAG_CHECKS_H_
#define GATEHOUSE_COMMON_FLAG_CHECKS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/log.h"

namespace common {

// Errors: kInvalidArgument, `value` is not in [`least`, `most`]. `flag`: its name, without "--".
absl::Status CheckRange(absl::string_view flag, int64_t value, int64_t least, int64_t most);
absl::Status CheckRange(absl::string_view flag, absl::Duration value, absl::Duration least, absl::Duration most);

// Of debug, info, warning, error; nothing for any other name.
std::optional<Severity> SeverityFromName(absl::string_view name);

// Errors: kInvalidArgument, `value` of --log_severity names none.
absl::Status CheckLogSeverity(absl::string_view value);

}  // namespace common

#endif  // GATEHOUSE_COMMON_FLAG_CHECKS_H_
