#include "mcp_edge/protocol/request_meta.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

constexpr char kCall[] =
    R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","_meta":{)"
    R"("io.modelcontextprotocol/protocolVersion":"VERSION","io.modelcontextprotocol/clientCapabilities":{"a":{}},)"
    R"("io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"progressToken":7}}})";

// Keeps the text that a message points into.
struct Sent {
  explicit Sent(std::string body) : text(std::move(body)), message(ParseBody(text)->messages.at(0)) {}
  std::string text;
  Message message;
};

Sent Call(absl::string_view version) { return Sent(absl::StrReplaceAll(kCall, {{"VERSION", version}})); }

MirrorHeaders Headers(absl::string_view version, absl::string_view method = "tools/call",
                      absl::string_view name = "whoami") {
  return {{version, false}, {method, false}, {name, false}};
}

int CodeOf(const std::optional<RpcError>& error) { return error.has_value() ? WireErrorOf(error->kind).json_rpc : 0; }

TEST(RequestMetaTest, EraFollowsHeaderAndMeta) {
  const Sent plain(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  EXPECT_EQ(DecideEra({}, plain.message).era, Era::kLegacy);
  EXPECT_EQ(DecideEra(Headers("2025-06-18"), plain.message).era, Era::kLegacy);
  EXPECT_EQ(DecideEra(Headers("2026-07-28"), plain.message).era, Era::kModern);
  EXPECT_EQ(DecideEra({}, Call("2026-07-28").message).era, Era::kModern);
  EXPECT_EQ(DecideEra(Headers("2025-11-25"), Call("2025-11-25").message).era, Era::kLegacy);
  EXPECT_EQ(DecideEra(Headers("2025-11-25"), Call("2026-07-28").message).era, Era::kModern);
  EXPECT_EQ(CodeOf(DecideEra(Headers("1900-01-01"), plain.message).error), -32022);
  const Sent initialize(R"({"jsonrpc":"2.0","id":1,"method":"initialize"})");
  EXPECT_EQ(DecideEra(Headers("2027-01-01"), initialize.message).era, Era::kLegacy);
}

TEST(RequestMetaTest, AGoodModernCallPasses) {
  const Sent call = Call("2026-07-28");
  EXPECT_EQ(CheckModernEnvelope(Headers("2026-07-28"), call.message), std::nullopt);
  EXPECT_EQ(CheckMirroredName(Headers("2026-07-28"), call.message), std::nullopt);
}

TEST(RequestMetaTest, RequiredMetaIsMissedBeforeAnythingIsCompared) {
  const Sent bare(R"({"jsonrpc":"2.0","id":1,"method":"tools/call"})");
  EXPECT_EQ(CodeOf(CheckModernEnvelope(Headers("2026-07-28"), bare.message)), -32602);
  const Sent half(
      R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})");
  EXPECT_EQ(CodeOf(CheckModernEnvelope(Headers("2026-07-28"), half.message)), -32602);
}

TEST(RequestMetaTest, HeaderAndMetaAreComparedBeforeSupportIsAsked) {
  EXPECT_EQ(CodeOf(CheckModernEnvelope(Headers("2026-07-28"), Call("v999.0.0").message)), -32020);
  EXPECT_EQ(CodeOf(CheckModernEnvelope(Headers("2025-11-25"), Call("2026-07-28").message)), -32020);
  EXPECT_EQ(CodeOf(CheckModernEnvelope({}, Call("2026-07-28").message)), -32020);
  const auto error = CheckModernEnvelope(Headers("v999.0.0"), Call("v999.0.0").message);
  EXPECT_EQ(CodeOf(error), -32022);
  const auto data = ReadJson(error->data_json);
  EXPECT_EQ((*data)["requested"], "v999.0.0");
  EXPECT_EQ((*data)["supported"][0], "2026-07-28");
}

TEST(RequestMetaTest, MethodAndNameHeadersMustEqualTheBody) {
  const Sent call = Call("2026-07-28");
  EXPECT_EQ(CodeOf(CheckModernEnvelope(Headers("2026-07-28", "TOOLS/CALL"), call.message)), -32020);
  MirrorHeaders headers = Headers("2026-07-28");
  headers.method.value.reset();
  EXPECT_EQ(CodeOf(CheckModernEnvelope(headers, call.message)), -32020);
  EXPECT_EQ(CodeOf(CheckMirroredName(Headers("2026-07-28", "tools/call", "other"), call.message)), -32020);
  EXPECT_EQ(CheckMirroredName(Headers("2026-07-28", "tools/call", "=?base64?d2hvYW1p?="), call.message), std::nullopt);
  headers = Headers("2026-07-28");
  headers.name.value.reset();
  EXPECT_EQ(CodeOf(CheckMirroredName(headers, call.message)), -32020);
  headers = Headers("2026-07-28");
  headers.name.conflicting = true;
  EXPECT_EQ(CodeOf(CheckMirroredName(headers, call.message)), -32020);
}

TEST(RequestMetaTest, ANotificationNeedsOnlyTheVersion) {
  const Sent notification(R"({"jsonrpc":"2.0","method":"notifications/cancelled"})");
  MirrorHeaders headers;
  headers.protocol_version.value = "2026-07-28";
  EXPECT_EQ(CheckModernEnvelope(headers, notification.message), std::nullopt);
}

TEST(RequestMetaTest, DescribesTheClient) {
  const Sent call = Call("2026-07-28");
  const ClientDescription client = DescriptionFromMeta(call.message);
  EXPECT_EQ(client.name, "c");
  EXPECT_EQ(client.version, "1");
  EXPECT_EQ(client.capabilities_json, R"({"a":{}})");
  EXPECT_EQ(ProgressToken(call.message), "7");
}

TEST(RequestMetaTest, LongProgressTokensCountAsAbsent) {
  const auto token = [](size_t length) {
    const Sent call(absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":")",
                                 std::string(length, 't'), "\"}}}"));
    return ProgressToken(call.message);
  };
  EXPECT_EQ(token(256), absl::StrCat("\"", std::string(256, 't'), "\""));
  EXPECT_EQ(token(257), "");
}

TEST(RequestMetaTest, LongNamesAreCutBetweenCharacters) {
  std::string name = "x";
  while (name.size() < 400) name += "é";
  const Sent initialize(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"clientInfo":{"name":")" + name +
                        R"("}}})");
  const ClientDescription client = DescriptionFromInitialize(initialize.message);
  EXPECT_EQ(client.name, name.substr(0, 255));
}

TEST(RequestMetaTest, CapabilitiesAreComparedAtEveryDepth) {
  const auto has = [](const char* offered, const char* required) {
    ClientDescription client;
    client.capabilities_json = offered;
    return HasCapabilities(client, *ReadJson(required));
  };
  EXPECT_TRUE(has(R"({"elicitation":{"form":{}},"x":{}})", R"({"elicitation":{"form":{}}})"));
  EXPECT_FALSE(has(R"({"elicitation":{}})", R"({"elicitation":{"form":{}}})"));
  EXPECT_FALSE(has("{}", R"({"sampling":{}})"));
  EXPECT_TRUE(has("{}", "{}"));
}

TEST(RequestMetaTest, CapabilitiesAreLookedAtOnce) {
  const auto of = [](const std::string& capabilities) {
    const Sent initialize(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":)" + capabilities +
                          "}}");
    return DescriptionFromInitialize(initialize.message).capabilities;
  };
  EXPECT_EQ(of("{}"), ClientCapabilities());
  EXPECT_EQ(of(R"({"elicitation":null,"sampling":false,"extensions":1})"), ClientCapabilities());
  EXPECT_EQ(of(R"({"elicitation":{}})"), (ClientCapabilities{.elicitation_form = true}));
  EXPECT_EQ(of(R"({"elicitation":{"url":{}}})"), (ClientCapabilities{.elicitation_url = true}));
  EXPECT_EQ(of(R"({"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{"listChanged":true},)"
               R"("extensions":{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/skills":{}}})"),
            (ClientCapabilities{.elicitation_form = true,
                                .elicitation_url = true,
                                .sampling = true,
                                .sampling_tools = true,
                                .roots = true,
                                .tasks = true,
                                .skills = true}));
}

TEST(RequestMetaTest, TasksAreNamedByTheirId) {
  const Sent get(R"({"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t1"}})");
  EXPECT_EQ(CheckMirroredName(Headers("2026-07-28", "tasks/get", "t1"), get.message), std::nullopt);
  EXPECT_EQ(CodeOf(CheckMirroredName(Headers("2026-07-28", "tasks/get", "t2"), get.message)), -32020);
}

TEST(RequestMetaTest, ALogLevelIsAskedForByName) {
  const auto of = [](const std::string& meta) {
    const Sent call(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":)" + meta + "}}");
    return RequestedLogLevel(call.message);
  };
  EXPECT_EQ(*of("{}"), gatehouse::tool::v1::LOG_LEVEL_UNSPECIFIED);
  EXPECT_EQ(*of(R"({"io.modelcontextprotocol/logLevel":"warning"})"), gatehouse::tool::v1::LOG_LEVEL_WARNING);
  EXPECT_FALSE(of(R"({"io.modelcontextprotocol/logLevel":"loud"})").ok());
  EXPECT_FALSE(of(R"({"io.modelcontextprotocol/logLevel":4})").ok());
}

}  // namespace
}  // namespace mcp_edge
