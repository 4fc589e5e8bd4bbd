#include "mcp_edge/transport/registration_endpoint.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "mcp_edge/http/http_server.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {
namespace {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;
using httplib::Headers;
using nlohmann::json;

constexpr char kMetadata[] = R"({"redirect_uris":["http://localhost/cb"],"client_name":"s3cret"})";

class RegistrationEndpointTest : public testing::Test {
 protected:
  void SetUp() override {
    HttpServerOptions options;
    options.port = 0;
    options.max_body_bytes = 1 << 20;
    server_ = std::make_unique<HttpServer>(options, metrics_);
    server_->Post("/register",
                  [this](const httplib::Request& request, httplib::Response& response,
                         const httplib::ContentReader& reader) { endpoint_.Post(request, response, reader); });
    ASSERT_TRUE(server_->Bind().ok());
    server_->Start();
  }

  void TearDown() override {
    server_->StopAccepting();
    server_->Finish(absl::Now() + absl::Seconds(5));
  }

  httplib::Result Post(const Headers& headers = {}, const std::string& body = kMetadata,
                       const std::string& type = "application/json", const std::string& path = "/register") {
    httplib::Client client("127.0.0.1", server_->port());
    return client.Post(path, headers, body, type);
  }

  void Answer(absl::StatusOr<RegisterClientResponse> answer) {
    absl::MutexLock lock(&mutex_);
    answer_ = std::move(answer);
  }

  void Refuse(gatehouse::auth::v1::RegistrationRefusalReason reason, int retry_after = 0) {
    RegisterClientResponse response;
    response.mutable_refusal()->set_reason(reason);
    response.mutable_refusal()->set_description("because");
    if (retry_after > 0) response.mutable_refusal()->mutable_retry_after()->set_seconds(retry_after);
    Answer(response);
  }

  // What auth_service was asked last; nothing if it was not.
  std::optional<RegisterClientRequest> asked() const {
    absl::MutexLock lock(&mutex_);
    return asked_;
  }

  absl::StatusOr<RegisterClientResponse> Register(const RegisterClientRequest& request) {
    if (hold_ != nullptr) {
      {
        absl::MutexLock lock(&mutex_);
        ++held_;
      }
      hold_->WaitForNotification();
    }
    absl::MutexLock lock(&mutex_);
    asked_ = request;
    return answer_;
  }

  // Waits until so many registrations wait for `hold_`.
  void AwaitHeld(int count) {
    absl::MutexLock lock(&mutex_);
    const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return held_ == count; };
    mutex_.Await(absl::Condition(&reached));
  }

  static void ExpectError(const httplib::Result& result, int status, const char* error) {
    ASSERT_TRUE(result) << error;
    EXPECT_EQ(result->status, status) << error;
    EXPECT_EQ(result->get_header_value("Content-Type"), "application/json");
    EXPECT_EQ(result->get_header_value("Cache-Control"), "no-store");
    EXPECT_EQ(result->get_header_value_count("Cache-Control"), 1u);
    const json body = json::parse(result->body, nullptr, false);
    ASSERT_TRUE(body.is_object()) << result->body;
    EXPECT_EQ(body.value("error", ""), error) << result->body;
    EXPECT_NE(body.value("error_description", ""), "");
    EXPECT_EQ(body.size(), 2u);
  }

  prometheus::Registry registry_;
  EdgeMetrics metrics_{registry_};
  common::SystemClock clock_;
  AdmissionLimits limits_;
  Admission admission_{limits_, metrics_};
  BodyBudget bodies_{1 << 20};
  RegistrationEndpoint endpoint_{[this](const RegisterClientRequest& request, absl::Time) { return Register(request); },
                                 "X-Real-Client",
                                 1 << 20,
                                 admission_,
                                 bodies_,
                                 clock_};
  std::unique_ptr<HttpServer> server_;
  absl::Notification* hold_ = nullptr;  // set before the first request
  mutable absl::Mutex mutex_;
  int held_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::StatusOr<RegisterClientResponse> answer_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("not told");
  std::optional<RegisterClientRequest> asked_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(RegistrationEndpointTest, AClientIsCreatedAndItsSecretKeptNowhere) {
  RegisterClientResponse response;
  response.mutable_client()->set_document_json(R"({"client_id":"app","client_secret":"x"})");
  Answer(response);
  const auto result = Post({{"Authorization", "Bearer let-me-in"}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 201);
  EXPECT_EQ(result->body, R"({"client_id":"app","client_secret":"x"})");
  EXPECT_EQ(result->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(result->get_header_value("Cache-Control"), "no-store");
  EXPECT_EQ(asked()->metadata_json(), kMetadata);
  EXPECT_EQ(asked()->initial_access_token(), "let-me-in");
  EXPECT_EQ(asked()->client_address(), "127.0.0.1");
}

TEST_F(RegistrationEndpointTest, ARefusalIsAnErrorOfRfc7591) {
  Refuse(gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI);
  ExpectError(Post(), 400, "invalid_redirect_uri");
  Refuse(gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA);
  ExpectError(Post(), 400, "invalid_client_metadata");
  Refuse(gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_TOKEN);
  const auto unauthorized = Post();
  ExpectError(unauthorized, 401, "invalid_token");
  EXPECT_EQ(unauthorized->get_header_value("WWW-Authenticate"),
            R"(Bearer error="invalid_token", error_description="because")");
  Refuse(gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_RATE_LIMITED, 1800);
  const auto limited = Post();
  ExpectError(limited, 429, "temporarily_unavailable");
  EXPECT_EQ(limited->get_header_value("Retry-After"), "1800");
  EXPECT_EQ(limited->get_header_value_count("Retry-After"), 1u);
}

TEST_F(RegistrationEndpointTest, WithoutAnOutcomeTheClientIsToComeAgain) {
  for (const absl::Status& status :
       {absl::UnavailableError("away"), absl::UnimplementedError("off"), absl::InternalError("wrong")}) {
    Answer(status);
    const auto result = Post();
    ExpectError(result, 503, "temporarily_unavailable");
    EXPECT_EQ(result->get_header_value("Retry-After"), "10");
    EXPECT_EQ(result->body.find(std::string(status.message())), std::string::npos);
  }
}

TEST_F(RegistrationEndpointTest, WhatCannotBeReadIsNotPassedOn) {
  ExpectError(Post({}, std::string(64 * 1024 + 1, ' ')), 413, "invalid_client_metadata");
  ExpectError(Post({}, kMetadata, "text/plain"), 415, "invalid_client_metadata");
  ExpectError(Post({}, "redirect_uris=x", "application/x-www-form-urlencoded"), 415, "invalid_client_metadata");
  ExpectError(Post({}, "{\"client_name\":\"\xff\"}"), 400, "invalid_client_metadata");
  ExpectError(Post({{"Authorization", "Bearer a b"}}), 400, "invalid_request");
  ExpectError(Post({}, kMetadata, "application/json", "/register?access_token=x"), 400, "invalid_request");
  EXPECT_FALSE(asked().has_value());
  (void)Post({}, std::string(64 * 1024, ' '));
  EXPECT_TRUE(asked().has_value());
}

TEST_F(RegistrationEndpointTest, AFullServerSaysSo) {
  std::vector<Admission::Place> places(limits_.max_requests);
  for (Admission::Place& place : places) ASSERT_FALSE(admission_.AdmitRequest(place).has_value());
  ExpectError(Post(), 503, "temporarily_unavailable");
  EXPECT_FALSE(asked().has_value());
}

// Strangers must not take the places of those who have a token.
TEST_F(RegistrationEndpointTest, FewAreServedAtTheSameTime) {
  absl::Notification go_on;
  hold_ = &go_on;
  std::vector<std::thread> clients;
  for (int i = 0; i < 32; ++i) clients.emplace_back([this] { (void)Post(); });
  AwaitHeld(32);
  ExpectError(Post(), 503, "temporarily_unavailable");
  go_on.Notify();
  for (std::thread& client : clients) client.join();
  Answer(absl::UnavailableError("away"));
  EXPECT_EQ(Post()->get_header_value("Retry-After"), "10");  // which is not that of a full server
}

TEST_F(RegistrationEndpointTest, TheLastAddressOfTheHeaderCounts) {
  (void)Post({{"X-Real-Client", "203.0.113.9, 192.0.2.7"}});
  EXPECT_EQ(asked()->client_address(), "192.0.2.7");
  (void)Post({{"X-Real-Client", "2001:db8::1"}});
  EXPECT_EQ(asked()->client_address(), "2001:db8::1");
  (void)Post({{"X-Real-Client", "203.0.113.9"}, {"X-Real-Client", "192.0.2.7"}});
  EXPECT_EQ(asked()->client_address(), "127.0.0.1");
  for (const char* odd : {"", "192.0.2.7,", "unknown", "192.0.2.7:80", "<script>"}) {
    (void)Post({{"X-Real-Client", odd}});
    EXPECT_EQ(asked()->client_address(), "127.0.0.1") << odd;
  }
}

TEST(ClientAddressTest, WithoutAHeaderItIsThePeers) {
  httplib::Request request;
  request.remote_addr = "192.0.2.1";
  request.headers.emplace("X-Forwarded-For", "203.0.113.9");
  EXPECT_EQ(ClientAddress(request, ""), "192.0.2.1");
  EXPECT_EQ(ClientAddress(request, "X-Forwarded-For"), "203.0.113.9");
}

}  // namespace
}  // namespace mcp_edge
