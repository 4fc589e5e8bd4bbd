#include "common/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace common {
namespace {

TEST(LogTest, ALineIsOneJsonObjectOfItsFields) {
  testing::internal::CaptureStderr();
  Log(Severity::kWarning, "token_refused",
      {{"reason", "ex\"pired"}, {"status", 401}, {"cached", true}, {"seconds", 0.5}});
  FlushLog();  // a caller waits only so long for its line
  const std::string line = testing::internal::GetCapturedStderr();
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["event"], "token_refused");
  EXPECT_EQ(json["severity"], "WARNING");
  EXPECT_EQ(json["reason"], "ex\"pired");
  EXPECT_EQ(json["status"], 401);
  EXPECT_EQ(json["cached"], true);
  EXPECT_EQ(json["seconds"], 0.5);
}

TEST(LogTest, SaysWhenToTheMicrosecond) {
  // Long enough for the second to change.
  const absl::Time end = absl::Now() + absl::Milliseconds(1100);
  absl::Time last = absl::InfinitePast();
  while (absl::Now() < end) {
    testing::internal::CaptureStderr();
    const absl::Time before = absl::Now();
    Log(Severity::kWarning, "tick");
    const absl::Time after = absl::Now();
    FlushLog();
    const std::string text = nlohmann::json::parse(testing::internal::GetCapturedStderr())["time"];
    ASSERT_EQ(text.size(), std::string("2026-11-23T00:00:00.000000Z").size());
    absl::Time time;
    ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) << text;
    EXPECT_GE(time, absl::FromUnixMicros(absl::ToUnixMicros(before)));
    EXPECT_LE(time, after);
    EXPECT_GE(time, last);
    last = time;
    absl::SleepFor(absl::Milliseconds(20));
  }
}

TEST(LogTest, LinesBelowTheLeastSeverityAreNotWritten) {
  testing::internal::CaptureStderr();
  Log(Severity::kDebug, "too_quiet");
  FlushLog();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(LogTest, SomeLinesAreWrittenWhateverTheirSeverity) {
  InitLog("test", Severity::kError);
  testing::internal::CaptureStderr();
  Log(Severity::kWarning, "too_quiet");
  LogAlways("audit", {{"who", "alice"}});
  FlushLog();
  InitLog("gatehouse", Severity::kInfo);
  const auto json = nlohmann::json::parse(testing::internal::GetCapturedStderr());
  EXPECT_EQ(json["event"], "audit");
  EXPECT_EQ(json["service"], "test");
  EXPECT_EQ(json["who"], "alice");
}

TEST(LogTest, ALineIsWrittenSoonWithoutBeingAskedFor) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int before = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  LogAlways("soon");
  pollfd read_end = {ends[0], POLLIN, 0};
  const int ready = poll(&read_end, 1, 5'000);
  dup2(before, STDERR_FILENO);
  for (const int end : {before, ends[0], ends[1]}) close(end);
  EXPECT_EQ(ready, 1);
}

TEST(LogTest, APipeThatDoesNotBlockLosesNothing) {
  FlushLog();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  const int before = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  const std::string text(1'000, 'x');
  constexpr int kLines = 500;  // many times what the pipe holds
  for (int i = 0; i < kLines; ++i) LogAlways("line", {{"text", text}});
  std::string heard;
  while (std::count(heard.begin(), heard.end(), '\n') < kLines) {
    pollfd read_end = {ends[0], POLLIN, 0};
    ASSERT_EQ(poll(&read_end, 1, 5'000), 1) << heard.size();
    char part[65536];
    const ssize_t size = read(ends[0], part, sizeof(part));
    ASSERT_GT(size, 0);
    heard.append(part, static_cast<size_t>(size));
  }
  dup2(before, STDERR_FILENO);
  for (const int end : {before, ends[0], ends[1]}) close(end);
}

// A reader who does not read must not stop those who have something to say, and hears of what was lost.
TEST(LogTest, AFullPipeHoldsUpNobodyAndWhatIsDroppedIsCountedAndSaid) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  FlushLog();
  const int64_t dropped_before = DroppedLogLines();
  const int before = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  const std::string text(1'000, 'x');
  int lines = 0;
  // The pipe is full, and the writer waits in the midst of it: from here on nothing leaves the buffer.
  for (; lines < 200; ++lines) LogAlways("line", {{"number", lines}, {"text", text}});
  pollfd write_end = {ends[1], POLLOUT, 0};
  while (poll(&write_end, 1, 0) == 1) absl::SleepFor(absl::Milliseconds(1));
  std::thread talker([&] {
    for (; DroppedLogLines() == dropped_before; ++lines) LogAlways("line", {{"number", lines}, {"text", text}});
    for (int i = 0; i < 9; ++i, ++lines) LogAlways("line", {{"number", lines}, {"text", text}});
    // Also those that are urgent: if each waited its 100 ms, this would take minutes.
    for (int i = 0; i < 1'000; ++i, ++lines) Log(Severity::kError, "line", {{"number", lines}, {"text", text}});
  });
  talker.join();
  const int64_t dropped = DroppedLogLines() - dropped_before;
  EXPECT_EQ(dropped, 1'010);
  // Now somebody reads.
  std::string heard;
  const std::string last = "\"event\":\"log_lines_dropped\"";
  while (heard.find(last) == std::string::npos || heard.back() != '\n') {
    char part[65536];
    const ssize_t size = read(ends[0], part, sizeof(part));
    ASSERT_GT(size, 0);
    heard.append(part, static_cast<size_t>(size));
  }
  dup2(before, STDERR_FILENO);
  for (const int end : {before, ends[0], ends[1]}) close(end);
  std::istringstream stream(heard);
  std::string line;
  int whole = 0;
  while (std::getline(stream, line)) {
    const auto json = nlohmann::json::parse(line);
    if (json["event"] == "log_lines_dropped") {
      EXPECT_EQ(json["count"], dropped);
    } else {
      EXPECT_EQ(json["number"], whole++) << "in order, and none missing before those that were dropped";
    }
  }
  EXPECT_EQ(whole, lines - dropped);
}

// Whatever is logged before the process ends is there.
TEST(LogTest, NothingIsLostAtExit) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    execl("/proc/self/exe", "log_test", "--log_and_exit", nullptr);
    _exit(1);
  }
  close(ends[1]);
  std::string heard;
  char part[4096];
  for (ssize_t size = 1; size > 0;) {
    size = read(ends[0], part, sizeof(part));
    if (size > 0) heard.append(part, static_cast<size_t>(size));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(std::count(heard.begin(), heard.end(), '\n'), 10'000);
}

}  // namespace
}  // namespace common

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--log_and_exit") {
    for (int i = 0; i < 10'000; ++i) common::LogAlways("line", {{"number", i}});
    return 0;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
