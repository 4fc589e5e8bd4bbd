#include "common/log.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/json_text.h"

namespace common {
namespace {

constexpr size_t kFlushBytes = 64 * 1024;
constexpr size_t kMaxBufferedBytes = 4 << 20;
constexpr absl::Duration kFlushInterval = absl::Milliseconds(100);
// How long a caller waits for its urgent line, and the end of the process for the last ones. Longer only when nobody
// reads.
constexpr absl::Duration kMaxUrgentWait = absl::Milliseconds(100);
constexpr absl::Duration kMaxExitWait = absl::Seconds(2);

void WriteAll(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {  // somebody who shares the pipe made it so; wait as if it were not
      pollfd pipe = {STDERR_FILENO, POLLOUT, 0};
      poll(&pipe, 1, -1);
      continue;
    }
    if (written <= 0) return;  // nobody to tell
    bytes.remove_prefix(static_cast<size_t>(written));
  }
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
  const int64_t since_epoch = absl::ToUnixMicros(now);
  const int64_t second = since_epoch / 1'000'000;
  if (second != last_second) {
    prefix = absl::FormatTime("%Y-%m-%dT%H:%M:%S.", absl::FromUnixSeconds(second), absl::UTCTimeZone());
    last_second = second;
  }
  char digits[6];
  int64_t rest = since_epoch % 1'000'000;
  for (int i = 5; i >= 0; --i, rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
  line += prefix;
  line.append(digits, sizeof(digits));
  line += 'Z';
}

void AppendLine(Severity severity, absl::string_view service, absl::string_view event,
                std::initializer_list<LogField> fields, std::string& line) {
  line += "{\"time\":\"";
  AppendTime(absl::Now(), line);
  absl::StrAppend(&line, "\",\"severity\":\"", Name(severity), "\",\"service\":\"", service, "\",\"event\":\"", event,
                  "\"");
  for (const LogField& field : fields) field.AppendTo(line);
  line += "}\n";
}

// Lines wait here until there are enough of them, one is urgent, or kFlushInterval is over. A thread of its own writes
// them, so that a reader who does not read holds up nobody else.
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
    if (buffer_.size() + line.size() > kMaxBufferedBytes) {
      ++dropped_;
      ++dropped_total_;
      return;
    }
    const bool was_empty = buffer_.empty();
    buffer_.append(line.data(), line.size());
    appended_ += line.size();
    if (!writer_running_) {
      writer_running_ = true;
      std::thread([this] { Write(); }).detach();
    }
    if (urgent) {
      AwaitWritten(kMaxUrgentWait);
    } else if (!wanted_ && buffer_.size() >= kFlushBytes) {
      wanted_ = true;
      wake_.Signal();
    } else if (was_empty) {
      wake_.Signal();
    }
  }

  void Flush() {
    absl::MutexLock lock(&mutex_);
    if (writer_running_) AwaitWritten(kMaxExitWait);
  }

  int64_t dropped_total() {
    absl::MutexLock lock(&mutex_);
    return dropped_total_;
  }

 private:
  // Waits for what was appended so far, unless what is being written now has been for longer than `most` already.
  void AwaitWritten(absl::Duration most) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    wanted_ = true;
    wake_.Signal();
    const uint64_t until = appended_;
    const auto is_written = [this, until]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return written_ >= until; };
    const absl::Time begin = writing_ ? write_begin_time_ : absl::Now();
    mutex_.AwaitWithDeadline(absl::Condition(&is_written), begin + most);
  }

  // The life of the writing thread.
  void Write() {
    std::string lines;
    absl::MutexLock lock(&mutex_);
    while (true) {
      while (buffer_.empty()) wake_.Wait(&mutex_);
      const absl::Time flush_time = absl::Now() + kFlushInterval;
      while (!wanted_ && !wake_.WaitWithDeadline(&mutex_, flush_time)) {
      }
      wanted_ = false;
      lines.clear();
      std::swap(lines, buffer_);
      writing_ = true;
      write_begin_time_ = absl::Now();
      mutex_.Unlock();
      WriteAll(lines);
      mutex_.Lock();
      writing_ = false;
      written_ += lines.size();
      if (lines.capacity() > 4 * kFlushBytes) lines = std::string();
      if (dropped_ > 0) {
        std::string line;
        AppendLine(Severity::kWarning, service_, "log_lines_dropped", {{"count", std::exchange(dropped_, 0)}}, line);
        buffer_ += line;
        appended_ += line.size();
      }
    }
  }

  std::string service_ = "gatehouse";
  Severity least_severity_ = Severity::kInfo;
  absl::Mutex mutex_;
  // Wakes the writing thread. Not a condition of the mutex, which each caller would look at when it unlocks.
  absl::CondVar wake_;
  std::string buffer_ ABSL_GUARDED_BY(mutex_);
  uint64_t appended_ ABSL_GUARDED_BY(mutex_) = 0;  // bytes since the start
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;   // of these
  int64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;    // lines, since it was last said
  int64_t dropped_total_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writer_running_ ABSL_GUARDED_BY(mutex_) = false;
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;  // what is there is to be written at once
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time write_begin_time_ ABSL_GUARDED_BY(mutex_);
};

Sink& GlobalSink() {
  static Sink* const sink = [] {
    std::atexit(FlushLog);
    return new Sink;  // never destroyed: threads may log until the process ends
  }();
  return *sink;
}

}  // namespace

void LogField::AppendTo(std::string& line) const {
  line += ",\"";
  line.append(key_.data(), key_.size());
  line += "\":";
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
  AppendLine(severity, sink.service(), event, fields, line);
  sink.Append(line, /*urgent=*/severity >= Severity::kError);
}

void LogAlways(absl::string_view event, std::initializer_list<LogField> fields) {
  Sink& sink = GlobalSink();
  thread_local std::string line;
  line.clear();
  AppendLine(Severity::kInfo, sink.service(), event, fields, line);
  sink.Append(line, /*urgent=*/false);
}

void FlushLog() { GlobalSink().Flush(); }

int64_t DroppedLogLines() { return GlobalSink().dropped_total(); }

}  // namespace common
