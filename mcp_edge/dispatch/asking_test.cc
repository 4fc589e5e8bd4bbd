// What becomes of a tool's questions to the client, in each era.

#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "mcp_edge/dispatch/testing/dispatcher_fixture.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

constexpr char kForm[] =
    R"({"message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}})";
constexpr char kSampling[] =
    R"({"messages":[{"role":"user","content":{"type":"text","text":"Capital?"}}],"maxTokens":10})";
constexpr char kUrl[] = R"({"mode":"url","message":"Sign in","url":"https://example.com/sign-in"})";

void AddQuestion(const char* key, const char* method, const char* params, tool::InputRequired& asked) {
  tool::InputRequest& request = (*asked.mutable_requests())[key];
  request.set_method(method);
  request.set_params_json(params);
}

FakeCallScript Asks(const std::function<void(tool::InputRequired&)>& fill) {
  tool::CallToolEvent event;
  fill(*event.mutable_input_required());
  return FakeCallScript{{event}};
}

FakeCallScript AsksWho(const char* state = "") {
  return Asks([&](tool::InputRequired& asked) {
    AddQuestion("who", "elicitation/create", kForm, asked);
    asked.set_state(state);
  });
}

class AskingTest : public DispatcherFixture {
 protected:
  static constexpr char kCall[] = R"({"name":"p.t","arguments":{"n":1}})";

  // The tool asks until it has answers, then says them.
  void AskOnce(FakeCallScript question) {
    service_->OnCall([question = std::move(question)](const tool::CallToolRequest& request) {
      if (request.input_responses_json().empty() && request.request_state().empty()) return question;
      std::string said = request.request_state();
      for (const auto& [key, json] : request.input_responses_json()) absl::StrAppend(&said, " ", key, "=", json);
      return FakeCallScript{{TextResult(said)}};
    });
  }

  static std::string Said(const Json& response) { return response["result"]["content"][0]["text"]; }

  // A call again, with the members `rest`.
  static std::string Again(absl::string_view rest, absl::string_view name = "p.t",
                           absl::string_view arguments = R"({"n":1})") {
    return absl::StrCat(R"({"name":")", name, R"(","arguments":)", arguments, ",", rest, "}");
  }

  std::string StateOf(const Json& response) { return response["result"]["requestState"]; }
};

// --- 2026-07-28

TEST_F(AskingTest, ModernClientsAreGivenTheQuestionsAndASealedState) {
  Declare(R"({"elicitation":{}})");
  AskOnce(AsksWho("secret state"));
  const Json first = Response("tools/call", kCall, kModern);
  EXPECT_EQ(first["result"]["resultType"], "input_required");
  EXPECT_EQ(first["result"]["inputRequests"]["who"]["method"], "elicitation/create");
  EXPECT_EQ(first.dump().find("secret"), std::string::npos);
  const Json second = Response(
      "tools/call",
      Again(absl::StrCat(R"("inputResponses":{"who":{"action":"accept","content":{"name":"Al"}}},"requestState":")",
                         StateOf(first), "\"")),
      kModern);
  EXPECT_EQ(second["result"]["resultType"], "complete");
  EXPECT_EQ(Said(second), R"(secret state who={"action":"accept","content":{"name":"Al"}})");
}

TEST_F(AskingTest, AStateIsGoodForOneCallerToolAndSetOfArguments) {
  Declare(R"({"elicitation":{}})");
  AskOnce(AsksWho("s"));
  const std::string state = StateOf(Response("tools/call", kCall, kModern));
  const auto call = [&](absl::string_view sealed, absl::string_view arguments) {
    return Code(
        Response("tools/call", Again(absl::StrCat(R"("requestState":")", sealed, "\""), "p.t", arguments), kModern));
  };
  EXPECT_EQ(call(state, R"({"n":1})"), 0);
  EXPECT_EQ(call(state, R"({ "n" : 1 })"), 0);
  EXPECT_EQ(call(state, R"({"n":2})"), -32602);
  EXPECT_EQ(call(state, "{}"), -32602);
  const std::string large = StateOf(Response("tools/call", R"({"name":"p.t","arguments":{"n":1E22}})", kModern));
  EXPECT_EQ(call(large, R"({"n":1E22})"), 0);
  EXPECT_EQ(call(large, R"({"n":10000000000000000000001})"), -32602);  // the same as a double
  EXPECT_EQ(call(state + "-TAMPERED", R"({"n":1})"), -32602);
  EXPECT_EQ(call("", R"({"n":1})"), -32602);
  EXPECT_EQ(
      Code(Response("prompts/get",
                    absl::StrCat(R"({"name":"p.q","arguments":{"a":"1"},"requestState":")", state, "\"}"), kModern)),
      -32602);
  principal_ = MakePrincipal("mallory");
  EXPECT_EQ(call(state, R"({"n":1})"), -32602);
  principal_ = MakePrincipal("alice");
  clock_.Advance(absl::Minutes(61));
  EXPECT_EQ(call(state, R"({"n":1})"), -32602);
}

TEST_F(AskingTest, AnswersNeedNoStateAndUnknownKeysPass) {
  Declare(R"({"elicitation":{}})");
  AskOnce(AsksWho());
  const Json first = Response("tools/call", kCall, kModern);
  EXPECT_FALSE(first["result"].contains("requestState"));
  EXPECT_EQ(Said(Response("tools/call", Again(R"("inputResponses":{"other":{"x": 1}})"), kModern)),
            R"( other={"x": 1})");
}

TEST_F(AskingTest, MalformedAnswersAreInvalidParams) {
  Declare(R"({"elicitation":{}})");
  AskOnce(AsksWho());
  for (const char* rest : {R"("inputResponses":null)", R"("inputResponses":[])", R"("inputResponses":{"who":12345})",
                           R"("inputResponses":{"who":null})", R"("requestState":5)", R"("requestState":null)"}) {
    const auto steps = Run("tools/call", Again(rest), kModern);
    EXPECT_EQ(Code(Read(steps.back())), -32602) << rest;
    EXPECT_EQ(steps.back().error, WireErrorKind::kInvalidParams);
  }
  EXPECT_TRUE(service_->Calls().empty());
}

TEST_F(AskingTest, LegacyClientsHaveNoAnswersToGive) {
  AskOnce(FakeCallScript{{TextResult("plain")}});
  EXPECT_EQ(Said(Response("tools/call", Again(R"("inputResponses":5,"requestState":7)"), kLegacy)), "plain");
}

TEST_F(AskingTest, ModernClientsThatDidNotDeclareItAreToldWhatIsMissing) {
  AskOnce(AsksWho("s"));
  for (const char* declared : {"{}", R"({"sampling":{}})", R"({"elicitation":{"url":{}}})"}) {
    Declare(declared);
    const auto steps = Run("tools/call", kCall, kModern);
    const Json response = Read(steps.back());
    EXPECT_EQ(Code(response), -32021) << declared;
    EXPECT_TRUE(response["error"]["data"]["requiredCapabilities"]["elicitation"].contains("form"));
    EXPECT_EQ(steps.back().error, WireErrorKind::kMissingClientCapability);
  }
}

TEST_F(AskingTest, AStateAloneLetsTheClientTryAgain) {
  AskOnce(Asks([](tool::InputRequired& asked) { asked.set_state("later"); }));
  const Json first = Response("tools/call", kCall, kModern);
  EXPECT_EQ(first["result"]["resultType"], "input_required");
  EXPECT_FALSE(first["result"].contains("inputRequests"));
  EXPECT_EQ(Said(Response("tools/call", Again(absl::StrCat(R"("requestState":")", StateOf(first), "\"")), kModern)),
            "later");
}

TEST_F(AskingTest, PromptsAndResourcesAskLikeTools) {
  Declare(R"({"elicitation":{}})");
  service_->OnGetPrompt([](const tool::GetPromptRequest& request) {
    FakeUnaryScript<tool::GetPromptResponse> script;
    if (request.input_responses_json().empty()) {
      AddQuestion("who", "elicitation/create", kForm, *script.response.mutable_input_required());
      script.response.mutable_input_required()->set_state("s");
    } else {
      script.response.mutable_result()->set_description(request.request_state());
    }
    return script;
  });
  service_->OnReadResource([](const tool::ReadResourceRequest& request) {
    FakeUnaryScript<tool::ReadResourceResponse> script;
    if (request.request_state().empty()) {
      script.response.mutable_input_required()->set_state("s");
    } else {
      script.response.mutable_result()->add_contents()->set_text(request.request_state());
      script.response.mutable_result()->mutable_cache_hint()->mutable_ttl()->set_seconds(9);
    }
    return script;
  });
  Json first = Response("prompts/get", R"({"name":"p.q","arguments":{"a":"1"}})", kModern);
  EXPECT_EQ(first["result"]["resultType"], "input_required");
  const Json prompt = Response(
      "prompts/get",
      absl::StrCat(
          R"({"name":"p.q","arguments":{"a":"1"},"inputResponses":{"who":{"action":"cancel"}},"requestState":")",
          StateOf(first), "\"}"),
      kModern);
  EXPECT_EQ(prompt["result"]["description"], "s");
  first = Response("resources/read", R"({"uri":"test://r"})", kModern);
  EXPECT_EQ(first["result"]["resultType"], "input_required");
  EXPECT_FALSE(first["result"].contains("ttlMs"));
  const Json resource =
      Response("resources/read", absl::StrCat(R"({"uri":"test://r","requestState":")", StateOf(first), "\"}"), kModern);
  EXPECT_EQ(resource["result"]["contents"][0]["text"], "s");
  EXPECT_EQ(resource["result"]["ttlMs"], 0);
  EXPECT_EQ(resource["result"]["cacheScope"], "private");
}

TEST_F(AskingTest, QuestionsThatBreakTheContractAreInternalErrors) {
  Declare(R"({"elicitation":{},"sampling":{},"roots":{}})");
  const std::vector<std::function<void(tool::InputRequired&)>> broken = {
      [](tool::InputRequired&) {},
      [](tool::InputRequired& asked) { AddQuestion("k", "ping", "{}", asked); },
      [](tool::InputRequired& asked) { AddQuestion("k", "elicitation/create", "{", asked); },
      [](tool::InputRequired& asked) { AddQuestion("k", "elicitation/create", "{}", asked); },
      [](tool::InputRequired& asked) { AddQuestion("", "roots/list", "{}", asked); },
      [](tool::InputRequired& asked) { asked.set_state(std::string((64 << 10) + 1, 'x')); },
      [](tool::InputRequired& asked) {
        for (int i = 0; i < 200; ++i) AddQuestion(std::to_string(i).c_str(), "roots/list", "{}", asked);
      },
      [](tool::InputRequired& asked) {
        const std::string half = absl::StrCat("{\"x\":\"", std::string(128 << 10, 'x'), "\"}");
        for (const char* key : {"a", "b"}) AddQuestion(key, "roots/list", half.c_str(), asked);
      },
  };
  for (size_t i = 0; i < broken.size(); ++i) {
    AskOnce(Asks(broken[i]));
    for (const ProtocolVersion version : {kModern, kLegacy}) {
      EXPECT_EQ(Code(Response("tools/call", kCall, version)), -32603) << i;
    }
  }
}

// --- with a handshake

TEST_F(AskingTest, ClientsWithAHandshakeAreAskedOnTheStream) {
  Declare(R"({"elicitation":{}})");
  AskOnce(AsksWho("state"));
  const auto exchange = Start("tools/call", kCall, kLegacy);
  const Step step = exchange->Next();
  EXPECT_FALSE(step.last);
  const Json request = Read(step);
  EXPECT_EQ(request["method"], "elicitation/create");
  EXPECT_EQ(request["params"]["message"], "Who?");
  EXPECT_FALSE(exchange->Wait(absl::Now() + absl::Milliseconds(20)));
  EXPECT_TRUE(session_.client_requests().Deliver(request["id"].dump(),
                                                 {R"({"action":"accept","content":{"name":"Al"}})", 0, ""}));
  EXPECT_TRUE(exchange->Wait(absl::Now() + absl::Seconds(30)));
  EXPECT_EQ(Said(Read(exchange->Next())), R"(state who={"action":"accept","content":{"name":"Al"}})");
  EXPECT_EQ(service_->Calls().at(1).request.arguments_json(), R"({"n":1})");
}

TEST_F(AskingTest, SeveralQuestionsAreAskedAtOnceAndAnsweredInAnyOrder) {
  Declare(R"({"elicitation":{},"sampling":{},"roots":{}})");
  AskOnce(Asks([](tool::InputRequired& asked) {
    AddQuestion("a", "elicitation/create", kForm, asked);
    AddQuestion("b", "sampling/createMessage", kSampling, asked);
    AddQuestion("c", "roots/list", "", asked);
  }));
  const auto exchange = Start("tools/call", kCall, kLegacy);
  std::vector<std::string> ids;
  for (const char* method : {"elicitation/create", "sampling/createMessage", "roots/list"}) {
    const Json request = Read(exchange->Next());
    EXPECT_EQ(request["method"], method);
    ids.push_back(request["id"].dump());
  }
  std::thread client([&] {
    session_.client_requests().Deliver(ids[2], {R"({"roots":[]})", 0, ""});
    session_.client_requests().Deliver(ids[0], {"", -1, "closed"});
    session_.client_requests().Deliver(
        ids[1], {R"({"role":"assistant","content":{"type":"text","text":"Paris"},"model":"m"})", 0, ""});
  });
  const std::string said = Said(Read(exchange->Next()));
  client.join();
  EXPECT_TRUE(absl::StrContains(said, R"(a={"action":"cancel"})")) << said;
  EXPECT_TRUE(absl::StrContains(said, "Paris")) << said;
  EXPECT_TRUE(absl::StrContains(said, R"(c={"roots":[]})")) << said;
}

TEST_F(AskingTest, WhatCannotBeAskedIsAToolErrorThatSaysWhatIsMissing) {
  AskOnce(AsksWho("s"));
  const auto text = [&](ProtocolVersion version) {
    const Json response = Response("tools/call", kCall, version);
    EXPECT_EQ(response["result"]["isError"], true) << response;
    return Said(response);
  };
  EXPECT_TRUE(absl::StrContains(text(kLegacy), "elicitation"));
  Declare(R"({"elicitation":{}})");
  EXPECT_TRUE(absl::StrContains(text(ProtocolVersion::k2025_03_26), "2025-03-26"));
  EXPECT_TRUE(absl::StrContains(text(ProtocolVersion::k2024_11_05), "2024-11-05"));
  can_stream_ = false;
  EXPECT_TRUE(absl::StrContains(text(kLegacy), "text/event-stream"));
  service_->OnGetPrompt([](const tool::GetPromptRequest&) {
    FakeUnaryScript<tool::GetPromptResponse> script;
    AddQuestion("who", "elicitation/create", kForm, *script.response.mutable_input_required());
    return script;
  });
  EXPECT_EQ(Code(Response("prompts/get", R"({"name":"p.q","arguments":{"a":"1"}})", kLegacy)), -32603);
}

TEST_F(AskingTest, WhatTheClientCannotDoIsSaidBeforeTheQuestionIsLookedAt) {
  AskOnce(Asks([](tool::InputRequired& asked) { AddQuestion("k", "elicitation/create", "{", asked); }));
  EXPECT_EQ(Code(Response("tools/call", kCall, kModern)), -32021);
  const Json response = Response("tools/call", kCall, kLegacy);
  EXPECT_EQ(response["result"]["isError"], true) << response;
}

TEST_F(AskingTest, UnusableAnswersAreToolErrors) {
  Declare(R"({"elicitation":{},"sampling":{}})");
  const auto answer = [&](FakeCallScript question, ClientAnswer answer) {
    AskOnce(std::move(question));
    const auto exchange = Start("tools/call", kCall, kLegacy);
    session_.client_requests().Deliver(Read(exchange->Next())["id"].dump(), std::move(answer));
    const Json response = Read(exchange->Next());
    EXPECT_EQ(response["result"]["isError"], true) << response;
    return Said(response);
  };
  EXPECT_TRUE(absl::StrContains(answer(AsksWho(), {"[]", 0, ""}), "elicitation/create"));
  EXPECT_TRUE(absl::StrContains(answer(AsksWho(), {R"({"action":"perhaps"})", 0, ""}), "action"));
  const auto sampling =
      Asks([](tool::InputRequired& asked) { AddQuestion("s", "sampling/createMessage", kSampling, asked); });
  EXPECT_TRUE(absl::StrContains(answer(sampling, {"", -1, "User rejected sampling"}), "User rejected sampling"));
  EXPECT_TRUE(absl::StrContains(answer(sampling, {R"({"role":"x"})", 0, ""}), "model"));
  EXPECT_EQ(service_->Calls().size(), 4);  // no second round
}

TEST_F(AskingTest, AnAnswerThatDoesNotComeInTimeIsAToolErrorAndTheQuestionIsTakenBack) {
  options_.client_answer_timeout = absl::Milliseconds(30);
  Declare(R"({"elicitation":{}})");
  AskOnce(AsksWho());
  const auto exchange = Start("tools/call", kCall, kLegacy);
  const Json request = Read(exchange->Next());
  const Json cancelled = Read(exchange->Next());
  EXPECT_EQ(cancelled["method"], "notifications/cancelled");
  EXPECT_EQ(cancelled["params"]["requestId"], request["id"]);
  const Step last = exchange->Next();
  EXPECT_TRUE(last.last);
  EXPECT_EQ(Read(last)["result"]["isError"], true);
  EXPECT_FALSE(session_.client_requests().Deliver(request["id"].dump(), {"{}", 0, ""}));
}

TEST_F(AskingTest, ACancelledRequestTakesItsQuestionBack) {
  Declare(R"({"elicitation":{}})");
  AskOnce(AsksWho());
  const auto exchange = Start("tools/call", kCall, kLegacy);
  const Json request = Read(exchange->Next());
  std::thread canceller([&] { exchange->Cancel(); });
  EXPECT_EQ(Read(exchange->Next())["method"], "notifications/cancelled");
  EXPECT_EQ(exchange->Next().error, WireErrorKind::kCancelled);
  canceller.join();
  EXPECT_FALSE(session_.client_requests().Deliver(request["id"].dump(), {"{}", 0, ""}));
}

TEST_F(AskingTest, NobodyWaitsForAnswersOfAnExchangeThatIsGone) {
  Declare(R"({"elicitation":{}})");
  AskOnce(AsksWho());
  auto exchange = Start("tools/call", kCall, kLegacy);
  const Json request = Read(exchange->Next());
  exchange.reset();
  EXPECT_FALSE(session_.client_requests().Deliver(request["id"].dump(), {"{}", 0, ""}));
}

TEST_F(AskingTest, AToolThatAsksForeverIsGivenUp) {
  Declare(R"({"roots":{}})");
  service_->OnCall([](const tool::CallToolRequest&) {
    return Asks([](tool::InputRequired& asked) { AddQuestion("r", "roots/list", "", asked); });
  });
  const auto exchange = Start("tools/call", kCall, kLegacy);
  Step step = exchange->Next();
  int asked = 0;
  for (; !step.last; step = exchange->Next()) {
    ++asked;
    session_.client_requests().Deliver(Read(step)["id"].dump(), {R"({"roots":[]})", 0, ""});
  }
  EXPECT_EQ(asked, RoundExchange::kMaxRounds);
  EXPECT_EQ(Read(step)["result"]["isError"], true);
}

TEST_F(AskingTest, AStateAloneIsCalledAgainAfterAPause) {
  AskOnce(Asks([](tool::InputRequired& asked) { asked.set_state("later"); }));
  const auto exchange = Start("tools/call", kCall, kLegacy);
  EXPECT_FALSE(exchange->Wait(absl::Now() + absl::Milliseconds(20)));
  EXPECT_EQ(Said(Read(exchange->Next())), "later");
}

TEST_F(AskingTest, APageIsARequestOrAnErrorWhereThereIsNoStream) {
  Declare(R"({"elicitation":{"url":{}}})");
  AskOnce(Asks([](tool::InputRequired& asked) { AddQuestion("u", "elicitation/create", kUrl, asked); }));
  const auto exchange = Start("tools/call", kCall, kLegacy);
  const Json request = Read(exchange->Next());
  EXPECT_EQ(request["params"]["mode"], "url");
  EXPECT_FALSE(request["params"]["elicitationId"].get<std::string>().empty());
  can_stream_ = false;
  const Json error = Response("tools/call", kCall, kLegacy);
  EXPECT_EQ(Code(error), -32042);
  EXPECT_EQ(error["error"]["data"]["elicitations"][0]["url"], "https://example.com/sign-in");
  EXPECT_FALSE(
      Response("tools/call", kCall, kModern)["result"]["inputRequests"]["u"]["params"].contains("elicitationId"));
}

TEST_F(AskingTest, ProgressGrowsOverAllRounds) {
  Declare(R"({"roots":{}})");
  service_->OnCall([](const tool::CallToolRequest& request) {
    if (!request.input_responses_json().empty()) {
      return FakeCallScript{{ProgressEvent(1), ProgressEvent(3), TextResult("done")}};
    }
    FakeCallScript script = Asks([](tool::InputRequired& asked) { AddQuestion("r", "roots/list", "", asked); });
    script.events.insert(script.events.begin(), ProgressEvent(2));
    return script;
  });
  const auto exchange = Start("tools/call", R"({"name":"p.t","arguments":{},"_meta":{"progressToken":7}})", kLegacy);
  EXPECT_EQ(Read(exchange->Next())["params"]["progress"], 2);
  session_.client_requests().Deliver(Read(exchange->Next())["id"].dump(), {R"({"roots":[]})", 0, ""});
  EXPECT_EQ(Read(exchange->Next())["params"]["progress"], 3);
  EXPECT_EQ(Said(Read(exchange->Next())), "done");
}

}  // namespace
}  // namespace mcp_edge
