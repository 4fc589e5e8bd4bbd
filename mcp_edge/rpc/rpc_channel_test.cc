#include "mcp_edge/rpc/rpc_channel.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "mcp_edge/rpc/http2_session.h"
#include "mcp_edge/rpc/testing/scripted_server.h"

namespace mcp_edge {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(30);

absl::Time Soon() { return absl::Now() + kPatience; }

bool Eventually(const std::function<bool()>& condition) {
  for (const absl::Time end = Soon(); absl::Now() < end; absl::SleepFor(absl::Milliseconds(2))) {
    if (condition()) return true;
  }
  return condition();
}

ScriptedAnswer Message(const std::string& message) {
  ScriptedAnswer answer;
  answer.data = Framed(message);
  return answer;
}

std::unique_ptr<RpcCall> Start(const RpcChannel& channel, absl::Time deadline = Soon()) {
  return channel.Start("/test.Service/Method", Framed("request"), deadline, {{"traceparent", "00-1-2-01"}});
}

// Everything that a call gives, and how it ends.
struct Outcome {
  std::vector<std::string> messages;
  absl::Status status;
};

Outcome CallOnce(const RpcChannel& channel, absl::Time deadline = Soon()) {
  Outcome outcome;
  const auto call = Start(channel, deadline);
  while (const std::optional<std::string> message = call->Read()) outcome.messages.push_back(*message);
  outcome.status = call->status();
  return outcome;
}

TEST(RpcChannelTest, SendsWhatGrpcSends) {
  ScriptedServer server([](const ScriptedRequest&) { return Message("answer"); });
  const RpcChannel channel(server.target(), nullptr);
  const Outcome outcome = CallOnce(channel);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_THAT(outcome.messages, testing::ElementsAre("answer"));
  ASSERT_EQ(server.requests().size(), 1);
  const ScriptedRequest request = server.requests()[0];
  EXPECT_EQ(request.body, Framed("request"));
  const std::map<std::string, std::string> expected = {{":method", "POST"},
                                                       {":scheme", "http"},
                                                       {":path", "/test.Service/Method"},
                                                       {":authority", server.target().substr(5)},
                                                       {"te", "trailers"},
                                                       {"content-type", "application/grpc"},
                                                       {"traceparent", "00-1-2-01"}};
  EXPECT_THAT(request.headers, testing::IsSupersetOf(expected));
  EXPECT_TRUE(absl::EndsWith(request.headers.at("grpc-timeout"), "u")) << request.headers.at("grpc-timeout");
}

TEST(RpcChannelTest, OneConnectionServesAll) {
  ScriptedServer server([](const ScriptedRequest& request) { return Message(request.body.substr(5)); });
  const RpcChannel channel(server.target(), nullptr);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(CallOnce(channel).status.ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.requests().size(), 800);
}

TEST(RpcChannelTest, StatusIsThatOfTheTrailerOrOfTheHead) {
  ScriptedAnswer answer;
  ScriptedServer server([&](const ScriptedRequest&) { return answer; });
  const RpcChannel channel(server.target(), nullptr);
  answer.trailers = {{"grpc-status", "10"}, {"grpc-message", "because%3A%20x"}};
  EXPECT_EQ(CallOnce(channel).status, absl::AbortedError("because: x"));
  answer.headers.emplace_back("grpc-status", "5");
  answer.trailers.clear();
  EXPECT_EQ(CallOnce(channel).status, absl::NotFoundError(""));
}

TEST(RpcChannelTest, WhatIsNoGrpcIsAnErrorOfItsOwn) {
  ScriptedAnswer answer;
  ScriptedServer server([&](const ScriptedRequest&) { return answer; });
  const RpcChannel channel(server.target(), nullptr);
  answer.headers = {{":status", "503"}, {"content-type", "text/html"}};
  answer.data = "<html>";
  answer.trailers.clear();
  EXPECT_EQ(CallOnce(channel).status, absl::UnavailableError("the service answered with HTTP status 503"));
  answer.headers = {{":status", "200"}, {"content-type", "text/html"}};
  EXPECT_EQ(CallOnce(channel).status, absl::UnknownError("the service does not answer as gRPC does"));
  answer.headers = {{":status", "200"}, {"content-type", "application/grpc"}};
  answer.data = Framed("x");
  EXPECT_EQ(CallOnce(channel).status, absl::UnknownError("the service ended the call without a status"));
  answer.headers.emplace_back("grpc-encoding", "gzip");
  answer.trailers = {{"grpc-status", "0"}};
  EXPECT_TRUE(CallOnce(channel).messages.empty());
}

TEST(RpcChannelTest, BrokenMessagesEndTheCallAndTheStream) {
  ScriptedAnswer answer;
  ScriptedServer server([&](const ScriptedRequest&) { return answer; });
  const RpcChannel channel(server.target(), nullptr);
  answer.data = std::string("\1\0\0\0\1x", 6);
  EXPECT_EQ(CallOnce(channel).status, absl::InternalError("the service sent a compressed message"));
  answer.data = std::string("\0\0\0\0\2x", 6);
  EXPECT_EQ(CallOnce(channel).status, absl::InternalError("the service ended the call within a message"));
  answer.data = std::string("\0\x01\0\0\1x", 6);
  answer.hang = true;
  EXPECT_EQ(CallOnce(channel).status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Eventually([&] { return server.resets() == 1; }));
  EXPECT_EQ(server.connections(), 1);
}

TEST(RpcChannelTest, ManyHeadersEndTheCallOnly) {
  ScriptedAnswer answer = Message("x");
  ScriptedServer server([&](const ScriptedRequest&) { return answer; });
  const RpcChannel channel(server.target(), nullptr);
  for (int i = 0; i < 20; ++i) answer.headers.emplace_back(absl::StrCat("x-", i), std::string(1000, 'x'));
  EXPECT_EQ(CallOnce(channel).status.code(), absl::StatusCode::kInternal);
  answer.headers.resize(10);
  EXPECT_TRUE(CallOnce(channel).status.ok());
  EXPECT_EQ(server.connections(), 1);
}

TEST(RpcChannelTest, ResetsAreErrorsByTheirCode) {
  ScriptedAnswer answer;
  answer.reset = true;
  ScriptedServer server([&](const ScriptedRequest&) { return answer; });
  const RpcChannel channel(server.target(), nullptr);
  answer.reset_code = 2;  // INTERNAL_ERROR
  EXPECT_EQ(CallOnce(channel).status, absl::InternalError("the service reset the call (HTTP/2 error 2)"));
  answer.reset_code = 11;  // ENHANCE_YOUR_CALM
  EXPECT_EQ(CallOnce(channel).status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(RpcChannelTest, ARefusedCallIsSentAgainButNotForEver) {
  std::atomic<int> refusals{3};
  ScriptedServer server([&](const ScriptedRequest&) {
    ScriptedAnswer answer = Message("x");
    answer.reset = refusals-- > 0;
    answer.reset_code = 7;  // REFUSED_STREAM
    return answer;
  });
  const RpcChannel channel(server.target(), nullptr);
  EXPECT_TRUE(CallOnce(channel).status.ok());
  EXPECT_EQ(server.requests().size(), 4);
  refusals = 1000;
  EXPECT_EQ(CallOnce(channel).status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server.requests().size(), 4 + 5);
}

TEST(RpcChannelTest, ACallThatAServerWhichGoesAwayHasNotLookedAtIsSentOverAnotherConnection) {
  ScriptedServer server([](const ScriptedRequest& request) {
    ScriptedAnswer answer = Message("x");
    if (request.connection == 1) {
      answer.headers.clear();
      answer.goaway_last_stream = 1;  // that of the health check
    }
    return answer;
  });
  const RpcChannel channel(server.target(), nullptr);
  const Outcome outcome = CallOnce(channel);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(server.connections(), 2);
}

TEST(RpcChannelTest, ACallThatWasLookedAtEndsOnTheConnectionThatGoesAway) {
  ScriptedServer server([](const ScriptedRequest& request) {
    ScriptedAnswer answer = Message("x");
    if (request.connection == 1) answer.goaway_last_stream = request.stream;
    return answer;
  });
  const RpcChannel channel(server.target(), nullptr);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(CallOnce(channel).status.ok());
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.requests().size(), 3);
}

TEST(RpcChannelTest, ALostConnectionIsUnavailableAndIsMadeAgain) {
  std::atomic<bool> closes{true};
  ScriptedServer server([&](const ScriptedRequest&) {
    ScriptedAnswer answer = Message("x");
    if (closes) answer.headers.clear();
    answer.close = closes;
    return answer;
  });
  const RpcChannel channel(server.target(), nullptr);
  EXPECT_EQ(CallOnce(channel).status, absl::UnavailableError("the connection to the service was lost during the call"));
  closes = false;
  EXPECT_TRUE(CallOnce(channel).status.ok());
  EXPECT_EQ(server.requests().size(), 2) << "it was sent twice";
}

TEST(RpcChannelTest, WhatIsNoHttp2LosesTheConnectionOnly) {
  std::atomic<bool> is_broken{true};
  ScriptedServer server([&](const ScriptedRequest&) {
    ScriptedAnswer answer = Message("x");
    if (is_broken) {
      answer.headers.clear();
      answer.garbage = std::string(1000, '\xff');
    }
    return answer;
  });
  const RpcChannel channel(server.target(), nullptr);
  EXPECT_EQ(CallOnce(channel).status.code(), absl::StatusCode::kUnavailable);
  is_broken = false;
  EXPECT_TRUE(CallOnce(channel).status.ok());
}

TEST(RpcChannelTest, NobodyThereFailsAtOnceAndOnlyThen) {
  std::string target;
  {
    ScriptedServer server([](const ScriptedRequest&) { return ScriptedAnswer(); });
    target = server.target();
  }
  const RpcChannel channel(target, nullptr);
  const Outcome outcome = CallOnce(channel);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(outcome.status.message(), HasSubstr("127.0.0.1:"));
  const RpcChannel unknown("dns:///a..b:1", nullptr);
  EXPECT_EQ(CallOnce(unknown).status.code(), absl::StatusCode::kUnavailable);
  const RpcChannel odd("odd", nullptr);
  EXPECT_EQ(CallOnce(odd).status.code(), absl::StatusCode::kUnavailable);
}

TEST(RpcChannelTest, AServerThatSaysNothingIsGivenUp) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  socklen_t size = sizeof(address);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  RpcChannelOptions options;
  options.connect_timeout = absl::Milliseconds(100);
  const RpcChannel channel(absl::StrCat("ipv4:127.0.0.1:", ntohs(address.sin_port)), nullptr, options);
  EXPECT_THAT(CallOnce(channel).status.ToString(), HasSubstr("UNAVAILABLE: 127.0.0.1:"));
  close(listener);
}

TEST(RpcChannelTest, OnlyServersThatSayTheyServeAreCalled) {
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  ScriptedServer one([&](const ScriptedRequest&) { return ++first, Message("1"); });
  ScriptedServer two([&](const ScriptedRequest&) { return ++second, Message("2"); });
  one.SetHealth(Framed("\x08\x02"));                       // NOT_SERVING
  two.SetHealth(Framed("\x08\x02") + Framed("\x08\x01"));  // SERVING
  const RpcChannel channel(absl::StrCat(one.target(), ",", two.target().substr(5)), nullptr);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(CallOnce(channel).status.ok());
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 10);
  const RpcChannel away(one.target(), nullptr);
  EXPECT_THAT(CallOnce(away).status.ToString(), HasSubstr("UNAVAILABLE: the service says that it does not serve"));
  RpcChannelOptions options;
  options.watch_health = false;
  const RpcChannel unasked(one.target(), nullptr, options);
  EXPECT_TRUE(CallOnce(unasked).status.ok());
}

TEST(RpcChannelTest, AServerThatDoesNotSayWhetherItServesIsGivenUp) {
  ScriptedServer server([](const ScriptedRequest&) { return Message("x"); });
  server.SetHealth(std::string(1, '\0'));  // the beginning of an answer
  RpcChannelOptions options;
  options.connect_timeout = absl::Milliseconds(200);
  const RpcChannel channel(server.target(), nullptr, options);
  EXPECT_THAT(CallOnce(channel).status.ToString(), HasSubstr("it does not say whether it serves"));
}

TEST(RpcChannelTest, ServersTakeTurns) {
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  ScriptedServer one([&](const ScriptedRequest&) { return ++first, Message("1"); });
  ScriptedServer two([&](const ScriptedRequest&) { return ++second, Message("2"); });
  const RpcChannel channel(absl::StrCat(one.target(), ",", two.target().substr(5)), nullptr);
  ASSERT_TRUE(Eventually([&] { return CallOnce(channel).status.ok() && first > 0 && second > 0; }));
  const int before = first;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(CallOnce(channel).status.ok());
  EXPECT_EQ(first - before, 10);
}

TEST(RpcChannelTest, ADeadlineResetsTheStream) {
  ScriptedAnswer answer;
  answer.hang = true;
  ScriptedServer server([&](const ScriptedRequest&) { return answer; });
  const RpcChannel channel(server.target(), nullptr);
  ASSERT_TRUE(CallOnce(channel, absl::Now() + absl::Milliseconds(500)).status.code() ==
              absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Eventually([&] { return server.resets() == 1; }));
}

TEST(RpcChannelTest, WaitSaysWhetherThereIsSomething) {
  ScriptedAnswer answer = Message("x");
  answer.hang = true;
  ScriptedServer server([&](const ScriptedRequest&) { return answer; });
  const RpcChannel channel(server.target(), nullptr);
  const auto call = Start(channel);
  EXPECT_TRUE(call->Wait(Soon()));
  EXPECT_EQ(call->Read(), "x");
  EXPECT_FALSE(call->Wait(absl::Now() + absl::Milliseconds(20)));
  EXPECT_FALSE(call->Wait(absl::InfinitePast()));
  call->Cancel();
  EXPECT_TRUE(call->Wait(Soon()));
  EXPECT_EQ(call->Read(), std::nullopt);
  EXPECT_EQ(call->status().code(), absl::StatusCode::kCancelled);
}

TEST(RpcChannelTest, AnEndThatCameBeforeTheCancellationCounts) {
  ScriptedServer server([](const ScriptedRequest&) { return Message("x"); });
  const RpcChannel channel(server.target(), nullptr);
  const auto call = Start(channel);
  ASSERT_EQ(call->Read(), "x");
  ASSERT_EQ(call->Read(), std::nullopt);
  call->Cancel();
  EXPECT_TRUE(call->status().ok());
}

TEST(RpcChannelTest, WhatNobodyReadsIsHeldBack) {
  constexpr int kMessages = 1000;
  constexpr size_t kBytes = 10'000;
  ScriptedAnswer answer;
  for (int i = 0; i < kMessages; ++i) answer.data += Framed(std::string(kBytes, 'x'));
  ScriptedServer server([&](const ScriptedRequest&) { return answer; });
  const RpcChannel channel(server.target(), nullptr);
  const auto call = Start(channel);
  ASSERT_TRUE(call->Wait(Soon()));
  ASSERT_TRUE(Eventually([&] { return server.sent_bytes() >= Http2Session::kStreamWindowBytes; }));
  absl::SleepFor(absl::Milliseconds(50));
  EXPECT_LE(server.sent_bytes(), 2 * Http2Session::kStreamWindowBytes);
  // Another call is not held back by it, and it comes to its end.
  const auto other = Start(channel);
  EXPECT_EQ(other->Read()->size(), kBytes);
  int read = 0;
  while (call->Read().has_value()) ++read;
  EXPECT_EQ(read, kMessages);
  EXPECT_TRUE(call->status().ok());
}

TEST(RpcChannelTest, LargeMessagesGoBothWays) {
  const std::string large(8 << 20, 'x');
  ScriptedServer server([](const ScriptedRequest& request) {
    ScriptedAnswer answer;
    answer.data = request.body;
    return answer;
  });
  const RpcChannel channel(server.target(), nullptr);
  const auto call = channel.Start("/test.Service/Method", Framed(large), Soon(), {});
  EXPECT_EQ(call->Read(), large);
}

TEST(RpcChannelTest, CallsGoOnWithoutTheirChannel) {
  ScriptedServer server([](const ScriptedRequest&) { return Message("x"); });
  auto channel = std::make_unique<RpcChannel>(server.target(), nullptr);
  const auto call = Start(*channel);
  channel.reset();
  EXPECT_EQ(call->Read(), "x");
}

TEST(RpcChannelTest, ANameIsLookedUp) {
  ScriptedServer server([](const ScriptedRequest&) { return Message("x"); });
  const std::string port = server.target().substr(server.target().rfind(':') + 1);
  const RpcChannel channel(absl::StrCat("dns:///localhost:", port), nullptr);
  EXPECT_TRUE(CallOnce(channel).status.ok());
  EXPECT_EQ(server.requests()[0].headers.at(":authority"), absl::StrCat("localhost:", port));
}

}  // namespace
}  // namespace mcp_edge
