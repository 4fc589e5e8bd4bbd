#include "mcp_edge/jsonrpc/message.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

// Longer ids are nobody's honest wish, and each is kept while its request runs.
constexpr size_t kMaxIdLength = 256;
constexpr size_t kMaxMethodLength = 256;
constexpr size_t kMaxErrorMessageLength = 256;

Message Invalid(std::string id_json, std::string problem) {
  Message message;
  message.id_json = std::move(id_json);
  message.problem = std::move(problem);
  return message;
}

// What a client says went wrong. One that says it badly has still answered: somebody waits for that.
void ReadError(const json& error, Message& message) {
  if (!error.is_object()) return;
  if (const auto code = error.find("code"); code != error.end() && code->is_number_integer()) {
    const auto value = code->get<int64_t>();
    if (value >= INT32_MIN && value <= INT32_MAX) message.error_code = static_cast<int>(value);
  }
  if (const auto text = error.find("message"); text != error.end() && text->is_string()) {
    const auto& whole = text->get_ref<const std::string&>();
    size_t length = std::min(whole.size(), kMaxErrorMessageLength);
    while (length < whole.size() && length > 0 && (whole[length] & 0xC0) == 0x80) --length;
    message.error_message = whole.substr(0, length);
  }
}

// The id as JSON text.
std::string IdText(const json& id) {
  if (!id.is_string())
    return id.is_number_unsigned() ? absl::StrCat(id.get<uint64_t>()) : absl::StrCat(id.get<int64_t>());
  const auto& text = id.get_ref<const std::string&>();
  if (common::PlainJsonLength(text) == text.size()) return absl::StrCat("\"", text, "\"");
  return id.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

// The members of a message that mean something; null: it has none of that name.
struct Members {
  json* id = nullptr;
  json* jsonrpc = nullptr;
  json* method = nullptr;
  json* params = nullptr;
  json* result = nullptr;
  json* error = nullptr;
};

Members MembersOf(json& object) {
  Members members;
  for (auto& [name, value] : object.get_ref<json::object_t&>()) {
    if (name == "id") {
      members.id = &value;
    } else if (name == "jsonrpc") {
      members.jsonrpc = &value;
    } else if (name == "method") {
      members.method = &value;
    } else if (name == "params") {
      members.params = &value;
    } else if (name == "result") {
      members.result = &value;
    } else if (name == "error") {
      members.error = &value;
    }
  }
  return members;
}

// `value`: the message. `text`: the same as it was sent.
Message ParseMessage(json value, absl::string_view text) {
  if (!value.is_object()) return Invalid("", "a JSON-RPC message must be an object");
  const Members members = MembersOf(value);
  std::string id_json;
  if (members.id != nullptr) {
    if (!members.id->is_string() && !members.id->is_number_integer()) {
      return Invalid("", "id must be a string or an integer");
    }
    id_json = IdText(*members.id);
    if (id_json.size() > kMaxIdLength) return Invalid("", absl::StrCat("id is longer than ", kMaxIdLength, " bytes"));
  }
  if (members.jsonrpc == nullptr || !members.jsonrpc->is_string() ||
      members.jsonrpc->get_ref<const std::string&>() != "2.0") {
    return Invalid(id_json, "jsonrpc must be \"2.0\"");
  }
  const bool answers = members.result != nullptr || members.error != nullptr;
  if (members.method == nullptr) {
    if (!answers) return Invalid(id_json, "method is missing");
    if (members.result != nullptr && members.error != nullptr) {
      return Invalid(id_json, "a response has a result or an error, not both");
    }
    Message message;
    message.kind = Message::Kind::kResponse;
    message.id_json = std::move(id_json);
    if (members.error != nullptr) {
      ReadError(*members.error, message);
    } else {
      message.result_text = RawMember(text, "result");
    }
    return message;
  }
  if (answers) return Invalid(id_json, "a request has neither a result nor an error");
  if (!members.method->is_string()) return Invalid(id_json, "method must be a string");
  auto& method = members.method->get_ref<std::string&>();
  if (method.size() > kMaxMethodLength) {
    return Invalid(id_json, absl::StrCat("method is longer than ", kMaxMethodLength, " bytes"));
  }
  Message message;
  message.kind = id_json.empty() ? Message::Kind::kNotification : Message::Kind::kRequest;
  message.method = std::move(method);
  if (members.params != nullptr) {
    if (!members.params->is_object()) return Invalid(id_json, "params must be an object");
    message.params = std::move(*members.params);
    message.params_text = RawMember(text, "params");
  }
  message.id_json = std::move(id_json);
  return message;
}

}  // namespace

absl::StatusOr<Body> ParseBody(absl::string_view text) {
  absl::StatusOr<json> document = ReadJson(text);
  if (!document.ok()) return document.status();
  Body body;
  if (document->is_array()) {
    body.is_batch = true;
    const std::vector<absl::string_view> texts = RawElements(text);
    body.messages.reserve(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      body.messages.push_back(ParseMessage(std::move((*document)[i]), texts[i]));
    }
  } else {
    body.messages.push_back(ParseMessage(*std::move(document), text));
  }
  return body;
}

std::string ResultResponse(absl::string_view id_json, absl::string_view result_json) {
  return absl::StrCat("{\"jsonrpc\":\"2.0\",\"id\":", id_json, ",\"result\":", result_json, "}");
}

std::string ErrorResponse(absl::string_view id_json, int code, absl::string_view message, absl::string_view data_json) {
  std::string text = "{\"jsonrpc\":\"2.0\"";
  if (!id_json.empty()) absl::StrAppend(&text, ",\"id\":", id_json);
  absl::StrAppend(&text, ",\"error\":{\"code\":", code, ",\"message\":");
  common::AppendJsonString(message, text);
  if (!data_json.empty()) absl::StrAppend(&text, ",\"data\":", data_json);
  text += "}}";
  return text;
}

std::string NotificationText(absl::string_view method, absl::string_view params_json) {
  std::string text = "{\"jsonrpc\":\"2.0\",\"method\":";
  common::AppendJsonString(method, text);
  absl::StrAppend(&text, ",\"params\":", params_json, "}");
  return text;
}

std::string RequestText(absl::string_view id_json, absl::string_view method, absl::string_view params_json) {
  std::string text = absl::StrCat("{\"jsonrpc\":\"2.0\",\"id\":", id_json, ",\"method\":");
  common::AppendJsonString(method, text);
  absl::StrAppend(&text, ",\"params\":", params_json, "}");
  return text;
}

}  // namespace mcp_edge
