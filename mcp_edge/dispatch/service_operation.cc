#include "mcp_edge/dispatch/service_operation.h"

namespace mcp_edge {

void FillCallContext(const RequestContext& context, bool wants_progress, gatehouse::tool::v1::LogLevel log_level,
                     gatehouse::tool::v1::CallContext& call_context) {
  *call_context.mutable_principal() = context.principal->for_tools;
  call_context.set_client_name(context.client->name);
  call_context.set_client_version(context.client->version);
  call_context.set_client_capabilities_json(context.client->capabilities_json);
  call_context.set_log_level(log_level);
  call_context.set_wants_progress(wants_progress);
  call_context.set_request_id(context.request_id);
}

}  // namespace mcp_edge
