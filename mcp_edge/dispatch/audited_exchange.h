// Tells the audit log what became of a request.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_AUDITED_EXCHANGE_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_AUDITED_EXCHANGE_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/audit/audit_log.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/dispatch/exchange.h"

namespace mcp_edge {

// What the log says of a request besides its outcome: see Decision.
struct AuditTrail {
  std::shared_ptr<const Principal> principal;
  std::string method;
  std::string name;
  std::string arguments;
  std::string scopes_asked;
  std::string request_id;
  absl::Time begin_time;
};

// `exchange`, whose last step is recorded; if it is destroyed before, that the client cancelled. `audit` and `clock`
// must outlive it.
std::unique_ptr<Exchange> Audited(std::unique_ptr<Exchange> exchange, AuditTrail trail, AuditLog& audit,
                                  const common::Clock& clock);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_AUDITED_EXCHANGE_H_
