#include "mcp_edge/tools/trace_context.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxTracestate = 512;  // W3C Trace Context, section 3.3.1.5: to be propagated at least
constexpr size_t kMaxBaggage = 8192;    // W3C Baggage, section 3.3.2

bool IsLowerHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'); });
}

bool IsAllZero(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
}

// version "-" trace-id "-" parent-id "-" trace-flags (W3C Trace Context, section 3.2). Version 00 has just these four;
// a later one may go on after another "-".
bool IsTraceparent(absl::string_view text) {
  constexpr size_t kLength = 2 + 1 + 32 + 1 + 16 + 1 + 2;
  if (text.size() < kLength || text.size() > kMaxTracestate) return false;
  const absl::string_view version = text.substr(0, 2);
  const absl::string_view trace_id = text.substr(3, 32);
  const absl::string_view parent_id = text.substr(36, 16);
  const absl::string_view flags = text.substr(53, 2);
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  if (!IsLowerHex(version) || !IsLowerHex(trace_id) || !IsLowerHex(parent_id) || !IsLowerHex(flags)) return false;
  if (version == "ff" || IsAllZero(trace_id) || IsAllZero(parent_id)) return false;
  if (text.size() == kLength) return true;
  return version != "00" && text[kLength] == '-';
}

// What gRPC takes as the value of a metadata key.
bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

}  // namespace

TraceContext MakeTraceContext(absl::string_view traceparent, absl::string_view tracestate, absl::string_view baggage) {
  TraceContext context;
  if (IsTraceparent(traceparent) && IsPrintable(traceparent)) {
    context.traceparent = std::string(traceparent);
    if (tracestate.size() <= kMaxTracestate && IsPrintable(tracestate)) context.tracestate = std::string(tracestate);
  }
  if (baggage.size() <= kMaxBaggage && IsPrintable(baggage)) context.baggage = std::string(baggage);
  return context;
}

}  // namespace mcp_edge
