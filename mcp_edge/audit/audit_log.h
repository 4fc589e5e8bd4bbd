// The audit log: one line for each decision about what a caller may do. Knows neither HTTP nor JSON-RPC.

#ifndef GATEHOUSE_MCP_EDGE_AUDIT_AUDIT_LOG_H_
#define GATEHOUSE_MCP_EDGE_AUDIT_AUDIT_LOG_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mcp_edge/auth/principal.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/registry.h"

namespace mcp_edge {

// One decision and what came of it.
struct Decision {
  enum class Outcome {
    kAllowed,     // and done; a tool that says itself that it failed is done, too
    kChallenged,  // the token lacks scopes
    kRefused,     // the token is not good, there is no such thing, or the request is wrong
    kFailed,      // the edge, or what is behind it, could not do it
    kCancelled,   // by the client
  };

  // Who; null: nobody knows.
  const Principal* principal = nullptr;
  // The JSON-RPC method; without one, the HTTP method and path.
  absl::string_view method;
  // Of the tool, prompt or task, or the URI. From the client; what is too long is cut.
  absl::string_view name = {};
  // What a tool or prompt is called with, as the client wrote it; from the client, so that it is cut, too. Written only
  // if the log is to have arguments.
  absl::string_view arguments = {};
  // As RequirementsText gives them.
  absl::string_view scopes_asked = {};
  Outcome outcome = Outcome::kAllowed;
  // Unless it is allowed, why not: one of a closed set of words.
  absl::string_view reason = {};
  absl::string_view request_id = {};
  absl::Duration duration = absl::ZeroDuration();
};

// Thread-safe.
class AuditLog {
 public:
  // `writes`: without it, decisions are only counted: gatehouse_edge_decisions_total{outcome,reason}.
  // Instead of arguments it has the word "redacted", unless it `writes_arguments`.
  AuditLog(bool writes, prometheus::Registry& registry, bool writes_arguments = false);

  // The part of a decision's arguments that it has a use for: for those who must keep them until the decision.
  absl::string_view CutArguments(absl::string_view arguments) const;

  // Counts and writes a decision. Does not block: see common::LogAlways.
  void Record(const Decision& decision);

 private:
  const bool writes_;
  const bool writes_arguments_;
  prometheus::Family<prometheus::Counter>& decisions_;
  prometheus::Counter& allowed_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_AUDIT_AUDIT_LOG_H_
