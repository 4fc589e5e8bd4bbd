// The JSON-RPC 2.0 envelope, as MCP narrows it: ids are strings or integers, params are objects.

#ifndef GATEHOUSE_MCP_EDGE_JSONRPC_MESSAGE_H_
#define GATEHOUSE_MCP_EDGE_JSONRPC_MESSAGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// One JSON-RPC message that a client sent.
struct Message {
  enum class Kind {
    kRequest,       // has an id and expects a response
    kNotification,  // has no id
    kResponse,      // answers a request of ours
    kInvalid,       // JSON, but none of these: see `problem`
  };

  Kind kind = Kind::kInvalid;
  // The id as JSON text, ready to be echoed with its type; empty when there is none that can be read.
  std::string id_json;
  std::string method;
  // An object; empty when the message has none.
  nlohmann::json params = nlohmann::json::object();
  // The text of `params` as sent: a part of the body that was parsed. Empty when the message has none.
  absl::string_view params_text;
  // For kResponse: the text of `result` as sent, likewise a part of the body, any JSON; empty when it is an error.
  absl::string_view result_text;
  // For kResponse with an `error`: its code (0 when that is no number of 32 bits) and at most 256 bytes of its message.
  int error_code = 0;
  std::string error_message;
  // For kInvalid: what is wrong, one sentence for the client.
  std::string problem;
};

// What the body of a POST holds.
struct Body {
  // An array was sent (JSON-RPC 2.0, section 6; MCP 2025-03-26 only).
  bool is_batch = false;
  // One message, or those of the batch in order. `params_text` and `result_text` of each point into the body.
  std::vector<Message> messages;
};

// Parses the body of a POST; `text` must outlive what is returned. Never fails for a message that is JSON but not
// JSON-RPC: that one is Kind::kInvalid.
//
// Errors: kInvalidArgument, the text cannot be read as JSON (see ReadJson): JSON-RPC code -32700.
absl::StatusOr<Body> ParseBody(absl::string_view text);

// The text of a response that carries `result_json`.
std::string ResultResponse(absl::string_view id_json, absl::string_view result_json);

// The text of an error response. An empty `id_json` leaves the id out; an empty `data_json` leaves `data` out.
std::string ErrorResponse(absl::string_view id_json, int code, absl::string_view message,
                          absl::string_view data_json = "");

// The text of a notification.
std::string NotificationText(absl::string_view method, absl::string_view params_json);

// The text of a request of ours to the client.
std::string RequestText(absl::string_view id_json, absl::string_view method, absl::string_view params_json);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_JSONRPC_MESSAGE_H_
