// Secrets reach a service as files, never as flags: a command line is there for every process to read.

#ifndef GATEHOUSE_COMMON_SECRET_FILE_H_
#define GATEHOUSE_COMMON_SECRET_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace common {

// The secret in a file: its only line, of at most 4 KiB, without the newline at its end. Reads the file each time, so
// that a secret that was exchanged is used from then on. `flag`: what names the file, without "--".
//
// Errors: as ReadFile() has them, and kInvalidArgument, the file is empty, or holds a further line or a control
// character. The message names flag and file, and nothing of what is in it.
absl::StatusOr<std::string> ReadSecretFile(absl::string_view flag, const std::string& file_name);

}  // namespace common

#endif  // GATEHOUSE_COMMON_SECRET_FILE_H_
