#include "mcp_edge/transport/session_notifier.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "mcp_edge/dispatch/scope_check.h"
#include "mcp_edge/jsonrpc/message.h"

namespace mcp_edge {
namespace {

// The notification of an event, or nothing for one that clients with a handshake do not know.
std::string NotificationOf(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kToolsChanged:
      return NotificationText("notifications/tools/list_changed", "{}");
    case Event::Kind::kResourcesChanged:
      return NotificationText("notifications/resources/list_changed", "{}");
    case Event::Kind::kPromptsChanged:
      return NotificationText("notifications/prompts/list_changed", "{}");
    case Event::Kind::kResourceUpdated: {
      std::string params = "{\"uri\":";
      common::AppendJsonString(event.uri, params);
      params += '}';
      return NotificationText("notifications/resources/updated", params);
    }
    case Event::Kind::kTaskChanged:
      return "";
  }
  return "";
}

}  // namespace

SessionNotifier::SessionNotifier(EventBus& bus, const Catalog& catalog, SessionManager& sessions, SseEndpoint& sse,
                                 const common::Clock& clock)
    : catalog_(catalog),
      sessions_(sessions),
      sse_(sse),
      clock_(clock),
      subscription_(bus.Subscribe([this](const Event& event) { Tell(event); })) {}

bool SessionNotifier::IsToHear(const SessionState& state, const CatalogSnapshot& snapshot,
                               const std::string& uri) const {
  if (!state.IsSubscribed(uri)) return false;
  const std::shared_ptr<const Principal> principal = state.principal();
  return principal != nullptr && clock_.Now() < principal->expire_time && MayHear(snapshot, *principal, uri);
}

void SessionNotifier::Tell(const Event& event) {
  const std::string message = NotificationOf(event);
  if (message.empty()) return;
  const std::shared_ptr<const CatalogSnapshot> snapshot = catalog_.Current();
  const auto tell = [&](Session& session) {
    if (event.kind == Event::Kind::kResourceUpdated && !IsToHear(session.state(), *snapshot, event.uri)) return;
    session.Send(message, /*coalesce=*/true);
  };
  sessions_.ForEach(tell);
  sse_.ForEach(tell);
}

}  // namespace mcp_edge
