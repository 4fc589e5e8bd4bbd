#include "mcp_edge/session/memory_stream_store.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using Outcome = EventStream::Outcome;

// The messages that are there for the reader now, one after the other.
std::string ReadAll(EventStream& stream, const EventStream::Reader& reader) {
  std::string all;
  while (true) {
    const EventStream::ReadResult result = stream.Read(reader.id, absl::InfinitePast());
    if (result.outcome != Outcome::kEvent) return all;
    absl::StrAppend(&all, all.empty() ? "" : " ", result.event.number, ":", *result.event.message);
  }
}

class MemoryStreamStoreTest : public testing::Test {
 protected:
  common::FakeClock clock_;
  MemoryStreamLimits limits_ = {
      .max_events = 4, .max_bytes = 1'000, .max_total_bytes = 3'000, .max_ended_per_session = 2};
};

TEST_F(MemoryStreamStoreTest, AReaderThatComesBackReadsWhatItMissed) {
  MemoryStreamStore store(limits_, clock_);
  store.Main("s");
  const auto stream = store.Open("s");
  const auto first = stream->Attach(std::nullopt);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->position, 0u);
  for (const char* message : {"a", "b", "c"}) stream->Append(message);
  EXPECT_EQ(ReadAll(*stream, *first), "1:a 2:b 3:c");
  stream->Detach(first->id);
  EXPECT_EQ(stream->Read(first->id, absl::InfiniteFuture()).outcome, Outcome::kReplaced);
  stream->Append("d");
  stream->End();
  ASSERT_EQ(store.Find("s", stream->number()), stream);
  const auto second = stream->Attach(1);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(ReadAll(*stream, *second), "2:b 3:c 4:d");
  EXPECT_EQ(stream->Read(second->id, absl::InfiniteFuture()).outcome, Outcome::kEnded);
}

TEST_F(MemoryStreamStoreTest, WithoutAPlaceTheReaderBeginsWithWhatNobodyRead) {
  MemoryStreamStore store(limits_, clock_);
  const auto stream = store.Main("s");
  EXPECT_EQ(store.Main("s"), stream);
  EXPECT_EQ(stream->number(), 0u);
  stream->Append("a");
  const auto first = stream->Attach(std::nullopt);
  EXPECT_EQ(ReadAll(*stream, *first), "1:a");
  stream->Append("b");
  const auto second = stream->Attach(std::nullopt);
  EXPECT_EQ(second->position, 1u);
  EXPECT_EQ(stream->Read(first->id, absl::InfiniteFuture()).outcome, Outcome::kReplaced);
  EXPECT_EQ(ReadAll(*stream, *second), "2:b");
}

TEST_F(MemoryStreamStoreTest, WhatIsGoneOrWasNeverThereCannotBeResumed) {
  MemoryStreamStore store(limits_, clock_);
  store.Main("s");
  const auto stream = store.Open("s");
  for (const char* message : {"a", "b", "c", "d", "e", "f"}) stream->Append(message);
  EXPECT_FALSE(stream->Attach(0).has_value()) << "1 and 2 had to make room";
  EXPECT_FALSE(stream->Attach(1).has_value());
  EXPECT_TRUE(stream->Attach(2).has_value());
  EXPECT_TRUE(stream->Attach(6).has_value());
  EXPECT_FALSE(stream->Attach(7).has_value());
  EXPECT_FALSE(stream->Attach(~uint64_t{0}).has_value());
  EXPECT_EQ(store.Find("s", 99), nullptr);
  EXPECT_EQ(store.Find("another", stream->number()), nullptr);
}

TEST_F(MemoryStreamStoreTest, WhatWasReadExpires) {
  MemoryStreamStore store(limits_, clock_);
  const auto stream = store.Main("s");
  const auto reader = stream->Attach(std::nullopt);
  stream->Append("a");
  EXPECT_EQ(ReadAll(*stream, *reader), "1:a");
  stream->Append("b");
  clock_.Advance(limits_.retention);
  EXPECT_FALSE(stream->Attach(0).has_value());
  const auto again = stream->Attach(1);
  ASSERT_TRUE(again.has_value()) << "b was not read yet";
  EXPECT_EQ(ReadAll(*stream, *again), "2:b");
}

TEST_F(MemoryStreamStoreTest, EndedStreamsAreKeptForAWhile) {
  MemoryStreamStore store(limits_, clock_);
  store.Main("s");
  std::vector<std::shared_ptr<EventStream>> streams;
  for (int i = 0; i < 3; ++i) {
    streams.push_back(store.Open("s"));
    streams.back()->Append("a");
    streams.back()->End();
  }
  EXPECT_EQ(store.Find("s", 1), nullptr) << "two may be kept of a session";
  EXPECT_NE(store.Find("s", 2), nullptr);
  const auto running = store.Open("s");
  clock_.Advance(limits_.retention);
  EXPECT_EQ(store.Find("s", 2), nullptr);
  EXPECT_EQ(store.Find("s", running->number()), running);
  store.Forget("s");
  EXPECT_EQ(store.Find("s", running->number()), nullptr);
}

TEST_F(MemoryStreamStoreTest, AllTogetherAreBounded) {
  MemoryStreamStore store(limits_, clock_);
  store.Main("s");
  for (int i = 0; i < 20; ++i) {
    store.Main(absl::StrCat("s", i));
    const auto stream = store.Open(absl::StrCat("s", i));
    for (int n = 0; n < 10; ++n) stream->Append(std::string(300, 'a'));
    EXPECT_LE(store.total_bytes(), limits_.max_total_bytes);
    if (i % 2 == 0) stream->End();
  }
  EXPECT_GT(store.total_bytes(), 0u);
  store.Main("reads");
  auto read = store.Open("reads");
  const auto reader = read->Attach(std::nullopt);
  EXPECT_TRUE(read->Append("a")) << "who reads is served";
  EXPECT_EQ(ReadAll(*read, *reader), "1:a");
  store.Forget("reads");
  read.reset();
  for (int i = 0; i < 20; ++i) store.Forget(absl::StrCat("s", i));
  EXPECT_EQ(store.total_bytes(), 0u);
}

TEST_F(MemoryStreamStoreTest, ASessionBeyondItsShareLosesItsOwn) {
  limits_.max_session_bytes = 2'000;
  limits_.max_ended_per_session = 100;
  MemoryStreamStore store(limits_, clock_);
  store.Main("other");
  store.Main("s");
  const auto other = store.Open("other");
  other->Append(std::string(300, 'a'));
  other->End();
  uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    const auto stream = store.Open("s");
    for (int n = 0; n < 2; ++n) stream->Append(std::string(300, 'a'));
    if (i % 2 == 0) stream->AppendWhenRead("a");
    stream->End();
    last = stream->number();
    EXPECT_LE(store.total_bytes(), limits_.max_session_bytes + 400);
  }
  EXPECT_NE(store.Find("other", other->number()), nullptr);
  EXPECT_EQ(store.Find("s", 1), nullptr);
  EXPECT_NE(store.Find("s", last), nullptr);
  EXPECT_NE(store.Find("s", last - 1), nullptr) << "the oldest go";
  // Streams that have not ended are not spared.
  std::vector<std::shared_ptr<EventStream>> running;
  for (int i = 0; i < 5; ++i) {
    running.push_back(store.Open("s"));
    running.back()->Append(std::string(800, 'a'));
  }
  EXPECT_LE(store.total_bytes(), limits_.max_session_bytes + 400);
  EXPECT_NE(store.Find("other", other->number()), nullptr);
}

TEST_F(MemoryStreamStoreTest, WhatWasReadExpiresAlsoWhereNobodyComes) {
  MemoryStreamStore store(limits_, clock_);
  const auto stream = store.Main("s");
  const auto reader = stream->Attach(std::nullopt);
  stream->Append("a");
  EXPECT_EQ(ReadAll(*stream, *reader), "1:a");
  store.Sweep();
  EXPECT_GT(store.total_bytes(), 0u);
  clock_.Advance(limits_.retention);
  store.Sweep();
  EXPECT_EQ(store.total_bytes(), 0u);
}

TEST_F(MemoryStreamStoreTest, AForgottenSessionIsNotMadeAgain) {
  MemoryStreamStore store(limits_, clock_);
  store.Main("s");
  store.Forget("s");
  const auto stream = store.Open("s");
  const auto reader = stream->Attach(std::nullopt);
  stream->Append("a");
  EXPECT_EQ(store.total_bytes(), 0u);
  EXPECT_EQ(ReadAll(*stream, *reader), "1:a") << "what still runs can be heard";
  EXPECT_EQ(store.Find("s", stream->number()), nullptr);
}

TEST_F(MemoryStreamStoreTest, ADismissedReaderReadsWhatIsThereFirst) {
  MemoryStreamStore store(limits_, clock_);
  store.Main("s");
  const auto stream = store.Open("s");
  stream->DismissReader(absl::Seconds(1));  // nobody is there
  const auto reader = stream->Attach(std::nullopt);
  stream->Append("a");
  stream->DismissReader(absl::Seconds(2));
  stream->Append("b");
  EXPECT_EQ(stream->Read(reader->id, absl::InfiniteFuture()).outcome, Outcome::kEvent);
  const EventStream::ReadResult result = stream->Read(reader->id, absl::InfiniteFuture());
  EXPECT_EQ(result.outcome, Outcome::kDismissed);
  EXPECT_EQ(result.retry, absl::Seconds(2));
  const auto back = stream->Attach(1);
  EXPECT_EQ(ReadAll(*stream, *back), "2:b");
}

TEST_F(MemoryStreamStoreTest, AWriterWaitsForItsReaderButNotForNobody) {
  limits_.max_events = 1'000;
  limits_.max_bytes = 1 << 20;
  MemoryStreamStore store(limits_, clock_);
  store.Main("s");
  const auto stream = store.Open("s");
  const auto reader = stream->Attach(std::nullopt);
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i) stream->AppendWhenRead("a");
    stream->End();
  });
  uint64_t read = 0;
  while (stream->Read(reader->id, absl::InfiniteFuture()).outcome == Outcome::kEvent) ++read;
  writer.join();
  EXPECT_EQ(read, 500u);

  const auto left = store.Open("s");
  const auto leaver = left->Attach(std::nullopt);
  absl::Notification written;
  std::thread other([&] {
    for (int i = 0; i < 500; ++i) left->AppendWhenRead("a");
    written.Notify();
  });
  EXPECT_FALSE(written.WaitForNotificationWithTimeout(absl::Milliseconds(20)));
  left->Detach(leaver->id);
  written.WaitForNotification();
  other.join();
}

TEST(LoneStreamTest, KeepsNothingThatWasRead) {
  const auto stream = MemoryStreamStore::NewLoneStream(2, 1'000);
  stream->Append("a");
  stream->Append("b");
  EXPECT_TRUE(stream->Append("b", /*coalesce=*/true));
  EXPECT_FALSE(stream->Append("c")) << "a had to go";
  const auto reader = stream->Attach(std::nullopt);
  EXPECT_EQ(ReadAll(*stream, *reader), "2:b 3:c");
  EXPECT_FALSE(stream->Attach(2).has_value());
  EXPECT_TRUE(stream->Append("b", /*coalesce=*/true));
  EXPECT_EQ(ReadAll(*stream, *reader), "4:b") << "what was read does not count as equal";
}

}  // namespace
}  // namespace mcp_edge
