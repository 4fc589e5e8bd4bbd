#include "mcp_edge/transport/request_body.h"

#include "absl/strings/str_cat.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/transport/http_reply.h"

namespace mcp_edge {

bool ReadBody(const httplib::Request& request, const httplib::ContentReader& reader, size_t max_bytes,
              BodyBudget& budget, httplib::Response& response, RequestBody& body) {
  if (!HasJsonBody(request)) {
    ReplyError(response, "", {WireErrorKind::kUnsupportedMediaType, "Content-Type must be application/json", ""});
    return false;
  }
  const size_t declared = request.get_header_value_u64("Content-Length");
  if (declared > max_bytes) {
    ReplyError(response, "",
               {WireErrorKind::kBodyTooLarge, absl::StrCat("The body is larger than ", max_bytes, " bytes"), ""});
    return false;
  }
  body.text.reserve(declared);
  bool too_large = false;
  bool full = false;
  const bool complete = reader([&](const char* data, size_t size) {
    too_large = body.text.size() + size > max_bytes;  // of a chunked body
    full = !too_large && !body.share.Grow(size, budget);
    if (too_large || full) return false;
    body.text.append(data, size);
    return true;
  });
  if (complete) return true;
  if (full) {
    ReplyError(response, "", {WireErrorKind::kOverloaded, "The server is full; try again later", ""});
    return false;
  }
  // 413 and 415 (an unknown content coding) are cpp-httplib's own findings.
  if (!too_large && (response.status == 413 || response.status == 415)) return false;
  if (too_large) {
    ReplyError(response, "",
               {WireErrorKind::kBodyTooLarge, absl::StrCat("The body is larger than ", max_bytes, " bytes"), ""});
  } else {
    ReplyError(response, "", {WireErrorKind::kMalformedHttp, "The body ended early, or did not arrive in time", ""});
  }
  return false;
}

}  // namespace mcp_edge
