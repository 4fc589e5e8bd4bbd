#include "mcp_edge/protocol/client_question.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/object_writer.h"
#include "mcp_edge/protocol/rendering.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

// Keeps the order of the members: that of the fields in a form.
using OrderedJson = nlohmann::ordered_json;

// Of one object. A document that keeps the order looks at all members for each.
constexpr size_t kMaxMembers = 256;

enum class Method { kElicitation, kSampling, kRoots };

std::optional<Method> MethodOf(absl::string_view name) {
  if (name == "elicitation/create") return Method::kElicitation;
  if (name == "sampling/createMessage") return Method::kSampling;
  if (name == "roots/list") return Method::kRoots;
  return std::nullopt;
}

absl::Status Broken(absl::string_view what) {
  return absl::InternalError(absl::StrCat("the tool service asked the client wrongly: ", what));
}

absl::Status NotIn(const VersionFeatures& features, absl::string_view what) {
  return absl::UnimplementedError(
      absl::StrCat("This client speaks version ", features.name, " of the protocol, which has no ", what, "."));
}

const OrderedJson* Find(const OrderedJson& object, absl::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(key));
  return found == object.end() ? nullptr : &*found;
}

bool HasString(const OrderedJson& object, absl::string_view key) {
  const OrderedJson* found = Find(object, key);
  return found != nullptr && found->is_string();
}

bool IsString(const OrderedJson* value, absl::string_view text) {
  return value != nullptr && value->is_string() && value->get_ref<const std::string&>() == text;
}

std::string Text(const OrderedJson& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, OrderedJson::error_handler_t::replace);
}

// Whether an object in `value` has more than kMaxMembers; `value` is at most kMaxJsonDepth deep.
bool HasLargeObject(const nlohmann::json& value) {
  if (!value.is_structured()) return false;
  return (value.is_object() && value.size() > kMaxMembers) || std::any_of(value.begin(), value.end(), HasLargeObject);
}

absl::StatusOr<OrderedJson> ReadParams(absl::string_view params_json) {
  if (params_json.empty()) return OrderedJson::object();
  const absl::StatusOr<nlohmann::json> checked = ReadJson(params_json);
  if (!checked.ok()) return Broken(absl::StrCat("params ", checked.status().message()));
  if (HasLargeObject(*checked)) {
    return Broken(absl::StrCat("params have an object of more than ", kMaxMembers, " members"));
  }
  OrderedJson params = OrderedJson::parse(params_json.begin(), params_json.end(), nullptr, /*allow_exceptions=*/false);
  if (!params.is_object()) return Broken("params must be an object");
  return params;
}

// --- elicitation/create

bool IsUrlMode(const OrderedJson& params) { return IsString(Find(params, "mode"), "url"); }

// Checks what every version that has it demands of the params (MCP 2026-07-28, ElicitRequestParams).
absl::Status CheckElicitation(const OrderedJson& params) {
  if (!HasString(params, "message")) return Broken("message must be a string");
  if (const OrderedJson* mode = Find(params, "mode");
      mode != nullptr && !IsString(mode, "form") && !IsString(mode, "url")) {
    return Broken("mode must be \"form\" or \"url\"");
  }
  if (IsUrlMode(params)) return HasString(params, "url") ? absl::OkStatus() : Broken("url must be a string");
  const OrderedJson* schema = Find(params, "requestedSchema");
  if (schema == nullptr || !IsString(Find(*schema, "type"), "object")) {
    return Broken("requestedSchema must be an object schema with \"type\":\"object\"");
  }
  const OrderedJson* properties = Find(*schema, "properties");
  if (properties == nullptr || !properties->is_object()) return Broken("requestedSchema must have properties");
  for (const auto& [name, property] : properties->items()) {
    const OrderedJson* type = Find(property, "type");
    const bool known = IsString(type, "string") || IsString(type, "number") || IsString(type, "integer") ||
                       IsString(type, "boolean") || IsString(type, "array");
    if (!known) return Broken("a property of requestedSchema must have the type of a text, number, boolean or choice");
  }
  if (const OrderedJson* required = Find(*schema, "required"); required != nullptr && !required->is_array()) {
    return Broken("required must be an array");
  }
  return absl::OkStatus();
}

// A field of a form of 2025-06-18: titles of choices are in `enumNames`, and only booleans have a default.
void ToPlainField(OrderedJson& field) {
  if (const OrderedJson* choices = Find(field, "oneOf"); choices != nullptr && choices->is_array()) {
    OrderedJson values = OrderedJson::array();
    OrderedJson titles = OrderedJson::array();
    for (const OrderedJson& choice : *choices) {
      const OrderedJson* value = Find(choice, "const");
      const OrderedJson* title = Find(choice, "title");
      if (value == nullptr || !value->is_string()) continue;
      values.push_back(*value);
      titles.push_back(title != nullptr && title->is_string() ? *title : *value);
    }
    field.erase("oneOf");
    field["enum"] = std::move(values);
    field["enumNames"] = std::move(titles);
  }
  if (!IsString(Find(field, "type"), "boolean")) field.erase("default");
}

// `params` as 2025-06-18 has them; null when no field is left.
OrderedJson PlainForm(const OrderedJson& params) {
  const OrderedJson& schema = *Find(params, "requestedSchema");
  OrderedJson properties = OrderedJson::object();
  for (const auto& [name, property] : Find(schema, "properties")->items()) {
    if (IsString(Find(property, "type"), "array")) continue;  // multiple choice
    OrderedJson field = property;
    ToPlainField(field);
    properties[name] = std::move(field);
  }
  if (properties.empty() && !Find(schema, "properties")->empty()) return nullptr;
  OrderedJson plain = {{"message", *Find(params, "message")},
                       {"requestedSchema", {{"type", "object"}, {"properties", properties}}}};
  if (const OrderedJson* required = Find(schema, "required"); required != nullptr) {
    OrderedJson names = OrderedJson::array();
    for (const OrderedJson& name : *required) {
      if (name.is_string() && Find(properties, name.get_ref<const std::string&>()) != nullptr) names.push_back(name);
    }
    if (!names.empty()) plain["requestedSchema"]["required"] = std::move(names);
  }
  return plain;
}

absl::StatusOr<std::string> Elicitation(const OrderedJson& params, const VersionFeatures& features,
                                        absl::string_view elicitation_id) {
  if (!features.forms) return NotIn(features, "way to ask the user");
  if (const absl::Status status = CheckElicitation(params); !status.ok()) return status;
  if (IsUrlMode(params)) {
    if (!features.rich_forms_and_urls) return NotIn(features, "way to show the user a page");
    OrderedJson url = {{"mode", "url"}, {"message", *Find(params, "message")}, {"url", *Find(params, "url")}};
    if (!features.modern) url["elicitationId"] = std::string(elicitation_id);
    return Text(url);
  }
  if (features.rich_forms_and_urls) return Text(params);
  const OrderedJson plain = PlainForm(params);
  if (plain.is_null()) return NotIn(features, "multiple choice");
  return Text(plain);
}

// --- sampling/createMessage

absl::Status CheckSampling(const OrderedJson& params) {
  const OrderedJson* messages = Find(params, "messages");
  if (messages == nullptr || !messages->is_array()) return Broken("messages must be an array");
  for (const OrderedJson& message : *messages) {
    const OrderedJson* role = Find(message, "role");
    if (!IsString(role, "user") && !IsString(role, "assistant")) return Broken("a message must have a role");
    const OrderedJson* content = Find(message, "content");
    if (content == nullptr || !(content->is_object() || content->is_array())) {
      return Broken("a message must have content");
    }
    const auto is_block = [](const OrderedJson& block) { return HasString(block, "type"); };
    if (content->is_array() ? !std::all_of(content->begin(), content->end(), is_block) : !is_block(*content)) {
      return Broken("a content block must have a type");
    }
  }
  const OrderedJson* max_tokens = Find(params, "maxTokens");
  if (max_tokens == nullptr || !max_tokens->is_number_integer()) return Broken("maxTokens must be an integer");
  return absl::OkStatus();
}

// Adds `message` with one content block to each message, as versions before 2025-11-25 have it.
absl::Status AddPlainMessages(const OrderedJson& message, const VersionFeatures& features, OrderedJson& messages) {
  const OrderedJson& content = *Find(message, "content");
  const OrderedJson blocks = content.is_array() ? content : OrderedJson::array({content});
  for (OrderedJson block : blocks) {
    const OrderedJson* type = Find(block, "type");
    const bool plain = IsString(type, "text") || IsString(type, "image");
    if (!plain && !(features.audio && IsString(type, "audio"))) {
      return NotIn(features, absl::StrCat("content of type ", type->get_ref<const std::string&>().substr(0, 32),
                                          " in what a model is asked"));
    }
    if (!features.titles_links_and_meta) block.erase("_meta");
    messages.push_back({{"role", *Find(message, "role")}, {"content", std::move(block)}});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Sampling(OrderedJson params, const VersionFeatures& features) {
  if (const absl::Status status = CheckSampling(params); !status.ok()) return status;
  params.erase("task");  // of 2025-11-25 alone, and the edge asks for none
  if (features.sampling_tools) {
    // Other servers' contexts are no business of a tool (MCP 2025-11-25: should not be asked for at all).
    if (!IsString(Find(params, "includeContext"), "none")) params.erase("includeContext");
    return Text(params);
  }
  if (Find(params, "tools") != nullptr || Find(params, "toolChoice") != nullptr) {
    return NotIn(features, "way for a tool to give tools to the client's model");
  }
  OrderedJson messages = OrderedJson::array();
  for (const OrderedJson& message : *Find(params, "messages")) {
    if (const absl::Status status = AddPlainMessages(message, features, messages); !status.ok()) return status;
  }
  params["messages"] = std::move(messages);
  return Text(params);
}

absl::StatusOr<std::string> Params(absl::string_view method_name, absl::string_view params_json,
                                   const VersionFeatures& features, absl::string_view elicitation_id) {
  const std::optional<Method> method = MethodOf(method_name);
  if (!method.has_value()) return Broken("there is no such request");
  absl::StatusOr<OrderedJson> params = ReadParams(params_json);
  if (!params.ok()) return params.status();
  switch (*method) {
    case Method::kElicitation:
      return Elicitation(*params, features, elicitation_id);
    case Method::kSampling:
      return Sampling(*std::move(params), features);
    case Method::kRoots:
      break;
  }
  return "{}";
}

}  // namespace

absl::StatusOr<std::string> RenderClientRequest(absl::string_view method, absl::string_view params_json,
                                                ProtocolVersion version, absl::string_view elicitation_id) {
  return Params(method, params_json, FeaturesOf(version), elicitation_id);
}

absl::StatusOr<std::string> RenderInputRequest(const tool::InputRequest& request) {
  const absl::StatusOr<std::string> params =
      Params(request.method(), request.params_json(), FeaturesOf(ProtocolVersion::k2026_07_28), "");
  if (!params.ok()) return params.status();
  std::string out;
  ObjectWriter object(out);
  object.String("method", request.method());
  object.Raw("params", *params);
  object.Close();
  return out;
}

absl::StatusOr<std::string> RenderInputRequiredResult(const tool::InputRequired& questions,
                                                      absl::string_view sealed_state) {
  if (questions.requests().empty() && sealed_state.empty()) return Broken("neither a request nor a state");
  std::string members;
  if (!questions.requests().empty()) {
    // The order of a protobuf map is another each time.
    std::map<absl::string_view, const tool::InputRequest*> sorted;
    for (const auto& [key, request] : questions.requests()) sorted.emplace(key, &request);
    members = "\"inputRequests\":{";
    bool first = true;
    for (const auto& [key, request] : sorted) {
      const absl::StatusOr<std::string> rendered = RenderInputRequest(*request);
      if (!rendered.ok()) return rendered.status();
      if (!first) members += ',';
      common::AppendJsonString(key, members);
      absl::StrAppend(&members, ":", *rendered);
      first = false;
    }
    members += '}';
  }
  if (!sealed_state.empty()) {
    absl::StrAppend(&members, members.empty() ? "" : ",", "\"requestState\":");
    common::AppendJsonString(sealed_state, members);
  }
  return RenderResultOfType("input_required", members);
}

std::string MissingCapabilities(const tool::InputRequired& questions, const ClientCapabilities& capabilities) {
  bool form = false;
  bool url = false;
  bool sampling = false;
  bool sampling_tools = false;
  bool roots = false;
  for (const auto& [key, request] : questions.requests()) {
    const std::optional<Method> method = MethodOf(request.method());
    if (method == Method::kRoots) roots = true;
    if (!method.has_value() || method == Method::kRoots) continue;
    // Who can do all of it is not asked what is in the params.
    if (method == Method::kElicitation) {
      if (capabilities.elicitation_form && capabilities.elicitation_url) continue;
      const absl::StatusOr<nlohmann::json> params = ReadJson(request.params_json());
      const bool is_url = params.ok() && params->is_object() && params->contains("mode") && (*params)["mode"] == "url";
      (is_url ? url : form) = true;
    } else {
      sampling = true;
      if (capabilities.sampling_tools || sampling_tools) continue;
      const absl::StatusOr<nlohmann::json> params = ReadJson(request.params_json());
      sampling_tools = params.ok() && (params->contains("tools") || params->contains("toolChoice"));
    }
  }
  form = form && !capabilities.elicitation_form;
  url = url && !capabilities.elicitation_url;
  sampling_tools = sampling_tools && !capabilities.sampling_tools;
  sampling = sampling && !capabilities.sampling;
  roots = roots && !capabilities.roots;
  if (!form && !url && !sampling && !sampling_tools && !roots) return "";
  std::string out;
  ObjectWriter object(out);
  if (form || url) {
    ObjectWriter elicitation(object.Key("elicitation"));
    if (form) elicitation.Raw("form", "{}");
    if (url) elicitation.Raw("url", "{}");
    elicitation.Close();
  }
  if (sampling || sampling_tools) object.Raw("sampling", sampling_tools ? "{\"tools\":{}}" : "{}");
  if (roots) object.Raw("roots", "{}");
  object.Close();
  return out;
}

}  // namespace mcp_edge
