// Carries out requests: the core of the edge, which knows the versions but neither HTTP nor streams nor sessions'
// storage.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_DISPATCHER_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_DISPATCHER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/clock.h"
#include "mcp_edge/audit/audit_log.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/catalog_lists.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/dispatch/round_exchange.h"
#include "mcp_edge/dispatch/scope_check.h"
#include "mcp_edge/dispatch/service_operation.h"
#include "mcp_edge/dispatch/skills.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/sealing/sealer.h"
#include "mcp_edge/tasks/tasks.h"

namespace mcp_edge {

struct DispatcherOptions {
  // How long a call may take when its tool does not say, and at the most. The former counts for resources, prompts and
  // completion, too.
  absl::Duration default_tool_timeout = absl::Seconds(60);
  absl::Duration max_tool_timeout = absl::Minutes(10);
  // What a tool may say during one call, and far more than an honest one does.
  int max_tool_events = 100'000;
  // How long a client with a handshake may take to answer what it is asked.
  absl::Duration client_answer_timeout = absl::Minutes(5);
  // Whether lists hold only what the caller's scopes do for.
  bool hide_without_scope = false;
  // How long clients may reuse lists when no service says (MCP 2026-07-28, caching).
  absl::Duration list_ttl = absl::Minutes(1);
};

// Thread-safe.
class Dispatcher {
 public:
  // The collaborators must outlive the dispatcher and its exchanges. Null `tasks`, `skills`: these extensions are not
  // offered. Null `audit`: nobody wants to know.
  Dispatcher(const DispatcherOptions& options, const Catalog& catalog, const Sealer& sealer, const common::Clock& clock,
             EdgeMetrics& metrics, Tasks* tasks = nullptr, Skills* skills = nullptr, AuditLog* audit = nullptr);

  // Prepares what `message`, a request, asks for. Does not block, and nothing runs before the first Next() or Wait().
  // For a modern request the envelope must have been checked (CheckModernEnvelope); `headers` are then checked against
  // the body. Null `headers`: delivered without (legacy). `message` and `headers` are not used after the return.
  std::unique_ptr<Exchange> Start(const Message& message, const RequestContext& context, const MirrorHeaders* headers);

  // What `principal` lacks for the requests among `messages` together; null: nothing. For those whose answers cannot
  // have a status of their own, before any of them is started; those that lack something are then audited.
  std::shared_ptr<const ScopeShortage> FindShortage(absl::Span<const Message> messages, const Principal& principal,
                                                    absl::string_view request_id) const;

  // The result of `initialize`.
  std::string InitializeResult(ProtocolVersion version) const;

 private:
  // A request on its way through the checks.
  struct Request {
    const Message& message;
    const RequestContext& context;
    const MirrorHeaders* headers;
    std::shared_ptr<const CatalogSnapshot> snapshot;
    // For the audit log: what CheckScopes looked for. Null: it is not audited.
    std::string* scopes_asked;

    bool modern() const { return FeaturesOf(context.version).modern; }
  };
  struct Method;
  static const Method kMethods[];

  using Handler = std::unique_ptr<Exchange> (Dispatcher::*)(const Request& request);
  std::unique_ptr<Exchange> CallTool(const Request& request);
  std::unique_ptr<Exchange> ListTools(const Request& request);
  std::unique_ptr<Exchange> ListResources(const Request& request);
  std::unique_ptr<Exchange> ListResourceTemplates(const Request& request);
  std::unique_ptr<Exchange> ListPrompts(const Request& request);
  std::unique_ptr<Exchange> ReadResource(const Request& request);
  std::unique_ptr<Exchange> Subscribe(const Request& request);
  std::unique_ptr<Exchange> Unsubscribe(const Request& request);
  std::unique_ptr<Exchange> GetPrompt(const Request& request);
  std::unique_ptr<Exchange> Complete(const Request& request);
  std::unique_ptr<Exchange> SetLogLevel(const Request& request);
  std::unique_ptr<Exchange> Ping(const Request& request);
  std::unique_ptr<Exchange> Discover(const Request& request);
  std::unique_ptr<Exchange> GetTask(const Request& request);
  std::unique_ptr<Exchange> UpdateTask(const Request& request);
  std::unique_ptr<Exchange> CancelTask(const Request& request);
  std::unique_ptr<Exchange> ListSkills(const Request& request);
  std::unique_ptr<Exchange> GetSkill(const Request& request);
  std::unique_ptr<Exchange> ReadDirectory(const Request& request);

  std::unique_ptr<Exchange> List(const Request& request, ListKind kind);

  using TaskMethod = TaskAnswer (Tasks::*)(const Message& message, const RequestContext& context);
  std::unique_ptr<Exchange> AnswerTask(const Request& request, TaskMethod method);

  // The exchange of `operation` once `terms` and what the client sent for this round are read.
  std::unique_ptr<Exchange> Run(const Request& request, std::unique_ptr<ServiceOperation> operation,
                                ExchangeTerms terms, const std::optional<std::string>& sealed_state);
  // The refusal of a request whose principal lacks scopes; null when there is none.
  std::unique_ptr<Exchange> CheckScopes(const Request& request, const std::vector<ScopeSet>& sets) const;
  std::unique_ptr<Exchange> CheckScopes(const Request& request, const ScopeRequirements& requirements) const;

  // In-band, for the model.
  std::unique_ptr<Exchange> ToolError(const Request& request, absl::string_view text);

  CacheTerms ListCache(const CatalogSnapshot& snapshot) const;
  // Of what is said of a skill: for the caller alone if others may not see it.
  CacheTerms SkillCache(const CatalogSnapshot& snapshot, const ScopeRequirements& requirements) const;
  ServerCapabilities Capabilities() const;

  const DispatcherOptions options_;
  const Catalog& catalog_;
  const Sealer& sealer_;
  const common::Clock& clock_;
  EdgeMetrics& metrics_;
  Tasks* const tasks_;
  Skills* const skills_;
  AuditLog* const audit_;
  CatalogLists lists_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_DISPATCHER_H_
