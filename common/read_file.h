// Reads the small files that configure a service.

#ifndef GATEHOUSE_COMMON_READ_FILE_H_
#define GATEHOUSE_COMMON_READ_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace common {

// The whole content of a file. `what`: what it is to its reader, for messages: "the tool services file". Never waits,
// whatever the name stands for.
//
// Errors: kNotFound, kPermissionDenied or as errno has it, it cannot be read; kInvalidArgument, it has more than
// `max_bytes`, or is not a regular file.
absl::StatusOr<std::string> ReadFile(absl::string_view what, const std::string& file_name, size_t max_bytes);

}  // namespace common

#endif  // GATEHOUSE_COMMON_READ_FILE_H_
