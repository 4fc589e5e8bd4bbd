#include "common/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace common {
namespace {

absl::Status CannotRead(absl::string_view what, const std::string& file_name) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", what, " ", file_name));
}

absl::StatusOr<std::string> ReadOpenFile(absl::string_view what, const std::string& file_name, size_t max_bytes,
                                         int file) {
  struct stat status = {};
  if (fstat(file, &status) != 0) return CannotRead(what, file_name);
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(what, " ", file_name, " is not a regular file"));
  }
  std::string content(max_bytes + 1, '\0');
  size_t length = 0;
  while (length < content.size()) {
    const ssize_t count = read(file, content.data() + length, content.size() - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return CannotRead(what, file_name);
    if (count == 0) break;
    length += static_cast<size_t>(count);
  }
  if (length > max_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(what, " ", file_name, " may have at most ", max_bytes, " bytes"));
  }
  content.resize(length);
  return content;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(absl::string_view what, const std::string& file_name, size_t max_bytes) {
  const int file = open(file_name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return CannotRead(what, file_name);
  absl::StatusOr<std::string> content = ReadOpenFile(what, file_name, max_bytes, file);
  close(file);
  return content;
}

}  // namespace common
