// The endpoints over real HTTP, with a fake verifier and a fake tool service behind them.

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/log.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "mcp_edge/events/catalog_events.h"
#include "mcp_edge/events/memory_event_bus.h"
#include "mcp_edge/http/http_server.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/sealing/aead_sealer.h"
#include "mcp_edge/session/memory_session_store.h"
#include "mcp_edge/session/memory_stream_store.h"
#include "mcp_edge/tools/testing/fake_tool_service.h"
#include "mcp_edge/transport/edge_routes.h"
#include "mcp_edge/transport/session_notifier.h"

namespace mcp_edge {
namespace {

using httplib::Headers;
using nlohmann::json;
namespace tool = gatehouse::tool::v1;

constexpr char kResource[] = "http://mcp.example.com/mcp";

// "alice" and "bob" are good tokens, whose scopes are not known; "alice/mail.read+openid/700" one with the scopes
// "mail:read" and "openid" that expires in 700 ms (left out: never). "away" cannot be judged, and "lost" because
// auth_service knows of no such resource; others are refused, "stranger" for its audience, though it is alice's.
class FakeVerifier final : public TokenVerifier {
 public:
  absl::StatusOr<Verdict> Verify(absl::string_view token, absl::string_view resource, absl::string_view,
                                 absl::Time) override {
    {
      absl::MutexLock lock(&mutex_);
      last_resource_ = std::string(resource);
    }
    if (token == "away") return absl::UnavailableError("provider down");
    if (token == "lost") return absl::InternalError("unknown resource");
    if (token == "stranger") {
      auto owner = std::make_shared<Principal>();
      owner->subject = "alice";
      return Verdict{nullptr, {"WRONG_AUDIENCE", "the token is for another resource", std::move(owner)}};
    }
    const std::vector<std::string> parts = absl::StrSplit(token, '/');
    if (parts[0] != "alice" && parts[0] != "bob") return Verdict{nullptr, {"EXPIRED", "the token has expired"}};
    auto principal = std::make_shared<Principal>();
    principal->subject = parts[0];
    principal->key = parts[0];
    if (parts.size() > 1) {
      principal->scopes_known = true;
      for (absl::string_view scope : absl::StrSplit(parts[1], '+', absl::SkipEmpty())) {
        principal->scopes.push_back(absl::StrReplaceAll(scope, {{".", ":"}}));
      }
    }
    int64_t life = 0;
    if (parts.size() > 2 && absl::SimpleAtoi(parts[2], &life)) {
      principal->expire_time = absl::Now() + absl::Milliseconds(life);
    }
    principal->for_tools.set_subject(principal->subject);
    return Verdict{principal, {}};
  }

  std::string last_resource() const {
    absl::MutexLock lock(&mutex_);
    return last_resource_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::string last_resource_ ABSL_GUARDED_BY(mutex_);
};

// Within a second of the end of a token that lives 400 ms.
constexpr absl::Duration kSoonAfter400Ms = absl::Milliseconds(1'400);

// How long `work` takes when nobody else needs the machine: the least of up to five times, the last of which was soon
// enough.
template <typename Work>
absl::Duration LeastTime(const Work& work) {
  absl::Duration least = absl::InfiniteDuration();
  for (int i = 0; i < 5 && least >= kSoonAfter400Ms; ++i) {
    const absl::Time start = absl::Now();
    work();
    least = std::min(least, absl::Now() - start);
  }
  return least;
}

// Seven milliseconds later each time it is asked.
class TickingClock final : public common::Clock {
 public:
  absl::Time Now() const override {
    clock_.Advance(absl::Milliseconds(7));
    return clock_.Now();
  }

 private:
  mutable common::FakeClock clock_;
};

class TransportTest : public testing::Test {
 protected:
  void SetUp() override {
    service_ = FakeToolService::Start();
    ASSERT_NE(service_, nullptr);
    service_->OnCall([](const tool::CallToolRequest& request) {
      if (request.name() == "hang") return FakeCallScript{.hang = true};
      if (request.name() == "slow")
        return FakeCallScript{.events = {TextResult("done")}, .delay = absl::Milliseconds(700)};
      if (request.name() == "asks" && request.input_responses_json().empty()) {
        tool::CallToolEvent event;
        tool::InputRequest& input = (*event.mutable_input_required()->mutable_requests())["who"];
        input.set_method("elicitation/create");
        input.set_params_json(
            R"({"message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}}})");
        return FakeCallScript{{event}};
      }
      if (request.name() == "closes") {
        tool::CallToolEvent event;
        event.mutable_close_stream()->mutable_retry_delay()->set_nanos(20'000'000);
        return FakeCallScript{{ProgressEvent(1), event, ProgressEvent(2), TextResult("done")}};
      }
      if (request.name() == "late") {
        return FakeCallScript{.events = {ProgressEvent(1), ProgressEvent(2), TextResult("done")},
                              .delay = absl::Milliseconds(400)};
      }
      if (request.name() == "steps") return FakeCallScript{{ProgressEvent(1), ProgressEvent(2), TextResult("done")}};
      return FakeCallScript{{TextResult(absl::StrCat("for ", request.context().principal().subject()))}};
    });
    catalog_.AddListener([this](const CatalogSnapshot& snapshot) { PublishListChanges(snapshot, bus_); });
    CatalogContents contents;
    for (const char* name : {"plain", "hang", "slow", "late", "steps", "asks", "closes", "guarded"}) {
      ToolEntry entry;
      entry.name = name;
      entry.tool = MakeTool(name);
      entry.tool.set_input_schema_json(R"({"type":"object"})");
      entry.service = std::make_shared<ToolServiceClient>("fake", service_->target());
      if (entry.name == "guarded") entry.required_scopes = {{"mail:read"}};
      contents.tools.push_back(std::move(entry));
    }
    ResourceEntry& resource = contents.resources.emplace_back();
    resource.resource.set_uri("a://b");
    resource.service = contents.tools[0].service;
    catalog_.Publish(contents);
    contents_ = std::move(contents);
    HttpServerOptions options;
    options.port = 0;
    options.max_body_bytes = kMaxBody;
    server_ = std::make_unique<HttpServer>(options, metrics_);
    AddRoutes(kResource, mcp_, &sse_,
              {[](absl::string_view resource) -> absl::StatusOr<std::string> {
                 return absl::StrCat("{\"resource\":\"", resource, "\"}");
               },
               []() -> absl::StatusOr<std::string> { return absl::NotFoundError("off"); }},
              hosts_, metrics_, *server_, &registration_);
    ASSERT_TRUE(server_->Bind().ok());
    server_->Start();
  }

  void TearDown() override {
    server_->StopAccepting();
    sessions_.CloseAll();
    sse_.CloseAll();
    listeners_.CloseAll();
    server_->Finish(absl::Now() + absl::Seconds(5));
  }

  httplib::Client Client() {
    httplib::Client client("127.0.0.1", server_->port());
    client.set_read_timeout(10);
    return client;
  }

  httplib::Result Post(const std::string& body, Headers headers, const std::string& path = "/mcp") {
    if (headers.count("Authorization") == 0) headers.emplace("Authorization", "Bearer alice");
    if (headers.count("Accept") == 0) headers.emplace("Accept", "application/json, text/event-stream");
    return Client().Post(path, headers, body, "application/json");
  }

  static Headers Modern(const std::string& method, const std::string& name = "") {
    Headers headers = {{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", method}};
    if (!name.empty()) headers.emplace("Mcp-Name", name);
    return headers;
  }

  static std::string ModernBody(const std::string& method, const std::string& params = "") {
    return absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":")", method, R"(","params":{)", params,
                        params.empty() ? "" : ",",
                        R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                        R"("io.modelcontextprotocol/clientCapabilities":{},"progressToken":"p"}}})");
  }

  httplib::Result ModernCall(const std::string& tool) {
    return Post(ModernBody("tools/call", absl::StrCat("\"name\":\"", tool, "\"")), Modern("tools/call", tool));
  }

  // A call in a session, with a progress token.
  static std::string LegacyCall(int id, const std::string& tool) {
    return absl::StrCat(R"({"jsonrpc":"2.0","id":)", id, R"(,"method":"tools/call","params":{"name":")", tool,
                        R"(","_meta":{"progressToken":"p"}}})");
  }

  // Posts `body` and reads the answer, a stream, until it contains `last`, then leaves. What was read.
  std::string PostUntil(const std::string& body, Headers headers, const std::string& last) {
    std::string heard;
    httplib::Request request;
    request.method = "POST";
    request.path = "/mcp";
    request.headers = std::move(headers);
    request.set_header("Content-Type", "application/json");
    request.body = body;
    request.response_handler = [](const httplib::Response& response) {
      EXPECT_EQ(response.get_header_value("Content-Type"), "text/event-stream");
      return true;
    };
    request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
      heard.append(data, size);
      return !absl::StrContains(heard, last);
    };
    Client().send(request);
    return heard;
  }

  // The stream that follows the event `id`, to its end; "<status>" for an error.
  std::string Resume(Headers session, const std::string& id) {
    session.emplace("Accept", "text/event-stream");
    session.emplace("Last-Event-ID", id);
    const auto result = Client().Get("/mcp", session);
    return result->status == 200 ? result->body : absl::StrCat(result->status);
  }

  // The value of the first `id:` field.
  static std::string FirstId(absl::string_view stream) {
    const size_t begin = stream.find("id: ");
    if (begin == absl::string_view::npos) return "";
    return std::string(stream.substr(begin + 4, stream.find('\n', begin) - begin - 4));
  }

  // Opens a session and returns the headers that its requests carry.
  Headers Session(const std::string& version, const std::string& token = "alice") {
    const auto result =
        Post(absl::StrCat(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{)"
                          R"("protocolVersion":")",
                          version, R"(","capabilities":{"elicitation":{}},"clientInfo":{"name":"c","version":"1"}}})"),
             {{"Authorization", "Bearer " + token}});
    EXPECT_EQ(result->status, 200) << result->body;
    return {{"Authorization", "Bearer " + token}, {"Mcp-Session-Id", result->get_header_value("Mcp-Session-Id")}};
  }

  // Calls a tool on a thread of its own, which ends with the call. Returns once `heard`, what the stream said, contains
  // `first`.
  std::thread CallUntilHeard(int id, const std::string& tool, const Headers& session, const std::string& first,
                             std::string& heard) {
    const auto is_heard = std::make_shared<absl::Notification>();
    std::thread caller([this, id, tool, session, first, is_heard, &heard] {
      httplib::Request request;
      request.method = "POST";
      request.path = "/mcp";
      request.headers = session;
      request.set_header("Content-Type", "application/json");
      request.body = LegacyCall(id, tool);
      request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
        heard.append(data, size);
        if (absl::StrContains(heard, first) && !is_heard->HasBeenNotified()) is_heard->Notify();
        return true;
      };
      Client().send(request);
    });
    is_heard->WaitForNotification();
    return caller;
  }

  std::thread CallUntilAsked(const Headers& session, std::string& heard) {
    return CallUntilHeard(1, "asks", session, "requestedSchema", heard);
  }

  static json Body(const httplib::Result& result) {
    const auto parsed = ReadJson(result->body);
    EXPECT_TRUE(parsed.ok()) << result->body;
    return parsed.ok() ? *parsed : json();
  }

  static constexpr size_t kMaxBody = 100'000;
  static constexpr size_t kMaxBodies = 150'000;

  const common::SystemClock clock_{};
  prometheus::Registry registry_;
  EdgeMetrics metrics_{registry_};
  FakeVerifier verifier_;
  const Authenticator authenticator_{verifier_, [](absl::string_view) { return "openid profile"; }, absl::Seconds(5),
                                     clock_, metrics_};
  MemoryEventBus bus_;
  Catalog catalog_;
  CatalogContents contents_;  // what it holds
  AeadSealer sealer_{RandomKeyRing(), clock_};
  Dispatcher dispatcher_{{}, catalog_, sealer_, clock_, metrics_};
  MemorySessionStore store_{{}, clock_};
  MemoryStreamStore streams_{{}, clock_};
  SessionManager sessions_{store_, &streams_};
  Admission admission_{
      {.max_requests = 12, .max_requests_per_principal = 8, .max_streams = 4, .max_streams_per_principal = 2},
      metrics_};
  DisconnectMonitor disconnects_{absl::Milliseconds(5)};
  Listeners listeners_{bus_, catalog_, nullptr, clock_, metrics_};
  BodyBudget bodies_{kMaxBodies};
  const Collaborators with_ = {authenticator_, dispatcher_,  sessions_, listeners_, admission_,
                               bodies_,        disconnects_, clock_,    metrics_,   absl::Milliseconds(200)};
  McpEndpoint mcp_{MakeProtectedResource(kResource, "/mcp"), kMaxBody, 12, with_};
  SseEndpoint sse_{MakeProtectedResource(kResource, "/sse"), kMaxBody, 8, with_};
  RegistrationEndpoint registration_{
      [](const auto&, absl::Time) -> absl::StatusOr<gatehouse::auth::v1::RegisterClientResponse> {
        return absl::UnavailableError("away");
      },
      "",
      kMaxBody,
      admission_,
      bodies_,
      clock_};
  const SessionNotifier notifier_{bus_, catalog_, sessions_, sse_, clock_};
  const HostPolicy hosts_ = *HostPolicy::Create(kResource, {}, {});
  std::unique_ptr<FakeToolService> service_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(TransportTest, AModernCallIsAnsweredAsJson) {
  const auto result = ModernCall("plain");
  ASSERT_EQ(result->status, 200) << result->body;
  EXPECT_EQ(result->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(result->get_header_value("Mcp-Session-Id"), "");
  EXPECT_EQ(Body(result)["result"]["content"][0]["text"], "for alice");
  EXPECT_EQ(verifier_.last_resource(), kResource);
}

TEST_F(TransportTest, ProgressTurnsTheAnswerIntoAStream) {
  const auto result = ModernCall("steps");
  ASSERT_EQ(result->status, 200);
  EXPECT_EQ(result->get_header_value("Content-Type"), "text/event-stream");
  const size_t first = result->body.find("\"progress\":1");
  const size_t second = result->body.find("\"progress\":2");
  const size_t answer = result->body.find("\"result\"");
  EXPECT_LT(first, second);
  EXPECT_LT(second, answer);
  EXPECT_NE(answer, std::string::npos) << result->body;
}

TEST_F(TransportTest, ACallThatTakesLongGivesSignsOfLife) {
  Headers headers = Modern("tools/call", "hang");
  headers.emplace("Authorization", "Bearer alice");
  const std::string signs = PostUntil(ModernBody("tools/call", R"("name":"hang")"), headers, ":\n\n:\n\n");
  EXPECT_TRUE(absl::StartsWith(signs, ":\n\n:\n\n")) << signs;
  const auto result = ModernCall("slow");
  ASSERT_EQ(result->status, 200);
  EXPECT_TRUE(absl::StrContains(result->body, "done")) << result->body;
}

TEST_F(TransportTest, AClientThatTakesNoStreamGetsNone) {
  Headers headers = Modern("tools/call", "steps");
  headers.emplace("Accept", "application/json");
  const auto result = Post(ModernBody("tools/call", R"("name":"steps")"), headers);
  EXPECT_EQ(Body(result)["result"]["content"][0]["text"], "done");
  headers = Modern("nope");
  headers.emplace("Accept", "text/event-stream");
  EXPECT_EQ(Post(ModernBody("nope"), headers)->status, 404) << "an error keeps its status";
}

TEST_F(TransportTest, OnlyPostHasABody) {
  const Headers headers = {{"Authorization", "Bearer alice"}};
  EXPECT_EQ(Client().Delete("/mcp", headers, "{}", "application/json")->status, 400);
  EXPECT_EQ(Client().Post("/nowhere", headers, std::string(50'000, 'x'), "text/plain")->status, 404);
}

TEST_F(TransportTest, ModernErrorsHaveTheirStatus) {
  EXPECT_EQ(Post(ModernBody("nope"), Modern("nope"))->status, 404);
  EXPECT_EQ(Post(ModernBody("initialize"), Modern("initialize"))->status, 404);
  EXPECT_EQ(Post(ModernBody("tools/list"), Modern("tools/call"))->status, 400);
  EXPECT_EQ(Post(ModernBody("tools/list"), {{"Mcp-Method", "tools/list"}})->status, 400);
  const auto unknown = Post(ModernBody("tools/call", R"("name":"no")"), Modern("tools/call", "no"));
  EXPECT_EQ(unknown->status, 200);
  EXPECT_EQ(Body(unknown)["error"]["code"], -32602);
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":1,"result":{}})", Modern(""))->status, 400);
}

TEST_F(TransportTest, AModernNotificationIsAccepted) {
  const auto result = Post(R"({"jsonrpc":"2.0","method":"notifications/x"})", Modern("notifications/x"));
  EXPECT_EQ(result->status, 202);
  EXPECT_EQ(result->body, "");
}

TEST_F(TransportTest, AModernClientThatLeavesCancelsItsCall) {
  httplib::Client client("127.0.0.1", server_->port());
  std::thread leaver([&] {
    Headers headers = Modern("tools/call", "hang");
    headers.emplace("Authorization", "Bearer alice");
    client.Post("/mcp", headers, ModernBody("tools/call", R"("name":"hang")"), "application/json");
  });
  EXPECT_TRUE(service_->WaitForCalls(1));
  client.stop();
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
  leaver.join();
}

TEST_F(TransportTest, ASessionLivesFromInitializeToDelete) {
  const Headers session = Session("2025-06-18");
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", session)->status, 202);
  const auto list = Post(R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})", session);
  EXPECT_EQ(Body(list)["result"]["tools"].size(), 8);
  EXPECT_EQ(Client().Delete("/mcp", session)->status, 204);
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":3,"method":"ping"})", session)->status, 404);
}

TEST_F(TransportTest, VersionsAreNegotiated) {
  const auto negotiated = [&](const std::string& version) {
    return Body(Post(
        absl::StrCat(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")", version, "\"}}"),
        {}))["result"]["protocolVersion"]
        .get<std::string>();
  };
  for (const char* version : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
    EXPECT_EQ(negotiated(version), version);
  }
  EXPECT_EQ(negotiated("2026-07-28"), "2025-11-25");
  EXPECT_EQ(negotiated("1999-01-01"), "2025-11-25");
  EXPECT_EQ(Body(Post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{}})", {}))["error"]["code"], -32602);
}

TEST_F(TransportTest, AnotherUsersSessionLooksLikeNone) {
  Headers session = Session("2025-11-25", "alice");
  session.erase("Authorization");
  session.emplace("Authorization", "Bearer bob");
  const auto other = Post(R"({"jsonrpc":"2.0","id":3,"method":"ping"})", session);
  const auto none = Post(R"({"jsonrpc":"2.0","id":3,"method":"ping"})",
                         {{"Authorization", "Bearer bob"}, {"Mcp-Session-Id", NewSessionId()}});
  EXPECT_EQ(other->status, 404);
  EXPECT_EQ(other->body, none->body);
  EXPECT_EQ(Client().Delete("/mcp", session)->status, 404);
  EXPECT_EQ(Client().Get("/mcp", session)->status, 404);
}

TEST_F(TransportTest, WithoutASessionALegacyRequestIs400) {
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":3,"method":"ping"})", {})->status, 400);
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":3,"method":"ping"})", {{"MCP-Protocol-Version", "2025-06-18"}})->status, 400);
  const auto unknown = Post(R"({"jsonrpc":"2.0","id":3,"method":"ping"})", {{"MCP-Protocol-Version", "1900-01-01"}});
  EXPECT_EQ(unknown->status, 400);
  EXPECT_EQ(Body(unknown)["error"]["code"], -32022);
}

TEST_F(TransportTest, ALegacyClientThatLeavesCancelsNothingButItsNoticeDoes) {
  const Headers session = Session("2025-11-25");
  std::thread caller([&] {
    Headers headers = session;
    headers.emplace("Accept", "application/json");
    const auto result = Post(R"({"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"hang"}})", headers);
    EXPECT_EQ(Body(result)["error"]["message"], "cancelled");
  });
  ASSERT_TRUE(service_->WaitForCalls(1));
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":"x","method":"ping"})", session)->status, 400) << "an id in use";
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"y"}})", session)->status,
            202);
  EXPECT_FALSE(service_->WaitForCancelledCalls(1, absl::Milliseconds(100)));
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}})", session)->status,
            202);
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
  caller.join();
}

TEST_F(TransportTest, BatchesAreOfOneVersion) {
  const std::string batch =
      R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},)"
      R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"plain"}},{"bad":1},)"
      R"({"jsonrpc":"2.0","id":3,"method":"initialize"}])";
  const json responses = Body(Post(batch, Session("2025-03-26")));
  ASSERT_EQ(responses.size(), 4);
  EXPECT_EQ(responses[0]["result"], json::object());
  EXPECT_EQ(responses[1]["result"]["content"][0]["text"], "for alice");
  EXPECT_EQ(responses[2]["error"]["code"], -32600);
  EXPECT_EQ(responses[3]["error"]["code"], -32600);
  EXPECT_EQ(Post(R"([{"jsonrpc":"2.0","method":"notifications/x"}])", Session("2025-03-26"))->status, 202);
  EXPECT_EQ(Post("[]", Session("2025-03-26"))->status, 400);
  EXPECT_EQ(Post(batch, Session("2025-06-18"))->status, 400);
}

TEST_F(TransportTest, TheStreamOfASessionCarriesNotices) {
  const Headers session = Session("2025-11-25");
  Headers headers = session;
  headers.emplace("Accept", "text/event-stream");
  std::string heard;
  std::thread reader([&] {
    Client().Get("/mcp", headers, [&](const char* data, size_t size) {
      heard.append(data, size);
      return !absl::StrContains(heard, "list_changed");
    });
  });
  bus_.Publish({.kind = Event::Kind::kToolsChanged});
  reader.join();
  EXPECT_TRUE(absl::StrContains(heard,
                                "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":"
                                "\"notifications/tools/list_changed\",\"params\":{}}\n\n"))
      << heard;
}

TEST_F(TransportTest, ListeningIsAStreamThatEndsWithItsResponse) {
  std::string heard;
  absl::Notification acknowledged;
  std::thread listener([&] {
    Headers headers = Modern("subscriptions/listen");
    headers.emplace("Authorization", "Bearer alice");
    httplib::Client client = Client();
    httplib::Request request;
    request.method = "POST";
    request.path = "/mcp";
    request.headers = headers;
    request.set_header("Content-Type", "application/json");
    request.body = ModernBody("subscriptions/listen", R"("notifications":{"toolsListChanged":true})");
    request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
      heard.append(data, size);
      if (absl::StrContains(heard, "acknowledged") && !acknowledged.HasBeenNotified()) acknowledged.Notify();
      return true;
    };
    const auto result = client.send(request);
    EXPECT_EQ(result->status, 200);
    EXPECT_EQ(result->get_header_value("Content-Type"), "text/event-stream");
  });
  acknowledged.WaitForNotification();
  EXPECT_TRUE(admission_.AwaitNoRequests(absl::Now() + absl::Seconds(20))) << "it is no request to be waited for";
  bus_.Publish({.kind = Event::Kind::kPromptsChanged});
  bus_.Publish({.kind = Event::Kind::kToolsChanged});
  listeners_.CloseAll();
  listener.join();
  const size_t change = heard.find("notifications/tools/list_changed");
  const size_t response = heard.find("\"result\"");
  EXPECT_LT(change, response) << heard;
  EXPECT_NE(response, std::string::npos) << heard;
  EXPECT_FALSE(absl::StrContains(heard, "prompts")) << heard;
  EXPECT_FALSE(absl::StrContains(heard, "id: ")) << "nothing to resume by";
}

TEST_F(TransportTest, ListenersNeedAStreamAndAFilter) {
  Headers headers = Modern("subscriptions/listen");
  const auto bad = Post(ModernBody("subscriptions/listen"), headers);
  EXPECT_EQ(bad->status, 200);
  EXPECT_EQ(Body(bad)["error"]["code"], -32602);
  headers.emplace("Accept", "application/json");
  EXPECT_EQ(Post(ModernBody("subscriptions/listen", R"("notifications":{})"), headers)->status, 406);
}

TEST_F(TransportTest, AListenerThatLeavesIsForgotten) {
  httplib::Client client("127.0.0.1", server_->port());
  std::thread leaver([&] {
    Headers headers = Modern("subscriptions/listen");
    headers.emplace("Authorization", "Bearer alice");
    client.Post("/mcp", headers, ModernBody("subscriptions/listen", R"("notifications":{})"), "application/json");
  });
  while (listeners_.size() == 0) absl::SleepFor(absl::Milliseconds(1));
  client.stop();
  leaver.join();
  while (listeners_.size() > 0) absl::SleepFor(absl::Milliseconds(1));
}

TEST_F(TransportTest, AResponseReachesWhoeverAskedTheClient) {
  const Headers session = Session("2025-11-25");
  std::string id;
  std::vector<ClientAnswer> answers;
  sessions_.ForEach([&](mcp_edge::Session& each) {
    id = each.state().client_requests().Expect([&](ClientAnswer answer) { answers.push_back(std::move(answer)); });
  });
  const std::string response = absl::StrCat(R"({"jsonrpc":"2.0","id":)", id, R"(,"result":{"action":"accept"}})");
  EXPECT_EQ(Post(response, Session("2025-11-25"))->status, 202) << "another session's is dropped";
  EXPECT_EQ(answers.size(), 0u);
  EXPECT_EQ(Post(response, session)->status, 202);
  EXPECT_EQ(Post(response, session)->status, 202) << "late ones are dropped";
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].result_json, R"({"action":"accept"})");
}

TEST_F(TransportTest, TheClientIsAskedOnTheStreamOfItsRequest) {
  const Headers session = Session("2025-11-25");
  std::string heard;
  std::thread caller = CallUntilAsked(session, heard);
  const size_t begin = heard.find("\"ask-");
  ASSERT_NE(begin, std::string::npos) << heard;
  const std::string id = heard.substr(begin, heard.find('"', begin + 1) + 1 - begin);
  const std::string answer = R"(,"result":{"action":"accept","content":{"name":"Al"}}})";
  EXPECT_EQ(Post(absl::StrCat(R"({"jsonrpc":"2.0","id":)", id, answer), Session("2025-11-25"))->status, 202);
  EXPECT_EQ(Post(absl::StrCat(R"({"jsonrpc":"2.0","id":)", id, answer), session)->status, 202);
  caller.join();
  EXPECT_TRUE(absl::StrContains(heard, "for alice")) << heard;
  const auto calls = service_->Calls();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[1].request.input_responses_json().at("who"), R"({"action":"accept","content":{"name":"Al"}})");
}

TEST_F(TransportTest, ACallCanBeCancelledWhileItsClientIsAsked) {
  const Headers session = Session("2025-11-25");
  std::string heard;
  std::thread caller = CallUntilAsked(session, heard);
  Post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})", session);
  caller.join();
  EXPECT_FALSE(absl::StrContains(heard, "\"result\"")) << heard;
  EXPECT_EQ(service_->Calls().size(), 1u);
  EXPECT_TRUE(admission_.AwaitNoRequests(absl::Now() + absl::Seconds(20)));
}

TEST_F(TransportTest, AnswersFindAPlaceWhenAllRequestsOfTheUserWaitForThem) {
  const Headers session = Session("2025-11-25");
  ASSERT_TRUE(admission_.AwaitNoRequests(absl::Now() + absl::Seconds(20)));  // its place is free again
  absl::Mutex mutex;
  std::vector<std::string> asked;  // ids of the questions
  std::vector<std::thread> callers;
  std::atomic<int> done{0};
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      std::string heard;
      bool noted = false;
      httplib::Request request;
      request.method = "POST";
      request.path = "/mcp";
      request.headers = session;
      request.set_header("Content-Type", "application/json");
      request.body = LegacyCall(i + 1, "asks");
      request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
        heard.append(data, size);
        if (absl::StrContains(heard, "requestedSchema") && !std::exchange(noted, true)) {
          const size_t begin = heard.find("\"ask-");
          absl::MutexLock lock(&mutex);
          asked.push_back(heard.substr(begin, heard.find('"', begin + 1) + 1 - begin));
        }
        return true;
      };
      Client().send(request);
      if (absl::StrContains(heard, "for alice")) ++done;
    });
  }
  {
    const auto all = [&] { return asked.size() == 8; };
    absl::MutexLock lock(&mutex);
    ASSERT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&all), absl::Seconds(10)));
  }
  EXPECT_EQ(ModernCall("plain")->status, 429);
  const std::string ping = R"({"jsonrpc":"2.0","id":99,"method":"ping"})";
  EXPECT_EQ(Post(ping, session)->status, 429) << "no request is let in with the answers";
  for (const std::string& id : asked) {
    const std::string answer = R"(,"result":{"action":"accept","content":{"name":"Al"}}})";
    EXPECT_EQ(Post(absl::StrCat(R"({"jsonrpc":"2.0","id":)", id, answer), session)->status, 202);
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done, 8);
  EXPECT_EQ(Post(ping, session)->status, 200);
}

TEST_F(TransportTest, AToolMaySendItsClientAwayForAWhile) {
  const Headers session = Session("2025-11-25");
  const auto begun = Post(LegacyCall(1, "closes"), session);
  EXPECT_TRUE(absl::EndsWith(begun->body, "\nretry: 20\n\n")) << begun->body;
  EXPECT_FALSE(absl::StrContains(begun->body, "\"result\"")) << begun->body;
  EXPECT_TRUE(absl::StrContains(Resume(session, FirstId(begun->body)), "done"));
  const auto older = Post(LegacyCall(1, "closes"), Session("2025-06-18"));
  EXPECT_TRUE(absl::StrContains(older->body, "done")) << "older clients do not know that";
}

TEST_F(TransportTest, OnlySubscribersHearOfAResource) {
  const Headers session = Session("2025-11-25");
  sessions_.ForEach([](mcp_edge::Session& each) { each.state().Subscribe("a://b"); });
  Headers headers = session;
  headers.emplace("Accept", "text/event-stream");
  bus_.Publish({.kind = Event::Kind::kResourceUpdated, .uri = "a://other"});
  bus_.Publish({.kind = Event::Kind::kResourceUpdated, .uri = "a://b"});
  std::string heard;
  Client().Get("/mcp", headers, [&](const char* data, size_t size) {
    heard.append(data, size);
    return !absl::StrContains(heard, "resources/updated");
  });
  EXPECT_TRUE(absl::StrContains(heard, R"("params":{"uri":"a://b"})")) << heard;
  EXPECT_FALSE(absl::StrContains(heard, "a://other")) << heard;
}

TEST_F(TransportTest, WhatASessionHearsOfResourcesIsJudgedByTheTokenOfItsLastRequest) {
  contents_.resources[0].required_scopes = {{"mail:read"}};
  catalog_.Publish(contents_);
  Headers session = Session("2025-11-25", "alice/mail.read");
  EXPECT_EQ(
      Post(R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"a://b"}})", session)->status,
      200);
  const auto use = [&](const std::string& token) {
    session.erase("Authorization");
    session.emplace("Authorization", "Bearer " + token);
    EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":2,"method":"ping"})", session)->status, 200);
  };
  const auto told = [&] { bus_.Publish({.kind = Event::Kind::kResourceUpdated, .uri = "a://b"}); };
  use("alice/openid");
  told();  // to nobody
  use("alice/mail.read/1");
  absl::SleepFor(absl::Milliseconds(2));
  told();  // to nobody: it has expired
  use("alice/mail.read+openid");
  bus_.Publish({.kind = Event::Kind::kPromptsChanged});
  told();
  std::string heard;
  session.emplace("Accept", "text/event-stream");
  Client().Get("/mcp", session, [&](const char* data, size_t size) {
    heard.append(data, size);
    return !absl::StrContains(heard, "resources/updated");
  });
  EXPECT_LT(heard.find("prompts/list_changed"), heard.find("resources/updated")) << heard;
  EXPECT_NE(heard.find("resources/updated"), std::string::npos);
}

TEST_F(TransportTest, ABrokenStreamIsResumedWhereItBroke) {
  const Headers session = Session("2025-11-25");
  const std::string begun = PostUntil(LegacyCall(1, "late"), session, "data:\n\n");
  const std::string first = FirstId(begun);
  EXPECT_EQ(begun, absl::StrCat("id: ", first, "\nretry: 1000\ndata:\n\n")) << "the first event has no message";
  const std::string rest = Resume(session, first);  // what runs goes on
  EXPECT_TRUE(absl::StartsWith(rest, begun)) << rest;
  const size_t one = rest.find("\"progress\":1");
  const size_t two = rest.find("\"progress\":2");
  EXPECT_LT(one, two) << rest;
  EXPECT_LT(two, rest.find("\"result\"")) << rest;
  EXPECT_TRUE(absl::StrContains(rest, "done"));
  const std::string second = FirstId(absl::string_view(rest).substr(begun.size()));
  EXPECT_NE(first, second);
  const std::string again = Resume(session, second);
  EXPECT_FALSE(absl::StrContains(again, "\"progress\":1")) << again;
  EXPECT_TRUE(absl::StrContains(again, "\"progress\":2")) << again;
  EXPECT_TRUE(absl::StrContains(again, "done")) << again;
  EXPECT_FALSE(service_->WaitForCancelledCalls(1, absl::ZeroDuration()));
}

TEST_F(TransportTest, NobodyElseResumesAStream) {
  const Headers session = Session("2025-11-25");
  const std::string id = FirstId(PostUntil(LegacyCall(1, "late"), session, "data:\n\n"));
  Headers taken = session;
  taken.erase("Authorization");
  taken.emplace("Authorization", "Bearer bob");
  EXPECT_EQ(Resume(taken, id), "404");
  EXPECT_EQ(Resume(Session("2025-11-25", "bob"), id), "404");
  EXPECT_EQ(Resume(Session("2025-11-25"), id), "404") << "another session of the same user";
  const std::string tag = id.substr(0, id.find('.'));
  for (const std::string& bad : {std::string(""), std::string("1"), id + "0", absl::StrCat(tag, ".77-0"),
                                 absl::StrCat(tag, ".1-9999"), absl::StrCat(tag, ".01-0")}) {
    EXPECT_EQ(Resume(session, bad), "400") << bad;
  }
  EXPECT_TRUE(absl::StrContains(Resume(session, id), "done"));
  EXPECT_EQ(Client().Delete("/mcp", session)->status, 204);
  EXPECT_EQ(Resume(session, id), "404");
}

TEST_F(TransportTest, OlderClientsAreSpared) {
  const Headers session = Session("2025-06-18");
  const auto result = Post(LegacyCall(1, "steps"), session);
  ASSERT_EQ(result->get_header_value("Content-Type"), "text/event-stream");
  EXPECT_FALSE(absl::StrContains(result->body, "data:\n")) << "no event without data";
  EXPECT_FALSE(absl::StrContains(result->body, "retry:"));
  const std::string id = FirstId(result->body);
  EXPECT_TRUE(absl::StrContains(Resume(session, id), "\"progress\":2"));
}

TEST_F(TransportTest, ALegacyClientThatLeavesBeforeTheFirstByteCancelsNothing) {
  const Headers session = Session("2025-11-25");
  httplib::Client client("127.0.0.1", server_->port());
  std::thread leaver([&] { client.Post("/mcp", session, LegacyCall(1, "late"), "application/json"); });
  ASSERT_TRUE(service_->WaitForCalls(1));
  client.stop();
  leaver.join();
  EXPECT_FALSE(service_->WaitForCancelledCalls(1, absl::Milliseconds(600)));
  EXPECT_TRUE(admission_.AwaitNoRequests(absl::Now() + absl::Seconds(20)));
}

TEST_F(TransportTest, ACancelledCallEndsItsStreamWithoutAResponse) {
  const Headers session = Session("2025-11-25");
  std::string heard;
  std::thread caller = CallUntilHeard(7, "hang", session, "data:\n\n", heard);  // until it is a stream
  ASSERT_TRUE(service_->WaitForCalls(1));
  Post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})", session);
  caller.join();
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
  EXPECT_FALSE(absl::StrContains(heard, "jsonrpc")) << heard;
}

TEST_F(TransportTest, TheStreamOfASessionIsResumedToo) {
  const Headers session = Session("2025-11-25");
  Headers headers = session;
  headers.emplace("Accept", "text/event-stream");
  const auto get_until = [&](const std::string& last) {
    std::string heard;
    Client().Get("/mcp", headers, [&](const char* data, size_t size) {
      heard.append(data, size);
      return !absl::StrContains(heard, last);
    });
    return heard;
  };
  bus_.Publish({.kind = Event::Kind::kToolsChanged});
  const std::string first = get_until("tools/list_changed");
  bus_.Publish({.kind = Event::Kind::kPromptsChanged});
  headers.emplace("Last-Event-ID", FirstId(first));
  const std::string again = get_until("prompts/list_changed");
  EXPECT_TRUE(absl::StrContains(again, "tools/list_changed")) << "what was lost on the way is sent again";
}

TEST_F(TransportTest, ABatchIsAStreamWhenSomethingPrecedesAResponse) {
  const Headers session = Session("2025-03-26");
  const std::string batch = absl::StrCat(R"([{"jsonrpc":"2.0","id":1,"method":"ping"},)", LegacyCall(2, "steps"),
                                         R"(,{"jsonrpc":"2.0","id":3,"method":"ping"}])");
  const auto result = Post(batch, session);
  ASSERT_EQ(result->get_header_value("Content-Type"), "text/event-stream");
  const size_t first = result->body.find(R"("id":1)");
  const size_t progress = result->body.find("\"progress\":1");
  const size_t second = result->body.find(R"("id":2)");
  const size_t third = result->body.find(R"("id":3)");
  EXPECT_LT(first, progress) << result->body;
  EXPECT_LT(progress, second) << result->body;
  EXPECT_LT(second, third) << result->body;
  EXPECT_NE(third, std::string::npos) << result->body;
  Headers only_json = session;
  only_json.emplace("Accept", "application/json");
  EXPECT_EQ(Body(Post(batch, only_json)).size(), 3u);
}

TEST_F(TransportTest, BodiesAreBoundedInSum) {
  {
    BodyBudget::Share others;
    ASSERT_TRUE(others.Grow(kMaxBodies - 1'000, bodies_));
    const auto refused = Post(std::string(2'000, ' '), {});
    EXPECT_EQ(refused->status, 503);
    EXPECT_EQ(refused->get_header_value("Retry-After"), "1");
    EXPECT_EQ(ModernCall("plain")->status, 200) << "a small one fits";
  }
  EXPECT_EQ(bodies_.used(), 0u);
}

TEST_F(TransportTest, StreamsNeedTheRightQuestion) {
  const Headers session = Session("2025-11-25");
  Headers headers = session;
  headers.emplace("Accept", "application/json");
  EXPECT_EQ(Client().Get("/mcp", headers)->status, 406);
  EXPECT_EQ(Client().Get("/mcp", {{"Authorization", "Bearer alice"}})->status, 400);
  headers = session;
  headers.emplace("Last-Event-ID", "1");
  EXPECT_EQ(Client().Get("/mcp", headers)->status, 400);
  const auto modern = Client().Get("/mcp", {{"Authorization", "Bearer alice"}, {"MCP-Protocol-Version", "2026-07-28"}});
  EXPECT_EQ(modern->status, 405);
  EXPECT_EQ(modern->get_header_value("Allow"), "POST");
}

TEST_F(TransportTest, HttpAndSseAnswersOnItsStream) {
  absl::Mutex mutex;
  std::string heard;
  const auto hears = [&](absl::string_view text) {
    const auto there = [&] { return absl::StrContains(heard, text); };
    absl::MutexLock lock(&mutex);
    return mutex.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(30));
  };
  httplib::Client client = Client();
  std::thread reader([&] {
    client.Get("/sse", {{"Authorization", "Bearer alice"}}, [&](const char* data, size_t size) {
      absl::MutexLock lock(&mutex);
      heard.append(data, size);
      return true;
    });
  });
  ASSERT_TRUE(hears("\n\n"));
  EXPECT_EQ(verifier_.last_resource(), "http://mcp.example.com/sse");
  std::string path;
  {
    absl::MutexLock lock(&mutex);
    ASSERT_TRUE(absl::StartsWith(heard, "event: endpoint\ndata: /messages?sessionId=")) << heard;
    path = heard.substr(heard.find("/messages"), heard.find("\n\n") - heard.find("/messages"));
  }
  EXPECT_EQ(
      Post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05"}})", {}, path)
          ->status,
      202);
  EXPECT_TRUE(hears(R"("protocolVersion":"2024-11-05")"));
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain"}})", {}, path)->status, 202);
  EXPECT_TRUE(hears("for alice"));
  const std::string guarded = R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"guarded"}})";
  const auto refused = Post(guarded, {{"Authorization", "Bearer alice/openid"}}, path);
  EXPECT_EQ(refused->status, 403) << "there is no status later";
  EXPECT_EQ(Body(refused)["id"], 5);
  EXPECT_TRUE(absl::StrContains(refused->get_header_value("WWW-Authenticate"), "scope=\"mail:read openid\""));
  EXPECT_EQ(Post(guarded, {{"Authorization", "Bearer alice/mail.read"}}, path)->status, 202)
      << "each request is judged by its own token";
  EXPECT_TRUE(hears("\"id\":5"));
  EXPECT_EQ(Post(ModernBody("server/discover"), Modern("server/discover"), path)->status, 202);
  EXPECT_TRUE(hears("-32601"));
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", {{"Authorization", "Bearer bob"}}, path)->status, 404);
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", {}, "/messages?sessionId=x")->status, 404);
  EXPECT_EQ(Post("nonsense", {}, path)->status, 400);
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"hang"}})", {}, path)->status, 202);
  ASSERT_TRUE(service_->WaitForCalls(3));
  client.stop();
  reader.join();
  EXPECT_TRUE(service_->WaitForCancelledCalls(1)) << "the stream was the session";
  // Its calls are cancelled first, and then nobody finds it any more.
  const absl::Time give_up_time = absl::Now() + absl::Seconds(30);
  int status = 202;
  while (status == 202 && absl::Now() < give_up_time) {
    status = Post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", {}, path)->status;
  }
  EXPECT_EQ(status, 404);
}

TEST_F(TransportTest, StreamsEndWithTheTokenThatOpenedThemAndTheSessionGoesOn) {
  const auto ends_in_time = [&](const char* path, Headers headers, const std::string& token) {
    headers.erase("Authorization");
    headers.emplace("Authorization", "Bearer " + token);
    headers.emplace("Accept", "text/event-stream");
    const absl::Duration taken = LeastTime([&] {
      const absl::Time start = absl::Now();
      const auto result = Client().Get(path, headers);
      EXPECT_EQ(result->status, 200);
      EXPECT_GE(absl::Now() - start, absl::Milliseconds(390)) << path;
    });
    EXPECT_LT(taken, kSoonAfter400Ms) << path << ": within a second of its end";
  };
  const Headers session = Session("2025-11-25");
  ends_in_time("/mcp", session, "alice//400");
  EXPECT_EQ(Post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})", session)->status, 200) << "with another token";
  ends_in_time("/mcp", session, "alice/openid/400");
  ends_in_time("/sse", {}, "alice//400");
}

TEST_F(TransportTest, AnSseStreamThatComesAfterTheEndOfAllEndsAtOnce) {
  sse_.CloseAll();
  const auto result = Client().Get("/sse", {{"Authorization", "Bearer alice"}});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_TRUE(absl::StartsWith(result->body, "event: endpoint\n")) << result->body;
}

TEST_F(TransportTest, AListenerGetsItsResultWhenItsTokenExpires) {
  Headers headers = Modern("subscriptions/listen");
  headers.emplace("Authorization", "Bearer alice//400");
  const absl::Duration taken = LeastTime([&] {
    const auto result =
        Post(ModernBody("subscriptions/listen", R"("notifications":{"toolsListChanged":true})"), headers);
    EXPECT_TRUE(absl::StrContains(result->body, "\"resultType\":\"complete\"")) << result->body;
  });
  EXPECT_LT(taken, kSoonAfter400Ms);
}

TEST_F(TransportTest, ACallThatRunsWhenItsTokenExpiresIsFinished) {
  Headers headers = Modern("tools/call", "slow");
  headers.emplace("Authorization", "Bearer alice//100");
  const auto modern = Post(ModernBody("tools/call", R"("name":"slow")"), headers);
  EXPECT_TRUE(absl::StrContains(modern->body, "done")) << modern->body;
  Headers session = Session("2025-11-25");
  session.erase("Authorization");
  session.emplace("Authorization", "Bearer alice//100");
  const auto legacy = Post(LegacyCall(1, "slow"), session);
  EXPECT_TRUE(absl::StrContains(legacy->body, "done")) << legacy->body;
}

TEST_F(TransportTest, TheStyleOfMcpAuthIsThatOfItsTable) {
  const Authenticator authenticator(
      verifier_, [](absl::string_view) { return "openid"; }, absl::Seconds(5), clock_, metrics_, ErrorStyle::kMcpAuth);
  const ProtectedResource resource = MakeProtectedResource(kResource, "/mcp");
  const auto answer = [&](const Headers& headers, const std::string& query = "") {
    httplib::Request request;
    request.headers = headers;
    if (!query.empty()) request.params.emplace("access_token", query);
    httplib::Response response;
    EXPECT_EQ(authenticator.Authenticate(request, resource, response), nullptr);
    return response;
  };
  const auto error = [&](const std::string& authorization) {
    const auto response = answer({{"Authorization", authorization}});
    const auto body = ReadJson(response.body);
    return absl::StrCat(response.status, " ", body->value("error", ""));
  };
  const auto missing = answer({});
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(missing.get_header_value("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(missing.body, R"({"error":"missing_auth_header","error_description":"Missing `Authorization` header. )"
                          R"(Please provide a valid bearer token."})");
  EXPECT_EQ(
      missing.get_header_value("WWW-Authenticate"),
      "Bearer error=\"missing_auth_header\", error_description=\"Missing `Authorization` header. Please provide a "
      "valid bearer token.\", "
      "resource_metadata=\"http://mcp.example.com/.well-known/oauth-protected-resource/mcp\"");
  EXPECT_EQ(error("Basic dTpw"), "401 invalid_auth_header_format");
  EXPECT_EQ(error("Bearer a b"), "401 invalid_auth_header_format");
  EXPECT_EQ(error("Bearer"), "401 missing_bearer_token");
  EXPECT_EQ(error("Bearer %"), "401 invalid_token");
  EXPECT_EQ(error("Bearer mallory"), "401 invalid_token");
  EXPECT_EQ(error("Bearer stranger"), "401 invalid_audience");
  EXPECT_EQ(error("Bearer lost"), "500 server_error");
  EXPECT_FALSE(answer({{"Authorization", "Bearer lost"}}).has_header("WWW-Authenticate"));
  EXPECT_EQ(answer({{"Authorization", "Bearer away"}}).status, 503);
  EXPECT_EQ(answer({{"Authorization", "Bearer alice"}}, "alice").status, 400);
  EXPECT_EQ(answer({{"Authorization", "Bearer a"}, {"Authorization", "Bearer b"}}).status, 400);
  httplib::Response shortage;
  authenticator.ReplyShortage(resource, {.needed = "a b", .missing = {"b"}}, "7", shortage);
  EXPECT_EQ(shortage.status, 403);
  EXPECT_EQ(shortage.get_header_value("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(shortage.body,
            R"({"error":"missing_required_scopes","error_description":"The token does not contain the necessary )"
            R"(scopes for this request.","missing_scopes":["b"]})");
  EXPECT_EQ(shortage.get_header_value("WWW-Authenticate"),
            "Bearer error=\"missing_required_scopes\", error_description=\"The token does not contain the necessary "
            "scopes for this request.\"");
}

TEST_F(TransportTest, TokensAreJudgedFirst) {
  const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
  const auto missing = Client().Post("/mcp", ping, "application/json");
  EXPECT_EQ(missing->status, 401);
  EXPECT_EQ(missing->get_header_value("WWW-Authenticate"),
            "Bearer resource_metadata=\"http://mcp.example.com/.well-known/oauth-protected-resource/mcp\", "
            "scope=\"openid profile\"");
  const auto refused = Post(ping, {{"Authorization", "Bearer mallory"}});
  EXPECT_EQ(refused->status, 401);
  EXPECT_TRUE(absl::StartsWith(refused->get_header_value("WWW-Authenticate"),
                               "Bearer error=\"invalid_token\", error_description=\"the token has expired\", "));
  const auto undecided = Post(ping, {{"Authorization", "Bearer away"}});
  EXPECT_EQ(undecided->status, 503);
  EXPECT_EQ(undecided->get_header_value("Retry-After"), "1");
  EXPECT_EQ(Post(ping, {{"Authorization", "Bearer a b"}})->status, 400);
  EXPECT_EQ(Post(ping, {{"Authorization", "Bearer alice"}, {"Authorization", "Bearer alice"}})->status, 400);
  EXPECT_EQ(Post(ping, {}, "/mcp?access_token=alice")->status, 400);
  for (const char* path : {"/mcp", "/sse"}) EXPECT_EQ(Client().Get(path)->status, 401) << path;
  EXPECT_EQ(Client().Delete("/mcp")->status, 401);
  EXPECT_EQ(Client().Post("/messages?sessionId=x", ping, "application/json")->status, 401);
}

TEST_F(TransportTest, TokensThatAreNotGoodAreAuditedAndNeverWritten) {
  prometheus::Registry registry;
  AuditLog audit(true, registry);
  const TickingClock clock;
  const Authenticator authenticator(
      verifier_, [](absl::string_view) { return ""; }, absl::Seconds(5), clock, metrics_, ErrorStyle::kRfc6750, &audit);
  const auto said = [&](const std::string& token) {
    httplib::Request request;
    request.method = "POST";
    request.path = "/mcp";
    request.set_header("Authorization", "Bearer " + token);
    httplib::Response response;
    common::FlushLog();
    testing::internal::CaptureStderr();
    authenticator.Authenticate(request, MakeProtectedResource(kResource, "/mcp"), response);
    common::FlushLog();
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_FALSE(absl::StrContains(log, token)) << log;
    for (absl::string_view line : absl::StrSplit(log, '\n', absl::SkipEmpty())) {
      const auto json = ReadJson(line);
      if (json->value("event", "") != "audit") continue;
      EXPECT_EQ((*json)["duration_us"], 14'000) << "the clock was asked for the deadline, and at the end";
      return absl::StrCat((*json)["method"].get<std::string>(), " ", (*json)["outcome"].get<std::string>(), " ",
                          (*json)["reason"].get<std::string>(), " ", (*json)["subject"].get<std::string>());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(said("mallory-1234"), "POST /mcp refused EXPIRED ");
  EXPECT_EQ(said("stranger"), "POST /mcp refused WRONG_AUDIENCE alice");
  EXPECT_EQ(said("lost"), "POST /mcp failed undecided ");
  EXPECT_EQ(said("alice"), "nothing") << "what it is used for is audited";
}

TEST_F(TransportTest, AMissingScopeIsAChallenge) {
  Headers headers = Modern("tools/call", "guarded");
  headers.emplace("Authorization", "Bearer alice/openid+offline_access");
  headers.emplace("Accept", "text/event-stream");  // the status comes before any stream
  const auto result = Post(ModernBody("tools/call", R"("name":"guarded")"), headers);
  EXPECT_EQ(result->status, 403);
  EXPECT_EQ(result->get_header_value("WWW-Authenticate"),
            "Bearer error=\"insufficient_scope\", error_description=\"The token lacks a scope that this needs\", "
            "resource_metadata=\"http://mcp.example.com/.well-known/oauth-protected-resource/mcp\", "
            "scope=\"mail:read openid\"");
  EXPECT_EQ(Body(result)["id"], 1);
  EXPECT_TRUE(service_->Calls().empty());
}

TEST_F(TransportTest, AnOpaqueTokensScopesAreNotGuessed) {
  const auto result = ModernCall("guarded");
  EXPECT_EQ(result->status, 403);
  const std::string challenge = result->get_header_value("WWW-Authenticate");
  EXPECT_TRUE(absl::StrContains(challenge, "error=\"insufficient_scope\"")) << challenge;
  EXPECT_TRUE(absl::StrContains(challenge, "ask for a token for this resource")) << challenge;
  EXPECT_TRUE(absl::StrContains(challenge, "scope=\"mail:read\"")) << challenge;
}

TEST_F(TransportTest, ABatchThatLacksScopesIsRefusedAsAWholeBeforeAnythingIsRun) {
  contents_.tools[0].required_scopes = {{"mail:send"}};
  catalog_.Publish(contents_);
  const std::string batch = "[" + LegacyCall(1, "steps") + "," + LegacyCall(2, "guarded") + "," +
                            LegacyCall(3, "plain") + R"(,{"jsonrpc":"2.0","method":"notifications/x"}])";
  const Headers session = Session("2025-03-26", "alice/mail.read");
  const auto refused = Post(batch, session);
  EXPECT_EQ(refused->status, 403);
  EXPECT_TRUE(absl::StrContains(refused->get_header_value("WWW-Authenticate"), "scope=\"mail:send mail:read\""));
  EXPECT_TRUE(service_->Calls().empty());
  Headers more = session;
  more.erase("Authorization");
  more.emplace("Authorization", "Bearer alice/mail.read+mail.send");
  EXPECT_EQ(Post(batch, more)->status, 200);
  EXPECT_EQ(service_->Calls().size(), 3u);
}

TEST_F(TransportTest, ForeignNamesAre403BeforeAnythingElse) {
  for (const Headers& headers : {Headers{{"Host", "evil.example.com"}}, Headers{{"Origin", "http://evil.example.com"}},
                                 Headers{{"Origin", "null"}}}) {
    EXPECT_EQ(Client().Post("/mcp", headers, "{}", "application/json")->status, 403);
    EXPECT_EQ(Client().Get("/nowhere", headers)->status, 403);
  }
  EXPECT_EQ(Client().Get("/.well-known/oauth-protected-resource", {{"Origin", "http://other.example.com"}})->status,
            200);
}

TEST_F(TransportTest, AnyPageMayRegisterAClientWithoutCredentials) {
  const Headers foreign = {{"Origin", "http://other.example.com"}};
  const auto registered = Client().Post("/register", foreign, "{}", "application/json");
  EXPECT_EQ(registered->status, 503);  // the provider is away, but the origin is no obstacle
  EXPECT_EQ(registered->get_header_value("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(registered->get_header_value("Access-Control-Allow-Credentials"), "");
  EXPECT_EQ(registered->get_header_value("Access-Control-Expose-Headers"), "WWW-Authenticate, Retry-After");
  const auto preflight = Client().Options("/register", foreign);
  EXPECT_EQ(preflight->status, 204);
  EXPECT_EQ(preflight->get_header_value("Access-Control-Allow-Methods"), "POST, OPTIONS");
  EXPECT_EQ(Client().Get("/register")->status, 405);
  EXPECT_EQ(Client().Post("/register", {{"Host", "evil.example.com"}}, "{}", "application/json")->status, 403);
}

TEST_F(TransportTest, BrowsersAreToldWhatTheyMaySend) {
  const auto preflight = Client().Options(
      "/mcp", {{"Origin", "http://localhost:5173"},
               {"Access-Control-Request-Headers", "authorization, mcp-param-region, x-evil, mcp-param-\"bad"}});
  EXPECT_EQ(preflight->status, 204);
  EXPECT_EQ(preflight->get_header_value("Access-Control-Allow-Origin"), "http://localhost:5173");
  const std::string allowed = preflight->get_header_value("Access-Control-Allow-Headers");
  EXPECT_TRUE(absl::StrContains(allowed, "Mcp-Session-Id"));
  EXPECT_TRUE(absl::StrContains(allowed, "mcp-param-region"));
  EXPECT_FALSE(absl::StrContains(allowed, "x-evil"));
  EXPECT_FALSE(absl::StrContains(allowed, "bad"));
  const auto challenge = Client().Post("/mcp", {{"Origin", "http://localhost:5173"}}, "{}", "application/json");
  EXPECT_EQ(challenge->status, 401);
  EXPECT_TRUE(absl::StrContains(challenge->get_header_value("Access-Control-Expose-Headers"), "WWW-Authenticate"));
  Headers headers = Modern("tools/call", "guarded");
  headers.emplace("Origin", "http://localhost:5173");
  const auto step_up = Post(ModernBody("tools/call", R"("name":"guarded")"), headers);
  EXPECT_EQ(step_up->status, 403);
  EXPECT_EQ(step_up->get_header_value("Access-Control-Allow-Origin"), "http://localhost:5173");
  EXPECT_TRUE(absl::StrContains(step_up->get_header_value("Access-Control-Expose-Headers"), "WWW-Authenticate"));
  const auto document =
      Client().Options("/.well-known/oauth-protected-resource/mcp", {{"Origin", "http://any.example.com"}});
  EXPECT_EQ(document->status, 204);
  EXPECT_EQ(document->get_header_value("Access-Control-Allow-Origin"), "*");
}

TEST_F(TransportTest, DocumentsNameTheirResource) {
  for (const auto& [path, resource] :
       std::map<std::string, std::string>{{"", "/mcp"}, {"/mcp", "/mcp"}, {"/sse", "/sse"}}) {
    const auto result = Client().Get("/.well-known/oauth-protected-resource" + path);
    EXPECT_EQ(Body(result)["resource"], "http://mcp.example.com" + resource);
    EXPECT_EQ(result->get_header_value("Access-Control-Allow-Origin"), "*");
  }
  EXPECT_EQ(Client().Get("/.well-known/oauth-authorization-server")->status, 404);
}

TEST_F(TransportTest, BadBodiesHaveTheirStatus) {
  const auto status = [&](const std::string& body) { return Post(body, {})->status; };
  EXPECT_EQ(status("nope"), 400);
  EXPECT_EQ(status("{\"a\":\"\xff\"}"), 400);
  EXPECT_EQ(status(std::string(10'000, '[')), 400);
  EXPECT_EQ(status(R"({"jsonrpc":"2.0","id":1,"id":2,"method":"ping"})"), 400);
  EXPECT_EQ(status(""), 400);
  EXPECT_EQ(status(std::string(kMaxBody + 1, ' ')), 413);
  EXPECT_EQ(Client().Post("/mcp", {{"Authorization", "Bearer alice"}}, "{}", "text/plain")->status, 415);
  EXPECT_EQ(Post("{}", {{"Accept", "text/html"}})->status, 406);
  EXPECT_EQ(Client().Put("/mcp", "{}", "application/json")->status, 405);
  EXPECT_EQ(Client().Post("/sse", "{}", "application/json")->status, 405);
  EXPECT_EQ(Client().Get("/nowhere")->status, 404);
}

TEST_F(TransportTest, StreamsAreCountedByPrincipal) {
  std::vector<std::thread> readers;
  std::vector<std::unique_ptr<httplib::Client>> clients;
  absl::BlockingCounter open(2);
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<httplib::Client>("127.0.0.1", server_->port()));
    readers.emplace_back([&, client = clients.back().get()] {
      bool counted = false;
      client->Get("/sse", {{"Authorization", "Bearer alice"}}, [&](const char*, size_t) {
        if (!std::exchange(counted, true)) open.DecrementCount();
        return true;
      });
    });
  }
  open.Wait();
  EXPECT_EQ(Client().Get("/sse", {{"Authorization", "Bearer alice"}})->status, 429);
  sse_.CloseAll();
  for (std::thread& reader : readers) reader.join();
}

TEST_F(TransportTest, RequestsOverTheBoundGet503) {
  std::vector<std::thread> callers;
  const Headers session = Session("2025-11-25");
  const Headers other = Session("2025-11-25", "bob");
  ASSERT_TRUE(admission_.AwaitNoRequests(absl::Now() + absl::Seconds(20)));  // their places are free again
  for (int i = 0; i < 12; ++i) {
    callers.emplace_back([&, i] {
      Post(absl::StrCat(R"({"jsonrpc":"2.0","id":)", i + 1, R"(,"method":"tools/call","params":{"name":"hang"}})"),
           i < 8 ? session : other);
    });
  }
  ASSERT_TRUE(service_->WaitForCalls(12));
  const auto refused = ModernCall("plain");
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "1");
  sessions_.CloseAll();
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace mcp_edge
