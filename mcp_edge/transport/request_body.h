// Takes in the body of a POST, bounded.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_BODY_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_BODY_H_

#include <cstddef>
#include <string>

#include "httplib.h"
#include "mcp_edge/transport/body_budget.h"

namespace mcp_edge {

// A body, and its share of what all bodies may take.
struct RequestBody {
  BodyBudget::Share share;
  std::string text;
};

// Reads the body into `body`, after checking its declared type and size. False: the answer is set (413, 415; 503 when
// `budget` has no room), or the body did not arrive and cpp-httplib answers. `max_bytes` must not exceed the server's
// own bound. Room is taken as bytes arrive: who only announces a large body takes none.
bool ReadBody(const httplib::Request& request, const httplib::ContentReader& reader, size_t max_bytes,
              BodyBudget& budget, httplib::Response& response, RequestBody& body);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_BODY_H_
