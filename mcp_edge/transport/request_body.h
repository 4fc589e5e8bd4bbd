// Takes in the body of a POST, bounded.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_BODY_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_BODY_H_

#include <cstddef>
#include <string>

#include "httplib.h"

namespace mcp_edge {

// Reads the body into `body`, after checking its declared type and size. False: the answer is set (413, 415), or the
// body did not arrive and cpp-httplib answers. `max_bytes` must not exceed the server's own bound.
bool ReadBody(const httplib::Request& request, const httplib::ContentReader& reader, size_t max_bytes,
              httplib::Response& response, std::string& body);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_BODY_H_
