#include "tool_service/sdk/config.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

ABSL_FLAG(std::string, host, tool_service::Config().host, "address to serve gRPC on");
ABSL_FLAG(int32_t, port, tool_service::Config().port, "port to serve gRPC on; 0 takes a free one");
ABSL_FLAG(std::string, admin_host, tool_service::Config().admin_host, "address of /livez, /readyz and /metrics");
ABSL_FLAG(int32_t, admin_port, tool_service::Config().admin_port, "port of /livez, /readyz and /metrics");
ABSL_FLAG(absl::Duration, shutdown_grace, tool_service::Config().shutdown_grace,
          "how long calls under way may go on after SIGTERM");
ABSL_FLAG(std::string, log_severity, tool_service::Config().log_severity, "debug, info, warning or error");
ABSL_FLAG(int32_t, max_threads, tool_service::Config().max_threads, "calls that may run at once if they block");
ABSL_FLAG(int32_t, max_waiting, tool_service::Config().max_waiting, "calls that may wait for one of those to end");

namespace tool_service {
namespace {

constexpr absl::string_view kSeverities[] = {"debug", "info", "warning", "error"};  // in the order of common::Severity

absl::Status CheckRange(absl::string_view flag, int value, int least, int most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " must be between ", least, " and ", most, ", got ", value));
}

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

}  // namespace

absl::Status Config::Validate() const {
  for (const absl::Status& status :
       {CheckRange("port", port, 0, 65535), CheckRange("admin_port", admin_port, 0, 65535),
        CheckRange("max_threads", max_threads, 1, 10'000), CheckRange("max_waiting", max_waiting, 0, 100'000)}) {
    if (!status.ok()) return status;
  }
  if (host.empty()) return absl::InvalidArgumentError("--host must not be empty");
  if (admin_host.empty()) return absl::InvalidArgumentError("--admin_host must not be empty");
  if (port != 0 && port == admin_port) {
    return absl::InvalidArgumentError(absl::StrCat("--port and --admin_port must differ, both are ", port));
  }
  if (shutdown_grace < absl::ZeroDuration() || shutdown_grace > absl::Hours(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--shutdown_grace must be in [0s, 1h], got ", absl::FormatDuration(shutdown_grace)));
  }
  if (std::find(std::begin(kSeverities), std::end(kSeverities), log_severity) == std::end(kSeverities)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--log_severity must be debug, info, warning or error, got \"", log_severity, "\""));
  }
  return absl::OkStatus();
}

common::Severity Config::severity() const {
  return static_cast<common::Severity>(std::find(std::begin(kSeverities), std::end(kSeverities), log_severity) -
                                       std::begin(kSeverities));
}

Config ConfigFromFlags() {
  Config config;
  config.host = absl::GetFlag(FLAGS_host);
  config.port = absl::GetFlag(FLAGS_port);
  config.admin_host = absl::GetFlag(FLAGS_admin_host);
  config.admin_port = absl::GetFlag(FLAGS_admin_port);
  config.shutdown_grace = absl::GetFlag(FLAGS_shutdown_grace);
  config.log_severity = absl::GetFlag(FLAGS_log_severity);
  config.max_threads = absl::GetFlag(FLAGS_max_threads);
  config.max_waiting = absl::GetFlag(FLAGS_max_waiting);
  return config;
}

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

}  // namespace tool_service
