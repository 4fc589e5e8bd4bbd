#include "mcp_edge/transport/http_reply.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/header_value.h"

namespace mcp_edge {

void ReplyError(httplib::Response& response, absl::string_view id_json, const RpcError& error, bool modern) {
  const WireError& wire = WireErrorOf(error.kind);
  response.status = modern ? wire.http_modern : wire.http_legacy;
  if (response.status == 503 || response.status == 429) response.set_header("Retry-After", "1");
  CurrentTrail().reason = std::string(wire.reason);
  ReplyJson(response, ErrorResponse(id_json, wire.json_rpc, error.message, error.data_json));
}

void ReplyJson(httplib::Response& response, std::string body, const char* type) {
  response.set_header("Cache-Control", "no-store");
  response.set_content(std::move(body), type);
}

void ReplyMethodNotAllowed(httplib::Response& response, absl::string_view allowed) {
  response.set_header("Allow", std::string(allowed));
  ReplyError(response, "", {WireErrorKind::kMethodNotAllowed, absl::StrCat("Use ", allowed, " here"), ""});
}

HeaderField ReadHeader(const httplib::Request& request, const char* name) {
  HeaderField field;
  const auto [begin, end] = request.headers.equal_range(name);
  for (auto header = begin; header != end; ++header) {
    const absl::string_view value = TrimHeaderValue(header->second);
    if (field.value.has_value() && *field.value != value) field.conflicting = true;
    field.value = value;
  }
  return field;
}

Accepts ReadAccept(const httplib::Request& request) {
  Accepts accepts;
  const auto [begin, end] = request.headers.equal_range("Accept");
  if (begin == end) return {true, true};
  for (auto header = begin; header != end; ++header) {
    for (absl::string_view range : absl::StrSplit(header->second, ',')) {
      const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(range, absl::MaxSplits(';', 1));
      const absl::string_view type = absl::StripAsciiWhitespace(parts.first);
      if (type == "*/*" || absl::EqualsIgnoreCase(type, kJsonType) || absl::EqualsIgnoreCase(type, "application/*")) {
        accepts.json = true;
      }
      if (type == "*/*" || absl::EqualsIgnoreCase(type, kEventStreamType) || absl::EqualsIgnoreCase(type, "text/*")) {
        accepts.event_stream = true;
      }
    }
  }
  return accepts;
}

bool HasJsonBody(const httplib::Request& request) {
  const auto [begin, end] = request.headers.equal_range("Content-Type");
  if (begin == end || std::next(begin) != end) return false;
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(begin->second, absl::MaxSplits(';', 1));
  return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(parts.first), kJsonType);
}

std::string EventText(absl::string_view event, absl::string_view data) {
  return absl::StrCat("event: ", event, "\ndata: ", data, "\n\n");
}

}  // namespace mcp_edge
