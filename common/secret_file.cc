#include "common/secret_file.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/read_file.h"

namespace common {
namespace {

constexpr size_t kMaxSecretBytes = 4096;

}  // namespace

absl::StatusOr<std::string> ReadSecretFile(absl::string_view flag, const std::string& file_name) {
  const absl::StatusOr<std::string> content =
      ReadFile(absl::StrCat("the file of --", flag), file_name, kMaxSecretBytes);
  if (!content.ok()) return content.status();
  const absl::string_view line = absl::StripSuffix(absl::StripSuffix(*content, "\n"), "\r");
  const auto wrong = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("the file of --", flag, " ", file_name, " ", what));
  };
  if (line.empty()) return wrong("is empty");
  if (std::any_of(line.begin(), line.end(),
                  [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
    return wrong("must hold one line without control characters");
  }
  return std::string(line);
}

}  // namespace common
