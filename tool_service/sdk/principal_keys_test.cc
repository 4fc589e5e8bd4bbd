#include "tool_service/sdk/principal_keys.h"

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"

namespace tool_service {
namespace {

using common::Es256PrivateKey;
using ::testing::HasSubstr;

std::string SetOf(const std::vector<Es256PrivateKey>& keys) {
  std::string json = "{\"keys\":[";
  for (const Es256PrivateKey& key : keys) {
    absl::StrAppend(&json, json.back() == '[' ? "" : ",", key.public_key().Jwk());
  }
  return json + "]}";
}

KeySet KeysOf(const Es256PrivateKey& key) { return {{key.public_key().key_id(), key.public_key()}}; }

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

// An HTTP server on 127.0.0.1 that serves one document.
class KeyServer {
 public:
  explicit KeyServer(std::string body, int status = 200) {
    server_.Get("/jwks.json", [this, status](const httplib::Request& request, httplib::Response& response) {
      host_ = request.get_header_value("Host");
      ++requests_;
      response.status = status;
      absl::MutexLock lock(&mutex_);
      response.set_content(body_, "application/jwk-set+json");
    });
    SetBody(std::move(body));
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    server_.wait_until_ready();
  }
  ~KeyServer() {
    server_.stop();
    thread_.join();
  }

  void SetBody(std::string body) {
    absl::MutexLock lock(&mutex_);
    body_ = std::move(body);
  }
  std::string url(const std::string& host = "127.0.0.1") const {
    return absl::StrCat("http://", host, ":", port_, "/jwks.json");
  }
  int port() const { return port_; }
  int requests() const { return requests_; }
  std::string host() const { return host_; }

 private:
  httplib::Server server_;
  absl::Mutex mutex_;
  std::string body_;
  std::string host_;
  std::atomic<int> requests_{0};
  int port_ = 0;
  std::thread thread_;
};

TEST(ParseKeySetTest, TakesTheKeysThatMaySignAndNoOthers) {
  const Es256PrivateKey good = Es256PrivateKey::Generate();
  const Es256PrivateKey other = Es256PrivateKey::Generate();
  std::string for_encryption = other.public_key().Jwk();
  for_encryption.replace(for_encryption.find("\"sig\""), 5, "\"enc\"");
  std::string other_algorithm = other.public_key().Jwk();
  other_algorithm.replace(other_algorithm.find("ES256"), 5, "ES512");
  std::string nameless = other.public_key().Jwk();
  nameless.replace(nameless.find("\"kid\""), 5, "\"not\"");
  const auto keys = ParseKeySet(
      absl::StrCat(R"({"keys":[1,{},{"kty":"RSA","kid":"r"},{"kty":"EC","crv":"P-256","kid":"x"},)", for_encryption,
                   ",", other_algorithm, ",", nameless, ",", good.public_key().Jwk(), "]}"));
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->size(), 1);
  EXPECT_EQ(keys->begin()->first, good.public_key().key_id());
}

TEST(ParseKeySetTest, WhatIsNoKeySetIsAnError) {
  for (const std::string& text : {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
                                  std::string(R"({"keys":[]})"), std::string(kMaxKeySetBytes + 1, ' ')}) {
    EXPECT_EQ(ParseKeySet(text).status().code(), absl::StatusCode::kInvalidArgument) << text.substr(0, 20);
  }
}

TEST(KeyLocationTest, IsAnHttpUrlOrAFile) {
  for (const char* good : {"http://127.0.0.1:9090/jwks.json", "http://[::1]:9090/jwks.json", "http://edge/jwks.json",
                           "http://edge", "/keys/jwks.json", "jwks.json"}) {
    EXPECT_TRUE(CheckKeyLocation(good).ok()) << good;
  }
  for (const char* bad : {"", "https://edge/jwks.json", "ftp://edge/x", "http://", "http://:80/", "http://edge:0/",
                          "http://edge:port/", "http://user@edge/", "http://edge/a b"}) {
    EXPECT_FALSE(CheckKeyLocation(bad).ok()) << bad;
  }
}

TEST(KeyFetcherTest, FetchesFromAUrl) {
  const Es256PrivateKey key = Es256PrivateKey::Generate();
  const KeyServer server(SetOf({key}));
  const auto keys = MakeKeyFetcher(server.url())();
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_TRUE(keys->contains(key.public_key().key_id()));
  EXPECT_EQ(server.host(), absl::StrCat("127.0.0.1:", server.port()));
}

TEST(KeyFetcherTest, AHostOfSeveralAddressesIsAskedAtEachThatAnswers) {
  const KeyServer server(SetOf({Es256PrivateKey::Generate()}));
  const auto keys = MakeKeyFetcher(server.url("localhost"))();  // ::1 as well, where nobody listens
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->size(), 1);
  EXPECT_EQ(server.host(), absl::StrCat("localhost:", server.port()));
}

TEST(KeyFetcherTest, WhatIsNotAKeySetIsAnErrorWithItsReason) {
  const KeyServer refuses("{}", 403);
  EXPECT_THAT(std::string(MakeKeyFetcher(refuses.url())().status().message()), HasSubstr("HTTP status 403"));
  const KeyServer floods(std::string(1 << 20, ' '));
  EXPECT_FALSE(MakeKeyFetcher(floods.url())().ok());
  EXPECT_EQ(MakeKeyFetcher("http://127.0.0.1:1/jwks.json")().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(MakeKeyFetcher("/nonexistent")().status().code(), absl::StatusCode::kNotFound);
}

TEST(KeyFetcherTest, AFileIsReadAsItIsNow) {
  const std::string name = absl::StrCat(testing::TempDir(), "/jwks.json");
  const Es256PrivateKey key = Es256PrivateKey::Generate();
  const KeyFetcher fetch = MakeKeyFetcher(name);
  std::ofstream(name) << SetOf({Es256PrivateKey::Generate()});
  EXPECT_FALSE(fetch()->contains(key.public_key().key_id()));
  std::ofstream(name) << SetOf({key});
  EXPECT_TRUE(fetch()->contains(key.public_key().key_id()));
}

TEST(PrincipalKeysTest, AreHadOnceTheyCanBe) {
  const Es256PrivateKey key = Es256PrivateKey::Generate();
  std::atomic<int> fetches{0};
  PrincipalKeys keys(
      "somewhere",
      [&]() -> absl::StatusOr<KeySet> {
        if (fetches++ == 0) return absl::UnavailableError("not yet");
        return KeysOf(key);
      },
      absl::Hours(1));
  EXPECT_EQ(keys.current(), nullptr);
  EXPECT_EQ(keys.Ready().code(), absl::StatusCode::kUnavailable);
  absl::Notification first;
  keys.Start([&] { first.Notify(); });
  ASSERT_TRUE(first.WaitForNotificationWithTimeout(absl::Seconds(20)));
  EXPECT_EQ(fetches, 2);
  EXPECT_TRUE(keys.Ready().ok());
  EXPECT_TRUE(keys.current()->contains(key.public_key().key_id()));
}

TEST(PrincipalKeysTest, WhoeverWaitsGetsAFetchThatBeginsAfterwards) {
  absl::Notification first_may_end;
  std::atomic<int> fetches{0};
  PrincipalKeys keys(
      "somewhere",
      [&]() -> absl::StatusOr<KeySet> {
        if (++fetches == 1) first_may_end.WaitForNotification();
        return KeysOf(Es256PrivateKey::Generate());
      },
      absl::Hours(1));
  keys.Start();
  while (fetches == 0) absl::SleepFor(absl::Milliseconds(1));
  absl::Status status = absl::UnknownError("");
  std::thread waiter([&] { status = keys.AwaitFetch(Soon()); });
  first_may_end.Notify();
  waiter.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_GE(fetches, 1);
  EXPECT_LE(fetches, 2);
  // However many ask at the same time: one fetch, and not before a second has passed.
  const int before = fetches;
  const absl::Time start = absl::Now();
  std::vector<std::thread> waiters;
  for (int i = 0; i < 8; ++i) {
    waiters.emplace_back([&] { EXPECT_TRUE(keys.AwaitFetch(Soon()).ok()); });
  }
  for (std::thread& each : waiters) each.join();
  EXPECT_LE(fetches - before, 1 + (absl::Now() - start) / absl::Seconds(1));
}

TEST(PrincipalKeysTest, KeysStayWhenTheyCannotBeFetchedAgain) {
  std::atomic<bool> away{false};
  PrincipalKeys keys(
      "somewhere",
      [&]() -> absl::StatusOr<KeySet> {
        if (away) return absl::UnavailableError("gone");
        return KeysOf(Es256PrivateKey::Generate());
      },
      absl::Hours(1));
  keys.Start();
  ASSERT_TRUE(keys.AwaitFetch(Soon()).ok());
  away = true;
  EXPECT_EQ(keys.AwaitFetch(Soon()).code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(keys.current(), nullptr);
  EXPECT_TRUE(keys.Ready().ok());
}

TEST(PrincipalKeysTest, NobodyWaitsForLongerThanTheyWantOrTogetherWithTooMany) {
  absl::Notification may_end;
  PrincipalKeys keys(
      "somewhere",
      [&]() -> absl::StatusOr<KeySet> {
        may_end.WaitForNotification();
        return absl::UnavailableError("gone");
      },
      absl::Hours(1));
  keys.Start();
  EXPECT_EQ(keys.AwaitFetch(absl::Now()).code(), absl::StatusCode::kUnavailable);
  std::atomic<int> refused{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 17; ++i) {
    waiters.emplace_back([&] {
      const absl::Status status = keys.AwaitFetch(Soon());
      if (absl::StrContains(status.message(), "too many")) ++refused;
    });
  }
  while (refused == 0) absl::SleepFor(absl::Milliseconds(1));
  may_end.Notify();
  keys.Stop();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(refused, 1);
}

}  // namespace
}  // namespace tool_service
