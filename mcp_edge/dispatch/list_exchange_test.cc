#include "mcp_edge/dispatch/list_exchange.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/sealing/aead_sealer.h"
#include "mcp_edge/tools/testing/fake_tool_service.h"

namespace mcp_edge {
namespace {

using nlohmann::json;
namespace tool = gatehouse::tool::v1;

tool::Resource MakeResource(const std::string& uri) {
  tool::Resource resource;
  resource.set_uri(uri);
  resource.set_name("n");
  return resource;
}

// Two tool services with the prefixes one:// and two://, both of which list resources.
class ListExchangeTest : public testing::Test {
 protected:
  ListExchangeTest() {
    auto principal = std::make_shared<Principal>();
    principal->key = "me";
    context_.principal = principal;
    context_.version = ProtocolVersion::k2025_11_25;
    CatalogContents contents;
    for (const auto& [name, fake] : {std::pair("one", one_.get()), std::pair("two", two_.get())}) {
      ResourceSource source;
      source.service = std::make_shared<ToolServiceClient>(name, fake->target());
      source.uri_prefixes = {absl::StrCat(name, "://")};
      source.lists_resources = true;
      contents.resource_sources.push_back(source);
    }
    catalog_.Publish(contents);
  }

  std::unique_ptr<Exchange> Start(const std::string& cursor = "") {
    body_ = cursor.empty() ? R"({"jsonrpc":"2.0","id":7,"method":"resources/list"})"
                           : absl::StrCat(R"({"jsonrpc":"2.0","id":7,"method":"resources/list","params":{"cursor":)",
                                          json(cursor).dump(), "}}");
    tool::CallContext call_context;
    call_context.set_request_id("r1");
    return StartList(ListKind::kResources, ParseBody(body_)->messages.at(0), context_, catalog_.Current(), lists_,
                     {absl::Seconds(1), true}, {call_context, timeout_}, clock_);
  }

  json List(const std::string& cursor = "") {
    const std::unique_ptr<Exchange> exchange = Start(cursor);
    EXPECT_TRUE(exchange->Wait(absl::Now() + absl::Seconds(10)));
    const Step step = exchange->Next();
    EXPECT_TRUE(step.last);
    return *ReadJson(step.message);
  }

  static std::string Cursor(const json& response) { return response["result"].value("nextCursor", ""); }

  // Answers with a resource for each of `uris`, and `next_cursor`.
  static void Lists(FakeToolService& fake, const std::vector<std::string>& uris, const std::string& next_cursor = "") {
    fake.OnListResources([=](const tool::ListResourcesRequest&) {
      FakeUnaryScript<tool::ListResourcesResponse> script;
      for (const std::string& uri : uris) *script.response.add_resources() = MakeResource(uri);
      script.response.set_next_cursor(next_cursor);
      return script;
    });
  }

  std::unique_ptr<FakeToolService> one_ = FakeToolService::Start();
  std::unique_ptr<FakeToolService> two_ = FakeToolService::Start();
  common::SystemClock clock_;
  AeadSealer sealer_{RandomKeyRing(), clock_};
  CatalogLists lists_{sealer_, clock_, /*page_size=*/3};
  Catalog catalog_;
  RequestContext context_;
  std::string body_;
  absl::Duration timeout_ = absl::Seconds(10);
};

TEST_F(ListExchangeTest, ServicesPagesFollowOneAnother) {
  one_->OnListResources([](const tool::ListResourcesRequest& request) {
    EXPECT_EQ(request.page_size(), 3);
    EXPECT_EQ(request.context().request_id(), "r1");
    FakeUnaryScript<tool::ListResourcesResponse> script;
    *script.response.add_resources() = MakeResource("one://" + request.cursor());
    if (request.cursor().empty()) script.response.set_next_cursor("p2");
    return script;
  });
  Lists(*two_, {"two://a", "two://b"});
  const json first = List();
  EXPECT_EQ(first["id"], 7);
  EXPECT_EQ(first["result"]["resources"][0]["uri"], "one://");
  const json second = List(Cursor(first));
  EXPECT_EQ(second["result"]["resources"][0]["uri"], "one://p2");
  const json third = List(Cursor(second));
  EXPECT_EQ(third["result"]["resources"].size(), 2);
  EXPECT_EQ(third["result"]["resources"][1]["uri"], "two://b");
  EXPECT_EQ(Cursor(third), "");
}

TEST_F(ListExchangeTest, AServiceThatIsAwayLeavesTheListToTheNext) {
  one_->Kill();
  Lists(*two_, {"two://a"});
  const json page = List();
  EXPECT_EQ(page["result"]["resources"].size(), 1);
  EXPECT_EQ(Cursor(page), "");
}

TEST_F(ListExchangeTest, AServiceThatHangsHasOnlyItsOwnTime) {
  timeout_ = absl::Seconds(2);
  const auto hang = [](const tool::ListResourcesRequest&) {
    FakeUnaryScript<tool::ListResourcesResponse> script;
    script.hang = true;
    return script;
  };
  one_->OnListResources(hang);
  Lists(*two_, {"two://a"});
  const json first = List();
  EXPECT_TRUE(first["result"]["resources"].empty()) << first;
  ASSERT_NE(Cursor(first), "");
  const json second = List(Cursor(first));
  EXPECT_EQ(second["result"]["resources"][0]["uri"], "two://a") << second;
  EXPECT_EQ(Cursor(second), "");
  two_->OnListResources(hang);
  EXPECT_EQ(List(Cursor(first))["result"], json({{"resources", json::array()}}));
}

TEST_F(ListExchangeTest, WithNobodyThereTheListIsEmpty) {
  one_->Kill();
  two_->Kill();
  EXPECT_EQ(List()["result"], json({{"resources", json::array()}}));
}

TEST_F(ListExchangeTest, BadResourcesAreLeftOut) {
  one_->OnListResources([](const tool::ListResourcesRequest&) {
    FakeUnaryScript<tool::ListResourcesResponse> script;
    *script.response.add_resources() = MakeResource("two://foreign");
    *script.response.add_resources() = MakeResource("one://scoped");
    script.response.mutable_resources(1)->add_required_scopes()->add_scopes("s");
    *script.response.add_resources() = MakeResource("one://good");
    *script.response.add_resources() = MakeResource("one://too-many");
    return script;
  });
  Lists(*two_, {"no uri"});
  const json page = List();
  EXPECT_EQ(page["result"]["resources"].size(), 1);
  EXPECT_EQ(page["result"]["resources"][0]["uri"], "one://good");
  EXPECT_EQ(List(Cursor(page))["result"], json({{"resources", json::array()}}));
}

TEST_F(ListExchangeTest, WhatACatalogueHoldsIsNotListedTwice) {
  CatalogContents contents;
  contents.resource_sources = catalog_.Current()->resource_sources();
  contents.resources.emplace_back();
  contents.resources[0].resource = MakeResource("one://a");
  contents.resources[0].service = contents.resource_sources[0].service;
  catalog_.Publish(contents);
  Lists(*one_, {"one://a", "one://b"});
  const json first = List();
  EXPECT_EQ(first["result"]["resources"][0]["uri"], "one://a");
  const json second = List(Cursor(first));
  EXPECT_EQ(second["result"]["resources"].size(), 1);
  EXPECT_EQ(second["result"]["resources"][0]["uri"], "one://b");
}

TEST_F(ListExchangeTest, AServiceCannotKeepAClientOnOnePage) {
  Lists(*one_, {"one://a"}, "same");
  Lists(*two_, {"two://a"}, std::string(1025, 'x'));
  const json first = List();
  const json second = List(Cursor(first));
  const json third = List(Cursor(second));
  EXPECT_EQ(third["result"]["resources"][0]["uri"], "two://a");
  EXPECT_EQ(Cursor(third), "");
}

TEST_F(ListExchangeTest, ACursorThatItsServiceRefusesIsBad) {
  one_->OnListResources([](const tool::ListResourcesRequest& request) {
    FakeUnaryScript<tool::ListResourcesResponse> script;
    *script.response.add_resources() = MakeResource("one://a");
    script.response.set_next_cursor("p2");
    if (!request.cursor().empty()) script.status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "expired");
    return script;
  });
  EXPECT_EQ(List(Cursor(List()))["error"]["code"], -32602);
  EXPECT_EQ(List("nonsense")["error"]["code"], -32602);
}

TEST_F(ListExchangeTest, AServiceThatIsGoneMakesItsCursorBad) {
  Lists(*one_, {"one://a"}, "p2");
  const std::string cursor = Cursor(List());
  CatalogContents contents;
  contents.resource_sources = {catalog_.Current()->resource_sources()[1]};
  catalog_.Publish(contents);
  EXPECT_EQ(List(cursor)["error"]["code"], -32602);
}

TEST_F(ListExchangeTest, CancellingEndsTheCall) {
  absl::Notification asked;
  one_->OnListResources([&](const tool::ListResourcesRequest&) {
    asked.Notify();
    FakeUnaryScript<tool::ListResourcesResponse> script;
    script.hang = true;
    return script;
  });
  const std::unique_ptr<Exchange> exchange = Start();
  EXPECT_FALSE(exchange->Wait(absl::Now()));
  asked.WaitForNotification();
  exchange->Cancel();
  EXPECT_EQ(exchange->Next().error, WireErrorKind::kCancelled);
  EXPECT_TRUE(one_->WaitForCancelledCalls(1));
}

TEST_F(ListExchangeTest, AnEmptyCursorIsNoneOfOurs) {
  body_ = R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}})";
  const auto exchange = StartList(ListKind::kTools, ParseBody(body_)->messages.at(0), context_, catalog_.Current(),
                                  lists_, {absl::Seconds(1), true}, {}, clock_);
  EXPECT_EQ(exchange->Next().error, WireErrorKind::kInvalidParams);
}

}  // namespace
}  // namespace mcp_edge
