// Structured logs: one JSON object per line on standard error.
//
// Each line has `time` (RFC 3339, UTC, microseconds), `severity`, `service`, `event` (a fixed name, snake_case) and the
// fields given. Never pass a token, a secret or a body: nothing here removes them.

#ifndef GATEHOUSE_COMMON_LOG_H_
#define GATEHOUSE_COMMON_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace common {

enum class Severity { kDebug, kInfo, kWarning, kError };

// One key and value of a log line. Text is escaped as JSON; invalid UTF-8 in it becomes U+FFFD.
class LogField {
 public:
  LogField(absl::string_view key, absl::string_view value) : key_(key), text_(value), kind_(Kind::kText) {}
  LogField(absl::string_view key, const char* value) : LogField(key, absl::string_view(value)) {}
  LogField(absl::string_view key, const std::string& value) : LogField(key, absl::string_view(value)) {}
  LogField(absl::string_view key, bool value) : key_(key), integer_(value), kind_(Kind::kBool) {}
  LogField(absl::string_view key, double value) : key_(key), real_(value), kind_(Kind::kReal) {}
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>>
  LogField(absl::string_view key, T value) : key_(key), integer_(static_cast<int64_t>(value)), kind_(Kind::kInteger) {}

  void AppendTo(std::string& line) const;

 private:
  enum class Kind { kText, kBool, kInteger, kReal };
  absl::string_view key_;
  absl::string_view text_;
  int64_t integer_ = 0;
  double real_ = 0;
  Kind kind_;
};

// Sets the `service` of every line and the least severity written. Call once, before the first thread is started.
void InitLog(absl::string_view service, Severity least_severity = Severity::kInfo);

// Writes one line. Thread-safe. A line below kError is written up to 100 ms later, together with others, and nobody
// waits for it: strangers can bring it about. One of kError is on standard error, with all before it, when this
// returns.
//
// If nobody reads standard error, callers wait for it no longer than 100 ms at a time, and not at all once it has stood
// still for that long. 4 MiB of lines are kept meanwhile; further ones are dropped, which is said in the log when it is
// read again (event `log_lines_dropped`, with `count`).
void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields = {});

// The same, not urgent, with severity INFO, whatever the least severity: for what has a switch of its own.
void LogAlways(absl::string_view event, std::initializer_list<LogField> fields = {});

// Waits until what was logged so far is written; two seconds, if nobody reads. Called at exit by itself.
void FlushLog();

// Lines dropped since the start of the process.
int64_t DroppedLogLines();

}  // namespace common

#endif  // GATEHOUSE_COMMON_LOG_H_
