// Whatever the bytes, a head that is taken for a plain one says what cpp-httplib reads from it.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "mcp_edge/http/plain_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string head(reinterpret_cast<const char*>(data), size);
  httplib::Request request;
  const auto length = mcp_edge::ReadPlainHead(head, request);
  if (!length.has_value()) return 0;
  if (size > 8192 || request.headers.size() > 100) return 0;  // which Connection does not let in
  const size_t first_line = head.find("\r\n");
  if (*length == 0 || first_line == std::string::npos) std::abort();
  if (head.substr(0, first_line) != absl::StrCat("POST ", request.target, " HTTP/1.1")) std::abort();
  if (request.path != request.target || request.path.find_first_of("?#% ") != std::string::npos) std::abort();
  // It decodes percent signs, which Connection::PassHead makes up for.
  httplib::detail::BufferStream stream;
  const std::string lines = absl::StrCat(absl::StrReplaceAll(head.substr(first_line + 2), {{"%", "%25"}}), "\r\n\r\n");
  stream.write(lines.data(), lines.size());
  httplib::Headers headers;
  if (!httplib::detail::read_headers(stream, headers)) std::abort();
  if (headers.size() != request.headers.size()) std::abort();
  for (const auto& [name, value] : headers) {
    const auto [begin, end] = request.headers.equal_range(name);
    bool found = false;
    for (auto header = begin; header != end; ++header) found = found || header->second == value;
    if (!found) std::abort();
  }
  httplib::Request whole;
  whole.headers = headers;
  if (whole.get_header_value_u64("Content-Length") != *length) std::abort();
  return 0;
}
