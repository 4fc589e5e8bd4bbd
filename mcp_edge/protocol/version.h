// The protocol versions and what each of them has. The one place that knows which version can see what.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_VERSION_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_VERSION_H_

#include <array>
#include <optional>

#include "absl/strings/string_view.h"

namespace mcp_edge {

// In the order of their publication.
enum class ProtocolVersion { k2024_11_05, k2025_03_26, k2025_06_18, k2025_11_25, k2026_07_28 };

inline constexpr int kProtocolVersionCount = 5;

// What a version's clients understand (MCP schemas). Content is gated by this; delivery by the endpoint in use.
struct VersionFeatures {
  absl::string_view name;  // as on the wire
  // No handshake and no session: each request says all about itself.
  bool modern;
  // Arrays of messages in one POST.
  bool batches;
  // Tool.annotations.
  bool tool_annotations;
  // AudioContent.
  bool audio;
  // Progress.message.
  bool progress_message;
  // The capability `completions`; the method is there without it, too.
  bool completions;
  // `title` of everything, ResourceLink, `_meta` of entities and blocks, Annotations.lastModified.
  bool titles_links_and_meta;
  // Tool.outputSchema and CallToolResult.structuredContent, as objects.
  bool structured_objects;
  // Icons, Implementation.description.
  bool icons;
  // outputSchema of any kind, structuredContent of any JSON value.
  bool structured_values;
  // `resultType`, cache hints and `serverInfo` in `_meta`.
  bool result_decoration;
  // elicitation/create: a form of text, number, boolean and choice fields.
  bool forms;
  // What else forms may have: titled and multiple choice, defaults of every kind. And elicitation/create with a URL.
  bool rich_forms_and_urls;
  // sampling/createMessage with tools, and with several content blocks in a message.
  bool sampling_tools;
  // ServerCapabilities.extensions.
  bool extensions;
};

inline constexpr std::array<VersionFeatures, kProtocolVersionCount> kVersionFeatures = {{
    // clang-format off
    // name        modern batch  annot. audio  prog.m compl. titles objects icons values decor. forms  rich   s.tools ext.
    {"2024-11-05", false, false, false, false, false, false, false, false, false, false, false, false, false, false, false},
    {"2025-03-26", false, true,  true,  true,  true,  true,  false, false, false, false, false, false, false, false, false},
    {"2025-06-18", false, false, true,  true,  true,  true,  true,  true,  false, false, false, true,  false, false, false},
    {"2025-11-25", false, false, true,  true,  true,  true,  true,  true,  true,  false, false, true,  true,  true,  false},
    {"2026-07-28", true,  false, true,  true,  true,  true,  true,  true,  true,  true,  true,  true,  true,  true,  true},
    // clang-format on
}};

// The newest version that is agreed upon by a handshake.
inline constexpr ProtocolVersion kNewestLegacyVersion = ProtocolVersion::k2025_11_25;
// What a client that names no version in a header speaks (MCP 2025-06-18, transports).
inline constexpr ProtocolVersion kAssumedVersion = ProtocolVersion::k2025_03_26;

inline const VersionFeatures& FeaturesOf(ProtocolVersion version) {
  return kVersionFeatures[static_cast<size_t>(version)];
}

// Whether clients take events without data, and come back to streams that the server closed early (MCP 2025-11-25,
// transports).
inline bool KnowsPolling(ProtocolVersion version) { return version == ProtocolVersion::k2025_11_25; }

// The version of that name; nothing for an unknown one.
inline std::optional<ProtocolVersion> VersionFromName(absl::string_view name) {
  for (int i = 0; i < kProtocolVersionCount; ++i) {
    if (kVersionFeatures[i].name == name) return static_cast<ProtocolVersion>(i);
  }
  return std::nullopt;
}

// What `initialize` answers to a client that asks for `requested`: the same if it has the handshake, else the newest
// that has. (MCP 2025-11-25, lifecycle)
inline ProtocolVersion NegotiateVersion(absl::string_view requested) {
  const std::optional<ProtocolVersion> version = VersionFromName(requested);
  return version.has_value() && !FeaturesOf(*version).modern ? *version : kNewestLegacyVersion;
}

// A JSON array of the names of all versions served, newest first.
inline constexpr absl::string_view kSupportedVersionsJson =
    R"(["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"])";

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_VERSION_H_
