// What has changed, told to everybody whose stream wants to know. With several replicas of the edge, an implementation
// that they share carries an event from the one where it arises to the streams of all.

#ifndef GATEHOUSE_MCP_EDGE_EVENTS_EVENT_BUS_H_
#define GATEHOUSE_MCP_EDGE_EVENTS_EVENT_BUS_H_

#include <functional>
#include <memory>
#include <string>

namespace mcp_edge {

// All of it can be written down.
struct Event {
  enum class Kind {
    kToolsChanged,      // the list of tools
    kResourcesChanged,  // that of resources, or of their templates
    kPromptsChanged,    // that of prompts
    kResourceUpdated,   // the contents of the resource `uri`, or of one below it
    kTaskChanged,       // the task `task_id`; what it now is, is in the store of tasks
  };

  Kind kind = Kind::kToolsChanged;
  std::string uri = {};
  std::string task_id = {};
};

// Thread-safe.
class EventBus {
 public:
  virtual ~EventBus() = default;

  // Ends a subscription when destroyed; when that returns, the subscriber is called no more.
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };

  // Called for each event, on the thread that publishes it: must not block, nor publish, nor end a subscription.
  using Subscriber = std::function<void(const Event& event)>;

  virtual void Publish(const Event& event) = 0;
  virtual std::unique_ptr<Subscription> Subscribe(Subscriber subscriber) = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_EVENTS_EVENT_BUS_H_
