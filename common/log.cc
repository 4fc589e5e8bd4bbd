#include "common/log.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/json_text.h"

namespace common {
namespace {

constexpr size_t kFlushBytes = 64 * 1024;
constexpr absl::Duration kFlushInterval = absl::Milliseconds(100);

void WriteAll(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody to tell
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// Lines wait here until there are enough of them, one is urgent, or kFlushInterval is over.
class Sink {
 public:
  void Init(absl::string_view service, Severity least_severity) {
    service_ = std::string(service);
    least_severity_ = least_severity;
  }

  Severity least_severity() const { return least_severity_; }
  const std::string& service() const { return service_; }

  void Append(absl::string_view line, bool urgent) {
    absl::MutexLock lock(&mutex_);
    absl::StrAppend(&buffer_, line);
    if (urgent || buffer_.size() >= kFlushBytes) {
      FlushLocked();
    } else if (!flusher_running_) {
      flusher_running_ = true;
      std::thread([this] { FlushLater(); }).detach();
    }
  }

  void Flush() {
    absl::MutexLock lock(&mutex_);
    FlushLocked();
  }

 private:
  void FlushLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    WriteAll(buffer_);
    buffer_.clear();
  }

  void FlushLater() {
    while (true) {
      absl::SleepFor(kFlushInterval);
      Flush();
    }
  }

  std::string service_ = "gatehouse";
  Severity least_severity_ = Severity::kInfo;
  absl::Mutex mutex_;
  std::string buffer_ ABSL_GUARDED_BY(mutex_);
  bool flusher_running_ ABSL_GUARDED_BY(mutex_) = false;
};

Sink& GlobalSink() {
  static Sink* const sink = [] {
    std::atexit(FlushLog);
    return new Sink;  // never destroyed: threads may log until the process ends
  }();
  return *sink;
}

absl::string_view Name(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "ERROR";
}

// Appends `now` in RFC 3339 with microseconds. The part that changes once in a second is written once in a second.
void AppendTime(absl::Time now, std::string& line) {
  thread_local int64_t last_second = std::numeric_limits<int64_t>::min();
  thread_local std::string prefix;
  const int64_t second = absl::ToUnixSeconds(now);
  if (second != last_second) {
    prefix = absl::FormatTime("%Y-%m-%dT%H:%M:%S.", now, absl::UTCTimeZone());
    last_second = second;
  }
  const auto microseconds = absl::ToInt64Microseconds(now - absl::FromUnixSeconds(second));
  char digits[6];
  auto rest = microseconds;
  for (int i = 5; i >= 0; --i, rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
  absl::StrAppend(&line, prefix, absl::string_view(digits, sizeof(digits)), "Z");
}

}  // namespace

void LogField::AppendTo(std::string& line) const {
  absl::StrAppend(&line, ",\"", key_, "\":");
  switch (kind_) {
    case Kind::kText:
      line += '"';
      AppendJsonEscaped(text_, line);
      line += '"';
      break;
    case Kind::kBool:
      line += integer_ != 0 ? "true" : "false";
      break;
    case Kind::kInteger:
      absl::StrAppend(&line, integer_);
      break;
    case Kind::kReal:
      if (std::isfinite(real_)) {
        absl::StrAppend(&line, real_);
      } else {
        line += "null";
      }
      break;
  }
}

void InitLog(absl::string_view service, Severity least_severity) { GlobalSink().Init(service, least_severity); }

void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields) {
  Sink& sink = GlobalSink();
  if (severity < sink.least_severity()) return;
  thread_local std::string line;
  line.clear();
  line += "{\"time\":\"";
  AppendTime(absl::Now(), line);
  absl::StrAppend(&line, "\",\"severity\":\"", Name(severity), "\",\"service\":\"", sink.service(), "\",\"event\":\"",
                  event, "\"");
  for (const LogField& field : fields) field.AppendTo(line);
  line += "}\n";
  sink.Append(line, severity >= Severity::kWarning);
}

void FlushLog() { GlobalSink().Flush(); }

}  // namespace common
