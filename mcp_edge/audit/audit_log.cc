#include "mcp_edge/audit/audit_log.h"

#include <string>

#include "common/log.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxBytes = 1 << 10;  // of a name, and of the scopes

constexpr size_t kMaxArgumentsBytes = 4 << 10;

constexpr char kAllowed[] = "allowed";
constexpr absl::string_view kRedacted = "redacted";

const char* NameOf(Decision::Outcome outcome) {
  switch (outcome) {
    case Decision::Outcome::kAllowed:
      return kAllowed;
    case Decision::Outcome::kChallenged:
      return "challenged";
    case Decision::Outcome::kRefused:
      return "refused";
    case Decision::Outcome::kFailed:
      return "failed";
    case Decision::Outcome::kCancelled:
      return "cancelled";
  }
  return "failed";
}

absl::string_view Cut(absl::string_view text) { return text.substr(0, kMaxBytes); }

}  // namespace

AuditLog::AuditLog(bool writes, prometheus::Registry& registry, bool writes_arguments)
    : writes_(writes),
      writes_arguments_(writes_arguments),
      decisions_(prometheus::BuildCounter()
                     .Name("gatehouse_edge_decisions_total")
                     .Help("Decisions about what callers may do, by outcome and reason.")
                     .Register(registry)),
      allowed_(decisions_.Add({{"outcome", kAllowed}, {"reason", ""}})) {}

absl::string_view AuditLog::CutArguments(absl::string_view arguments) const {
  return arguments.substr(0, writes_arguments_ ? kMaxArgumentsBytes : 1);
}

void AuditLog::Record(const Decision& decision) {
  const char* const outcome = NameOf(decision.outcome);
  if (decision.outcome == Decision::Outcome::kAllowed) {
    allowed_.Increment();
  } else {
    decisions_.Add({{"outcome", outcome}, {"reason", std::string(decision.reason)}}).Increment();
  }
  if (!writes_) return;
  static const Principal* const kNobody = new Principal;
  const Principal& who = decision.principal == nullptr ? *kNobody : *decision.principal;
  // Most callers have few and short ones.
  thread_local std::string held;
  held.clear();
  for (const std::string& scope : who.scopes) {
    if (held.size() > kMaxBytes) break;
    if (!held.empty()) held += ' ';
    held += scope;
  }
  common::LogAlways(
      "audit",
      {{"request_id", decision.request_id},
       {"issuer", Cut(who.issuer)},
       {"subject", Cut(who.subject)},
       {"client_id", Cut(who.client_id)},
       {"method", Cut(decision.method)},
       {"name", Cut(decision.name)},
       {"arguments", writes_arguments_ || decision.arguments.empty() ? CutArguments(decision.arguments) : kRedacted},
       {"scopes_asked", Cut(decision.scopes_asked)},
       {"scopes_held", who.scopes_known || decision.principal == nullptr ? Cut(held) : "unknown"},
       {"outcome", outcome},
       {"reason", decision.reason},
       {"duration_us", absl::ToInt64Microseconds(decision.duration)}});
}

}  // namespace mcp_edge
