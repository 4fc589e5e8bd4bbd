// Whatever a client sends as a cursor, it is refused; and whatever a cursor holds that was sealed here, by another
// version of the edge perhaps, it leads to a page or is refused, too.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "mcp_edge/dispatch/catalog_lists.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/sealing/aead_sealer.h"

namespace {

using mcp_edge::CatalogLists;
using mcp_edge::ListKind;

struct World {
  World() {
    mcp_edge::CatalogContents contents;
    for (int i = 0; i < 5; ++i) {
      contents.tools.emplace_back();
      contents.tools.back().name = absl::StrCat("tool", i);
      contents.tools.back().tool.set_input_schema_json("{}");
      contents.resources.emplace_back();
      contents.resources.back().resource.set_uri(absl::StrCat("a:", i));
    }
    catalog.Publish(contents);
  }

  common::FakeClock clock;
  mcp_edge::AeadSealer sealer{mcp_edge::RandomKeyRing(), clock};
  CatalogLists lists{sealer, clock, /*page_size=*/2};
  mcp_edge::Catalog catalog;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World* const world = new World;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  for (const ListKind kind : {ListKind::kTools, ListKind::kResources, ListKind::kPrompts}) {
    const auto get = [&](absl::string_view cursor) {
      return world->lists.GetPage(kind, *world->catalog.Current(), mcp_edge::ProtocolVersion::k2026_07_28, cursor, "me",
                                  {absl::Seconds(1), false});
    };
    if (!std::holds_alternative<CatalogLists::BadCursor>(get(input))) std::abort();
    const std::string binding = absl::StrCat("cursor\n", mcp_edge::ListMember(kind), "\nme");
    const CatalogLists::Page page = get(world->sealer.Seal(input, binding, absl::InfiniteFuture()));
    const auto* text = std::get_if<std::string>(&page);
    if (text == nullptr) continue;
    const auto json = mcp_edge::ReadJson(*text);
    if (!json.ok() || !(*json)[std::string(mcp_edge::ListMember(kind))].is_array()) std::abort();
  }
  return 0;
}
