// Requests for lists: of what the catalogue holds and, after its resources, of what tool services list themselves.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_LIST_EXCHANGE_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_LIST_EXCHANGE_H_

#include <memory>

#include "absl/time/time.h"
#include "common/clock.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/catalog_lists.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/rendering.h"

namespace mcp_edge {

// What lists need beyond the request.
struct ListTerms {
  // For the pages of resources that tool services give:
  // What the services are told of the caller.
  gatehouse::tool::v1::CallContext call_context;
  // How long each may take for its part of a page, and after how long no other one is asked for the same page.
  absl::Duration timeout = absl::Seconds(30);
  // Leave out what the caller lacks scopes for; the list is then the caller's own (MCP 2026-07-28, caching: private).
  bool hide_without_scope = false;
};

// Prepares the answer to the list request `message`. Does not block; a tool service is asked when the exchange is first
// waited for. `lists` and `clock` must outlive the exchange.
//
// A tool service that cannot be asked ends its part of the list, which is logged; the list goes on with the next
// service: on the next page, after an empty one, when that took all the time of a page. What a service lists must be as
// good as what a catalogue holds, must not be in a catalogue already, and must be read by that same service without
// scopes of its own, which nothing would enforce; other resources are left out, which is logged.
std::unique_ptr<Exchange> StartList(ListKind kind, const Message& message, const RequestContext& context,
                                    std::shared_ptr<const CatalogSnapshot> snapshot, CatalogLists& lists,
                                    const CacheTerms& cache, ListTerms terms, const common::Clock& clock);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_LIST_EXCHANGE_H_
