#include "mcp_edge/protocol/client_question.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

using nlohmann::json;
using Version = ProtocolVersion;
namespace tool = gatehouse::tool::v1;

constexpr char kForm[] = R"({"message":"Who?","requestedSchema":{"type":"object","properties":{
  "zip":{"type":"string","default":"1","minLength":1},
  "kind":{"type":"string","oneOf":[{"const":"a","title":"Alpha"},{"const":"b","title":"Beta"}],"default":"a"},
  "many":{"type":"array","items":{"type":"string","enum":["x","y"]}},
  "ok":{"type":"boolean","default":true}},"required":["zip","many"]}})";
constexpr char kUrl[] = R"({"mode":"url","message":"Sign in","url":"https://example.com/","elicitationId":"tool's"})";

absl::StatusOr<std::string> Elicit(absl::string_view params, Version version) {
  return RenderClientRequest("elicitation/create", params, version, "e1");
}

absl::StatusOr<std::string> Sample(absl::string_view params, Version version) {
  return RenderClientRequest("sampling/createMessage", params, version, "");
}

TEST(ClientQuestionTest, FormsKeepTheirOrderAndEverythingInRichVersions) {
  for (const Version version : {Version::k2025_11_25, Version::k2026_07_28}) {
    EXPECT_EQ(*Elicit(kForm, version), *CompactJson(kForm));
  }
}

TEST(ClientQuestionTest, FormsOf20250618AreInItsWords) {
  EXPECT_EQ(
      *Elicit(kForm, Version::k2025_06_18),
      R"({"message":"Who?","requestedSchema":{"type":"object","properties":{"zip":{"type":"string","minLength":1},)"
      R"("kind":{"type":"string","enum":["a","b"],"enumNames":["Alpha","Beta"]},)"
      R"("ok":{"type":"boolean","default":true}},"required":["zip"]}})");
}

TEST(ClientQuestionTest, AFormOfWhichNothingIsLeftCannotBeAsked) {
  constexpr absl::string_view kChoices =
      R"({"message":"m","requestedSchema":{"type":"object","properties":{"many":{"type":"array","items":{}}}}})";
  EXPECT_EQ(Elicit(kChoices, Version::k2025_06_18).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(
      Elicit(R"({"message":"m","requestedSchema":{"type":"object","properties":{}}})", Version::k2025_06_18).ok());
}

TEST(ClientQuestionTest, OlderVersionsCannotAskTheUser) {
  for (const Version version : {Version::k2024_11_05, Version::k2025_03_26}) {
    const absl::Status status = Elicit(kForm, version).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  }
  EXPECT_EQ(Elicit(kUrl, Version::k2025_06_18).status().code(), absl::StatusCode::kUnimplemented);
}

TEST(ClientQuestionTest, UrlsHaveTheEdgesIdInOneVersionOnly) {
  EXPECT_EQ(*Elicit(kUrl, Version::k2025_11_25),
            R"({"mode":"url","message":"Sign in","url":"https://example.com/","elicitationId":"e1"})");
  EXPECT_EQ(*Elicit(kUrl, Version::k2026_07_28), R"({"mode":"url","message":"Sign in","url":"https://example.com/"})");
}

TEST(ClientQuestionTest, NoObjectHasMoreMembersThanAreQuicklyLookedAt) {
  const auto form = [](int fields, const char* around) {
    std::string properties;
    for (int i = 0; i < fields; ++i) {
      absl::StrAppend(&properties, i == 0 ? "" : ",", "\"f", i, "\":{\"type\":\"string\"}");
    }
    return absl::Substitute(around, properties);
  };
  constexpr char kFields[] = R"({"message":"m","requestedSchema":{"type":"object","properties":{$0}}})";
  constexpr char kWithinArray[] =
      R"({"message":"m","x":[[{$0}]],"requestedSchema":{"type":"object","properties":{"a":{"type":"string"}}}})";
  for (const char* around : {kFields, kWithinArray}) {
    EXPECT_TRUE(Elicit(form(256, around), Version::k2025_11_25).ok());
    const absl::Status status = Elicit(form(257, around), Version::k2025_11_25).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  }
}

TEST(ClientQuestionTest, WhatMcpDoesNotKnowIsTheServicesFault) {
  for (const char* params :
       {"[]", "{", "{}", R"({"message":"m"})", R"({"message":"m","mode":"other"})", R"({"message":"m","mode":"url"})",
        R"({"message":"m","requestedSchema":{"type":"object"}})",
        R"({"message":"m","requestedSchema":{"type":"object","properties":{"a":{"type":"object"}}}})",
        R"({"message":"m","requestedSchema":{"type":"object","properties":{"a":1}}})"}) {
    EXPECT_EQ(Elicit(params, Version::k2025_11_25).status().code(), absl::StatusCode::kInternal) << params;
  }
  for (const char* params : {"{}", R"({"messages":[],"maxTokens":"1"})", R"({"messages":[1],"maxTokens":1})",
                             R"({"messages":[{"role":"user","content":{}}],"maxTokens":1})",
                             R"({"messages":[{"role":"system","content":{"type":"text","text":""}}],"maxTokens":1})"}) {
    EXPECT_EQ(Sample(params, Version::k2025_11_25).status().code(), absl::StatusCode::kInternal) << params;
  }
  EXPECT_EQ(RenderClientRequest("ping", "", Version::k2025_11_25, "").status().code(), absl::StatusCode::kInternal);
}

TEST(ClientQuestionTest, SamplingHasOneBlockAMessageInOldVersions) {
  const std::string params =
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],"maxTokens":5})";
  EXPECT_EQ(*Sample(params, Version::k2025_11_25), params);
  EXPECT_EQ(*Sample(params, Version::k2024_11_05),
            R"({"messages":[{"role":"user","content":{"type":"text","text":"a"}},)"
            R"({"role":"user","content":{"type":"text","text":"b"}}],"maxTokens":5})");
}

TEST(ClientQuestionTest, SamplingIsRefusedWhereTheVersionHasNoWordForIt) {
  const std::string tools = R"({"messages":[],"maxTokens":5,"tools":[]})";
  EXPECT_EQ(Sample(tools, Version::k2025_06_18).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(Sample(tools, Version::k2025_11_25).ok());
  const std::string audio =
      R"({"messages":[{"role":"user","content":{"type":"audio","data":"","mimeType":"audio/wav"}}],"maxTokens":5})";
  EXPECT_EQ(Sample(audio, Version::k2024_11_05).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(Sample(audio, Version::k2025_03_26).ok());
}

TEST(ClientQuestionTest, OtherServersContextsAreNotAskedFor) {
  EXPECT_EQ(*Sample(R"({"messages":[],"maxTokens":5,"includeContext":"allServers","task":{}})", Version::k2025_11_25),
            R"({"messages":[],"maxTokens":5})");
}

TEST(ClientQuestionTest, RootsHaveNoParams) {
  EXPECT_EQ(*RenderClientRequest("roots/list", "", Version::k2024_11_05, ""), "{}");
}

TEST(ClientQuestionTest, InputRequiredHasTheQuestionsInOrderAndTheState) {
  tool::InputRequired questions;
  (*questions.mutable_requests())["b"].set_method("roots/list");
  (*questions.mutable_requests())["a"].set_method("elicitation/create");
  (*questions.mutable_requests())["a"].set_params_json(kUrl);
  const std::string text = *RenderInputRequiredResult(questions, "sealed");
  EXPECT_EQ(text.find(R"({"inputRequests":{"a":{"method":"elicitation/create","params":{"mode":"url")"), 0) << text;
  const json result = *ReadJson(text);
  EXPECT_EQ(result["inputRequests"]["b"], json({{"method", "roots/list"}, {"params", json::object()}}));
  EXPECT_EQ(result["requestState"], "sealed");
  EXPECT_EQ(result["resultType"], "input_required");
  EXPECT_FALSE(result.contains("ttlMs"));
  EXPECT_TRUE(result["_meta"].contains("io.modelcontextprotocol/serverInfo"));
}

TEST(ClientQuestionTest, AStateAloneIsEnoughAndNothingIsNot) {
  const json result = *ReadJson(*RenderInputRequiredResult({}, "s"));
  EXPECT_FALSE(result.contains("inputRequests"));
  EXPECT_EQ(RenderInputRequiredResult({}, "").status().code(), absl::StatusCode::kInternal);
}

TEST(ClientQuestionTest, MissingCapabilitiesAreNamedTogether) {
  tool::InputRequired questions;
  (*questions.mutable_requests())["1"].set_method("elicitation/create");
  (*questions.mutable_requests())["1"].set_params_json(kUrl);
  (*questions.mutable_requests())["2"].set_method("sampling/createMessage");
  (*questions.mutable_requests())["2"].set_params_json(R"({"tools":[]})");
  (*questions.mutable_requests())["3"].set_method("roots/list");
  EXPECT_EQ(MissingCapabilities(questions, {}), R"({"elicitation":{"url":{}},"sampling":{"tools":{}},"roots":{}})");
  EXPECT_EQ(MissingCapabilities(questions, {.elicitation_form = true, .sampling = true, .roots = true}),
            R"({"elicitation":{"url":{}},"sampling":{"tools":{}}})");
  EXPECT_EQ(MissingCapabilities(questions,
                                {.elicitation_url = true, .sampling = true, .sampling_tools = true, .roots = true}),
            "");
  (*questions.mutable_requests())["4"].set_method("elicitation/create");
  for (const char* unreadable : {"", "{", "[]", R"(["mode","url"])", R"({"mode":1})"}) {
    (*questions.mutable_requests())["4"].set_params_json(unreadable);
    (*questions.mutable_requests())["2"].set_params_json(unreadable);
    EXPECT_EQ(MissingCapabilities(questions, {.roots = true}), R"({"elicitation":{"form":{},"url":{}},"sampling":{}})");
  }
}

}  // namespace
}  // namespace mcp_edge
