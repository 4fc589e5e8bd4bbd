#include "tool_service/whoami/whoami_tool.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "tool_service/sdk/content.h"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

const char* SourceName(gatehouse::tool::v1::ClaimSource source) {
  switch (source) {
    case gatehouse::tool::v1::CLAIM_SOURCE_TOKEN:
      return "token";
    case gatehouse::tool::v1::CLAIM_SOURCE_USERINFO:
      return "userinfo";
    case gatehouse::tool::v1::CLAIM_SOURCE_INTROSPECTION:
      return "introspection";
    case gatehouse::tool::v1::CLAIM_SOURCE_DIRECTORY:
      return "directory";
    default:
      return "unknown";
  }
}

// What the claims themselves do not say: where each comes from, and whether the token was meant for this server.
std::string IdentityMeta(const gatehouse::tool::v1::Principal& principal) {
  std::string meta;
  meta.reserve(512);
  absl::StrAppend(&meta, "{\"", kIdentityMetaKey,
                  "\":{\"audienceKnown\":", principal.audience_known() ? "true" : "false", ",\"claimSources\":{");
  const char* separator = "";
  for (const gatehouse::tool::v1::ClaimOrigin& origin : principal.claim_origins()) {
    for (const std::string& claim : origin.claims()) {
      meta += separator;
      separator = ",";
      common::AppendJsonString(claim, meta);
      absl::StrAppend(&meta, ":\"", SourceName(origin.source()), "\"");
    }
  }
  meta += "}}}";
  return meta;
}

}  // namespace

Tool WhoamiTool() {
  Tool tool;
  tool.set_name("whoami");
  tool.set_title("Who am I");
  tool.set_description(
      "Returns the identity claims of the signed-in user on whose behalf you act, as their identity provider states "
      "them: "
      "`sub`, the stable identifier of the account, and those of username, name, email and others that the user agreed "
      "to "
      "share. A claim that is absent or null was not shared or is not known. Use it to find out who the user is or to "
      "address them by name. Takes no arguments and changes nothing.");
  tool.set_input_schema_json(R"({"type":"object","additionalProperties":false})");
  tool.set_output_schema_json(
      R"({"type":"object","properties":{)"
      R"("sub":{"type":"string","description":"Identifies the account; stable, unique within the provider."},)"
      R"("username":{"type":["string","null"],"description":"The name the user signs in with."},)"
      R"("name":{"type":["string","null"],"description":"The user's full name, for display."},)"
      R"("picture":{"type":["string","null"],"description":"URL of the user's picture."},)"
      R"("email":{"type":["string","null"],"description":"The user's email address."},)"
      R"("email_verified":{"type":["boolean","null"],"description":"Whether the provider has verified the address."})"
      R"(},"required":["sub"],"additionalProperties":true})");
  tool.mutable_annotations()->set_read_only(true);
  tool.mutable_annotations()->set_destructive(false);
  tool.mutable_annotations()->set_idempotent(true);
  tool.mutable_annotations()->set_open_world(false);
  return tool;
}

absl::StatusOr<Outcome> Whoami(ToolContext& context, absl::string_view arguments_json) {
  if (!arguments_json.empty() && arguments_json != "{}") {
    const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
    if (!arguments.ok()) return arguments.status();
    if (!arguments->empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("whoami takes no arguments, got \"", arguments->begin().key(), "\""));
    }
  }
  if (context.principal() == nullptr) {
    return absl::UnauthenticatedError("nobody is signed in: the call came without a verified caller");
  }
  CallToolResult result = JsonResult(context.principal()->claims_json());
  result.set_meta_json(IdentityMeta(*context.principal()));
  return result;
}

}  // namespace tool_service
