// The names of log levels on the wire (MCP, logging; the levels of RFC 5424), the same in every version.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_LOG_LEVEL_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_LOG_LEVEL_H_

#include <array>
#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"

namespace mcp_edge {

// In the order of gatehouse.tool.v1.LogLevel, from LOG_LEVEL_DEBUG on.
inline constexpr std::array<absl::string_view, 8> kLogLevelNames = {"debug", "info",     "notice", "warning",
                                                                    "error", "critical", "alert",  "emergency"};

// The level of that name; nothing for any other name.
inline std::optional<gatehouse::tool::v1::LogLevel> LogLevelFromName(absl::string_view name) {
  for (size_t i = 0; i < kLogLevelNames.size(); ++i) {
    if (kLogLevelNames[i] == name) return static_cast<gatehouse::tool::v1::LogLevel>(i + 1);
  }
  return std::nullopt;
}

// Empty for LOG_LEVEL_UNSPECIFIED and for what is no level.
inline absl::string_view LogLevelName(gatehouse::tool::v1::LogLevel level) {
  const int index = static_cast<int>(level) - 1;
  return index >= 0 && index < static_cast<int>(kLogLevelNames.size()) ? kLogLevelNames[static_cast<size_t>(index)]
                                                                       : absl::string_view();
}

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_LOG_LEVEL_H_
