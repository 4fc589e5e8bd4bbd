#include "mcp_edge/transport/session_notifier.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"
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

SessionNotifier::SessionNotifier(EventBus& bus, SessionManager& sessions, SseEndpoint& sse)
    : sessions_(sessions), sse_(sse), subscription_(bus.Subscribe([this](const Event& event) { Tell(event); })) {}

void SessionNotifier::Tell(const Event& event) {
  const std::string message = NotificationOf(event);
  if (message.empty()) return;
  const auto tell = [&](Session& session) {
    if (event.kind == Event::Kind::kResourceUpdated && !session.state().IsSubscribed(event.uri)) return;
    session.Send(message, /*coalesce=*/true);
  };
  sessions_.ForEach(tell);
  sse_.ForEach(tell);
}

}  // namespace mcp_edge
