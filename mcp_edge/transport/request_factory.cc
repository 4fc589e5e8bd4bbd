#include "mcp_edge/transport/request_factory.h"

#include <atomic>
#include <random>

#include "absl/strings/str_cat.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/transport/http_reply.h"

namespace mcp_edge {

MirrorHeaders ReadMirrorHeaders(const httplib::Request& request) {
  return {ReadHeader(request, "MCP-Protocol-Version"), ReadHeader(request, "Mcp-Method"),
          ReadHeader(request, "Mcp-Name"),
          [&request](absl::string_view name) { return ReadHeader(request, absl::StrCat("Mcp-Param-", name).c_str()); }};
}

TraceContext ReadTraceContext(const httplib::Request& request, const Message& message) {
  const auto meta = message.params.find("_meta");
  const auto read = [&](const char* name) -> absl::string_view {
    if (meta != message.params.end() && meta->is_object()) {
      if (const auto value = meta->find(name); value != meta->end() && value->is_string()) {
        return value->get_ref<const std::string&>();
      }
    }
    const auto header = request.headers.find(name);
    return header == request.headers.end() ? absl::string_view() : absl::string_view(header->second);
  };
  return MakeTraceContext(read("traceparent"), read("tracestate"), read("baggage"));
}

void TrailMessage(const Message& message, ProtocolVersion version) {
  constexpr size_t kMaxLogged = 64;
  RequestTrail& trail = CurrentTrail();
  trail.version = FeaturesOf(version).name;
  trail.rpc_method = message.method.substr(0, kMaxLogged);
  if (message.method != "tools/call") return;
  if (const auto name = message.params.find("name"); name != message.params.end() && name->is_string()) {
    trail.tool = name->get_ref<const std::string&>().substr(0, kMaxLogged);
  }
}

std::string NewRequestId() {
  // Unique, not secret: a random start for the process, then counting.
  static const uint64_t start = (static_cast<uint64_t>(std::random_device{}()) << 32) | std::random_device{}();
  static std::atomic<uint64_t> count{0};
  return absl::StrCat(absl::Hex(start + count.fetch_add(1, std::memory_order_relaxed), absl::kZeroPad16));
}

}  // namespace mcp_edge
