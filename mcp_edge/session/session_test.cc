#include "mcp_edge/session/session.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/clock.h"
#include "gtest/gtest.h"
#include "mcp_edge/session/memory_stream_store.h"

namespace mcp_edge {
namespace {

std::unique_ptr<Session> NewSession() { return std::make_unique<Session>(std::make_shared<SessionRecord>()); }

TEST(SessionTest, CancelReachesTheRunningRequestOnly) {
  const auto session = NewSession();
  int cancelled = 0;
  ASSERT_EQ(session->Begin("1", [&] { ++cancelled; }), Session::Begun::kYes);
  session->Cancel("2");
  session->Cancel("\"1\"");  // another type of id
  EXPECT_EQ(cancelled, 0);
  session->Cancel("1");
  EXPECT_EQ(cancelled, 1);
  session->Finish("1");
  session->Cancel("1");
  EXPECT_EQ(cancelled, 1);
}

TEST(SessionTest, AnIdInUseIsRefused) {
  const auto session = NewSession();
  EXPECT_EQ(session->Begin("1", [] {}), Session::Begun::kYes);
  EXPECT_EQ(session->Begin("1", [] {}), Session::Begun::kDuplicateId);
  session->Finish("1");
  EXPECT_EQ(session->Begin("1", [] {}), Session::Begun::kYes);
}

TEST(SessionTest, MessagesComeInOrderAndEqualOnesMayCoalesce) {
  const auto session = NewSession();
  session->Send("a");
  session->Send("changed", true);
  session->Send("changed", true);
  session->Send("b");
  EventStream& stream = *session->main_stream();
  const uint64_t reader = stream.Attach(std::nullopt)->id;
  for (const char* expected : {"a", "changed", "b"}) {
    const EventStream::ReadResult result = stream.Read(reader, absl::InfiniteFuture());
    ASSERT_EQ(result.outcome, EventStream::Outcome::kEvent);
    EXPECT_EQ(*result.event.message, expected);
  }
  EXPECT_EQ(stream.Read(reader, absl::InfinitePast()).outcome, EventStream::Outcome::kTimeout);
}

TEST(SessionTest, WhatWaitsIsBounded) {
  const auto session = NewSession();
  for (size_t i = 0; i < Session::kMaxWaiting; ++i) EXPECT_TRUE(session->Send(absl::StrCat(i)));
  EXPECT_FALSE(session->Send("one more")) << "the first had to go";
  const auto large = NewSession();
  EXPECT_TRUE(large->Send(std::string(Session::kMaxWaitingBytes - 1'000, 'a')));
  EXPECT_FALSE(large->Send(std::string(2'000, 'c')));
}

TEST(SessionTest, StreamsAreKeptByTheStoreOfTheSession) {
  const common::SystemClock clock;
  MemoryStreamStore streams({}, clock);
  auto record = std::make_shared<SessionRecord>();
  record->id = "s";
  const Session session(record, &streams);
  EXPECT_EQ(session.main_stream(), streams.Main("s"));
  EXPECT_EQ(NewSession()->FindStream(NewSession()->OpenStream()->number()), nullptr);
}

TEST(SessionTest, EndCancelsWhatRunsAndWakesTheStream) {
  const auto session = NewSession();
  int cancelled = 0;
  ASSERT_EQ(session->Begin("1", [&] { ++cancelled; }), Session::Begun::kYes);
  const std::shared_ptr<EventStream> stream = session->main_stream();
  std::thread reader([&] {
    EXPECT_EQ(stream->Read(stream->Attach(std::nullopt)->id, absl::InfiniteFuture()).outcome,
              EventStream::Outcome::kEnded);
  });
  session->End();
  session->End();
  reader.join();
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(session->Begin("2", [] {}), Session::Begun::kEnded);
}

TEST(SessionTest, WhatWaitsIsStillTakenAfterTheEnd) {
  const auto session = NewSession();
  session->Send("last");
  session->End();
  EventStream& stream = *session->main_stream();
  const uint64_t reader = stream.Attach(std::nullopt)->id;
  EXPECT_EQ(stream.Read(reader, absl::InfiniteFuture()).outcome, EventStream::Outcome::kEvent);
  EXPECT_EQ(stream.Read(reader, absl::InfiniteFuture()).outcome, EventStream::Outcome::kEnded);
}

}  // namespace
}  // namespace mcp_edge
