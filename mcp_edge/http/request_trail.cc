#include "mcp_edge/http/request_trail.h"

namespace mcp_edge {

RequestTrail& CurrentTrail() {
  thread_local RequestTrail trail;
  return trail;
}

}  // namespace mcp_edge
