#include "mcp_edge/transport/edge_routes.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/transport/http_reply.h"
#include "mcp_edge/transport/request_factory.h"

namespace mcp_edge {
namespace {

using HandlerResponse = httplib::Server::HandlerResponse;

constexpr char kMcp[] = "/mcp";
constexpr char kSse[] = "/sse";
constexpr char kMessages[] = "/messages";
constexpr char kRegister[] = "/register";
constexpr char kProtectedResource[] = "/.well-known/oauth-protected-resource";
constexpr char kAuthorizationServer[] = "/.well-known/oauth-authorization-server";
constexpr absl::string_view kAllowedHeaders =
    "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, "
    "traceparent, tracestate, baggage";

// The endpoints that there may be.
struct Endpoints {
  bool sse = false;
  bool registration = false;
};

bool IsDocument(absl::string_view path) { return absl::StartsWith(path, "/.well-known/"); }

// The methods that a path has; empty for a path that is not ours.
absl::string_view MethodsOf(absl::string_view path, const Endpoints& with) {
  if (path == kMcp) return "GET, POST, DELETE, OPTIONS";
  if (with.sse && path == kSse) return "GET, OPTIONS";
  if (with.sse && path == kMessages) return "POST, OPTIONS";
  if (with.registration && path == kRegister) return "POST, OPTIONS";
  if (IsDocument(path)) return "GET, OPTIONS";
  return "";
}

// Whether `method` is one of `methods`, which are separated by ", ".
bool IsListed(absl::string_view method, absl::string_view methods) {
  for (const absl::string_view one : absl::StrSplit(methods, ", ")) {
    if (one == method) return true;
  }
  return false;
}

// The `Mcp-Param-*` headers that a preflight asks for: a tool's own, so none can be listed beforehand.
std::string AskedParameterHeaders(const httplib::Request& request) {
  std::string headers;
  for (absl::string_view name : absl::StrSplit(request.get_header_value("Access-Control-Request-Headers"), ',')) {
    name = absl::StripAsciiWhitespace(name);
    if (!absl::StartsWithIgnoreCase(name, "mcp-param-") || name.size() > 64) continue;
    bool is_token = true;
    for (const char c : name)
      is_token = is_token && (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_');
    if (is_token) absl::StrAppend(&headers, ", ", name);
  }
  return headers;
}

void ReplyDocument(const absl::StatusOr<std::string>& document, httplib::Response& response) {
  if (document.ok()) {
    response.set_header("Cache-Control", "public, max-age=300");
    response.set_content(*document, kJsonType);
  } else if (absl::IsNotFound(document.status())) {
    ReplyError(response, "", {WireErrorKind::kNotFound, "There is nothing at this path", ""});
  } else {
    ReplyError(response, "", {WireErrorKind::kUnavailable, "The document is not known yet; try again later", ""});
  }
}

// What comes before every route: names the request, refuses foreign hosts and origins, answers preflights.
HandlerResponse BeforeRouting(const HostPolicy& hosts, EdgeMetrics& metrics, const Endpoints& with,
                              const httplib::Request& request, httplib::Response& response) {
  CurrentTrail().request_id = NewRequestId();
  const HeaderField host = ReadHeader(request, "Host");
  const HeaderField origin = ReadHeader(request, "Origin");
  // The documents are public, and so is registration, which knows no cookies: any page may use them.
  const bool registration = with.registration && request.path == kRegister;
  const bool open = registration || IsDocument(request.path);
  const bool host_allowed = host.value.has_value() && !host.conflicting && hosts.AllowsHost(*host.value);
  const bool origin_allowed = !origin.value.has_value() || (!origin.conflicting && hosts.AllowsOrigin(*origin.value));
  if (!host_allowed || (!origin_allowed && !open)) {
    metrics.foreign_origin_total.Increment();
    ReplyError(response, "", {WireErrorKind::kForbiddenOrigin, "This Host or Origin is not allowed here", ""});
    return HandlerResponse::Handled;
  }
  if (open) {
    response.set_header("Access-Control-Allow-Origin", "*");
    if (registration) response.set_header("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After");
  } else if (origin.value.has_value()) {
    response.set_header("Access-Control-Allow-Origin", std::string(*origin.value));
    response.set_header("Access-Control-Expose-Headers", "Mcp-Session-Id, WWW-Authenticate, Retry-After");
    response.set_header("Vary", "Origin");
  }
  const absl::string_view methods = MethodsOf(request.path, with);
  if (methods.empty()) {
    ReplyError(response, "", {WireErrorKind::kNotFound, "There is nothing at this path", ""});
    return HandlerResponse::Handled;
  }
  if (request.method == "OPTIONS") {
    response.set_header("Allow", std::string(methods));
    response.set_header("Access-Control-Allow-Methods", std::string(methods));
    response.set_header("Access-Control-Allow-Headers", absl::StrCat(kAllowedHeaders, AskedParameterHeaders(request)));
    response.set_header("Access-Control-Max-Age", "3600");
    response.status = 204;
    return HandlerResponse::Handled;
  }
  if (!IsListed(request.method, methods)) {
    ReplyMethodNotAllowed(response, methods);
    return HandlerResponse::Handled;
  }
  // Only POST has a body, which its endpoint reads itself, once it knows whose it is.
  if (request.method != "POST" &&
      (request.get_header_value_u64("Content-Length") > 0 || request.has_header("Transfer-Encoding"))) {
    ReplyError(response, "", {WireErrorKind::kMalformedHttp, "This request must have no body", ""});
    return HandlerResponse::Handled;
  }
  return HandlerResponse::Unhandled;
}

}  // namespace

void AddRoutes(absl::string_view mcp_resource, McpEndpoint& mcp, SseEndpoint* sse, Documents documents,
               const HostPolicy& hosts, EdgeMetrics& metrics, HttpServer& server, RegistrationEndpoint* registration) {
  using httplib::ContentReader;
  using httplib::Request;
  using httplib::Response;
  const Endpoints with = {.sse = sse != nullptr, .registration = registration != nullptr};
  server.SetPreRoutingHandler([&hosts, &metrics, with](const Request& request, Response& response) {
    return BeforeRouting(hosts, metrics, with, request, response);
  });
  server.Post(kMcp, [&mcp](const Request& request, Response& response, const ContentReader& reader) {
    mcp.Post(request, response, reader);
  });
  server.routes().Get(kMcp, [&mcp](const Request& request, Response& response) { mcp.Get(request, response); });
  server.routes().Delete(kMcp, [&mcp](const Request& request, Response& response) { mcp.Delete(request, response); });
  const auto add_document = [&](const std::string& path, const std::string& resource) {
    server.routes().Get(path, [get = documents.protected_resource, resource](const Request&, Response& response) {
      ReplyDocument(get(resource), response);
    });
  };
  const std::string mcp_uri = MakeProtectedResource(mcp_resource, kMcp).uri;
  add_document(kProtectedResource, mcp_uri);
  add_document(absl::StrCat(kProtectedResource, kMcp), mcp_uri);
  server.routes().Get(kAuthorizationServer,
                      [get = std::move(documents.authorization_server)](const Request&, Response& response) {
                        ReplyDocument(get(), response);
                      });
  if (registration != nullptr) {
    server.Post(kRegister, [registration](const Request& request, Response& response, const ContentReader& reader) {
      registration->Post(request, response, reader);
    });
  }
  if (!with.sse) return;
  server.routes().Get(kSse, [sse](const Request& request, Response& response) { sse->Get(request, response); });
  server.Post(kMessages, [sse](const Request& request, Response& response, const ContentReader& reader) {
    sse->Post(request, response, reader);
  });
  add_document(absl::StrCat(kProtectedResource, kSse), MakeProtectedResource(mcp_resource, kSse).uri);
}

}  // namespace mcp_edge
