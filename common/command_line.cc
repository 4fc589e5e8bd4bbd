#include "common/command_line.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace common {
namespace {

absl::Status SetFlag(absl::string_view name, absl::string_view value) {
  std::string why;
  if (absl::FindCommandLineFlag(name)->ParseFrom(value, &why)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", name, " cannot be \"", value, "\"", why.empty() ? "" : ": ", why));
}

absl::Status SetFlagsFromEnvironment(absl::string_view names) {
  for (const absl::string_view name : absl::StrSplit(names, ',', absl::SkipEmpty())) {
    if (absl::FindCommandLineFlag(name) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("--fromenv names \"", name, "\", which is no flag; see --help"));
    }
    const char* const value = std::getenv(absl::StrCat("FLAGS_", name).c_str());
    if (value == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("--fromenv names \"", name, "\", but FLAGS_", name, " is not in the environment"));
    }
    if (absl::Status status = SetFlag(name, value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// Lets --help show our own flags, wherever they are defined: by itself it knows those of one file by its name only.
void ShowOurFlagsInHelp() {
  absl::FlagsUsageConfig config;
  const auto is_ours = [](absl::string_view file_name) { return !absl::StrContains(file_name, "absl/"); };
  config.contains_help_flags = is_ours;
  config.contains_helpshort_flags = is_ours;
  absl::SetFlagsUsageConfig(config);
}

}  // namespace

// absl::ParseCommandLine() ends the process with code 1 and several lines at the first thing it dislikes, so what a
// person can get wrong is looked at here; it is left with --help.
absl::Status ParseFlags(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (!absl::StartsWith(argument, "-") || argument.size() < 2) {
      return absl::InvalidArgumentError(absl::StrCat("\"", argument, "\" is no flag; see --help"));
    }
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(argument.substr(absl::StartsWith(argument, "--") ? 2 : 1), absl::MaxSplits('=', 1));
    const auto [name, inline_value] = parts;
    const bool has_value = absl::StrContains(argument, '=');
    if (absl::StartsWith(name, "help")) {
      ShowOurFlagsInHelp();
      char* help[] = {argv[0], argv[i]};
      absl::ParseCommandLine(2, help);
      continue;
    }
    const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
    const absl::CommandLineFlag* const negated =
        absl::StartsWith(name, "no") ? absl::FindCommandLineFlag(name.substr(2)) : nullptr;
    absl::Status status;
    if (flag == nullptr && negated != nullptr && negated->IsOfType<bool>() && !has_value) {
      status = SetFlag(negated->Name(), "false");
    } else if (flag == nullptr) {
      status = absl::InvalidArgumentError(absl::StrCat("there is no flag --", name, "; see --help"));
    } else if (!has_value && flag->IsOfType<bool>()) {
      status = SetFlag(name, "true");
    } else if (!has_value && i + 1 == argc) {
      status = absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
    } else {
      const absl::string_view value = has_value ? inline_value : absl::string_view(argv[++i]);
      status = name == "fromenv" ? SetFlagsFromEnvironment(value) : SetFlag(name, value);
    }
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace common
