#include "mcp_edge/transport/request_body.h"

#include "absl/strings/str_cat.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/transport/http_reply.h"

namespace mcp_edge {

bool ReadBody(const httplib::Request& request, const httplib::ContentReader& reader, size_t max_bytes,
              httplib::Response& response, std::string& body) {
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
  body.reserve(declared);
  const bool complete = reader([&](const char* data, size_t size) {
    if (body.size() + size > max_bytes) return false;
    body.append(data, size);
    return true;
  });
  if (complete) return true;
  if (body.size() < declared && response.status != 413) {
    ReplyError(response, "", {WireErrorKind::kMalformedHttp, "The body ended early, or did not arrive in time", ""});
  } else if (response.status != 413) {
    ReplyError(response, "",
               {WireErrorKind::kBodyTooLarge, absl::StrCat("The body is larger than ", max_bytes, " bytes"), ""});
  }
  return false;
}

}  // namespace mcp_edge
