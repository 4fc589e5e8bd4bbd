#include "mcp_edge/session/session.h"

#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

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
  const uint64_t stream = session->OpenStream();
  std::string message;
  for (const char* expected : {"a", "changed", "b"}) {
    ASSERT_EQ(session->Receive(stream, absl::InfiniteFuture(), message), Session::Received::kMessage);
    EXPECT_EQ(message, expected);
  }
  EXPECT_EQ(session->Receive(stream, absl::InfinitePast(), message), Session::Received::kTimeout);
}

TEST(SessionTest, TheOldestMessagesGoWhenTooManyWait) {
  const auto session = NewSession();
  for (size_t i = 0; i < Session::kMaxWaiting + 1; ++i) session->Send(absl::StrCat(i));
  std::string message;
  ASSERT_EQ(session->Receive(session->OpenStream(), absl::InfiniteFuture(), message), Session::Received::kMessage);
  EXPECT_EQ(message, "1");
}

TEST(SessionTest, WhatWaitsIsBoundedInBytesToo) {
  const auto session = NewSession();
  EXPECT_TRUE(session->Send(std::string(Session::kMaxWaitingBytes - 10, 'a')));
  EXPECT_TRUE(session->Send("b"));
  EXPECT_FALSE(session->Send(std::string(20, 'c'))) << "the first had to go";
  std::string message;
  const uint64_t stream = session->OpenStream();
  ASSERT_EQ(session->Receive(stream, absl::InfiniteFuture(), message), Session::Received::kMessage);
  EXPECT_EQ(message, "b");
}

TEST(SessionTest, ANewStreamReplacesTheOld) {
  const auto session = NewSession();
  const uint64_t old_stream = session->OpenStream();
  Session::Received outcome = Session::Received::kTimeout;
  std::thread reader([&] {
    std::string message;
    outcome = session->Receive(old_stream, absl::InfiniteFuture(), message);
  });
  session->OpenStream();
  reader.join();
  EXPECT_EQ(outcome, Session::Received::kReplaced);
}

TEST(SessionTest, EndCancelsWhatRunsAndWakesTheStream) {
  const auto session = NewSession();
  int cancelled = 0;
  ASSERT_EQ(session->Begin("1", [&] { ++cancelled; }), Session::Begun::kYes);
  const uint64_t stream = session->OpenStream();
  std::thread reader([&] {
    std::string message;
    EXPECT_EQ(session->Receive(stream, absl::InfiniteFuture(), message), Session::Received::kEnded);
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
  std::string message;
  const uint64_t stream = session->OpenStream();
  EXPECT_EQ(session->Receive(stream, absl::InfiniteFuture(), message), Session::Received::kMessage);
  EXPECT_EQ(session->Receive(stream, absl::InfiniteFuture(), message), Session::Received::kEnded);
}

}  // namespace
}  // namespace mcp_edge
