// What a client sees when something goes wrong: the only file that says which HTTP status goes with which JSON-RPC
// code.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_WIRE_ERROR_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_WIRE_ERROR_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"

namespace mcp_edge {

enum class WireErrorKind {
  // The HTTP request cannot be served, whatever its body says.
  kMalformedHttp,
  kMalformedAuthorization,
  kUnauthorized,
  kForbiddenOrigin,
  kInsufficientScope,
  kNotFound,
  kMethodNotAllowed,
  kNotAcceptable,
  kTimeout,
  kBodyTooLarge,
  kUriTooLong,
  kUnsupportedMediaType,
  kTooManyRequests,
  kHeadersTooLarge,
  kOverloaded,
  kUnavailable,
  // The message is not one.
  kParseError,
  kInvalidRequest,
  // The session.
  kSessionMissing,
  kSessionNotFound,
  // The request cannot be carried out.
  kMethodNotFound,
  kInvalidParams,
  kResourceNotFound,
  kResourceNotFoundLegacy,
  kUrlElicitationRequired,
  kMissingMeta,
  kHeaderMismatch,
  kMissingClientCapability,
  kUnsupportedVersion,
  kInternal,
  kCancelled,
};

struct WireError {
  WireErrorKind kind;
  int http_modern;           // status on a request of 2026-07-28
  int http_legacy;           // status on any other
  int json_rpc;              // JSON-RPC error code
  absl::string_view reason;  // stable: the `reason` of logs and metrics
};

// Statuses where the specifications are silent are decided in docs/adr/0004-errors-on-the-wire.md.
inline constexpr std::array<WireError, 31> kWireErrors = {{
    // kind                                  modern legacy code   reason
    {WireErrorKind::kMalformedHttp, 400, 400, -32600, "malformed_http"},
    {WireErrorKind::kMalformedAuthorization, 400, 400, -32600, "malformed_authorization"},
    {WireErrorKind::kUnauthorized, 401, 401, -32600, "unauthorized"},
    {WireErrorKind::kForbiddenOrigin, 403, 403, -32600, "forbidden_origin"},
    {WireErrorKind::kInsufficientScope, 403, 403, -32600, "insufficient_scope"},
    {WireErrorKind::kNotFound, 404, 404, -32600, "not_found"},
    {WireErrorKind::kMethodNotAllowed, 405, 405, -32600, "method_not_allowed"},
    {WireErrorKind::kNotAcceptable, 406, 406, -32600, "not_acceptable"},
    {WireErrorKind::kTimeout, 408, 408, -32600, "timeout"},
    {WireErrorKind::kBodyTooLarge, 413, 413, -32600, "body_too_large"},
    {WireErrorKind::kUriTooLong, 414, 414, -32600, "uri_too_long"},
    {WireErrorKind::kUnsupportedMediaType, 415, 415, -32600, "unsupported_media_type"},
    {WireErrorKind::kTooManyRequests, 429, 429, -32600, "too_many_requests"},
    {WireErrorKind::kHeadersTooLarge, 431, 431, -32600, "headers_too_large"},
    {WireErrorKind::kOverloaded, 503, 503, -32603, "overloaded"},
    {WireErrorKind::kUnavailable, 503, 503, -32603, "unavailable"},
    {WireErrorKind::kParseError, 400, 400, -32700, "parse_error"},
    {WireErrorKind::kInvalidRequest, 400, 400, -32600, "invalid_request"},
    {WireErrorKind::kSessionMissing, 400, 400, -32600, "session_missing"},
    {WireErrorKind::kSessionNotFound, 404, 404, -32600, "session_not_found"},
    {WireErrorKind::kMethodNotFound, 404, 200, -32601, "method_not_found"},
    {WireErrorKind::kInvalidParams, 200, 200, -32602, "invalid_params"},
    {WireErrorKind::kResourceNotFound, 200, 200, -32602, "resource_not_found"},               // 2026-07-28
    {WireErrorKind::kResourceNotFoundLegacy, 200, 200, -32002, "resource_not_found_legacy"},  // before
    {WireErrorKind::kUrlElicitationRequired, 200, 200, -32042, "url_elicitation_required"},   // 2025-11-25
    {WireErrorKind::kMissingMeta, 400, 400, -32602, "missing_meta"},
    {WireErrorKind::kHeaderMismatch, 400, 400, -32020, "header_mismatch"},
    {WireErrorKind::kMissingClientCapability, 400, 200, -32021, "missing_client_capability"},
    {WireErrorKind::kUnsupportedVersion, 400, 400, -32022, "unsupported_version"},
    {WireErrorKind::kInternal, 200, 200, -32603, "internal"},
    {WireErrorKind::kCancelled, 200, 200, -32603, "cancelled"},
}};

constexpr const WireError& WireErrorOf(WireErrorKind kind) { return kWireErrors[static_cast<size_t>(kind)]; }

// An error on its way to a client.
struct RpcError {
  WireErrorKind kind = WireErrorKind::kInternal;
  // One short sentence, without secrets or internals.
  std::string message;
  // JSON of the error's `data`; empty: none.
  std::string data_json;

  friend bool operator==(const RpcError&, const RpcError&) = default;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_WIRE_ERROR_H_
