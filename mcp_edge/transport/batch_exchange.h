// A batch of messages (MCP 2025-03-26, transports) as one exchange.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_BATCH_EXCHANGE_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_BATCH_EXCHANGE_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "mcp_edge/dispatch/dispatcher.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/session/session.h"

namespace mcp_edge {

// Runs the requests of a batch one after the other. Its last step is the array of their responses; but if the client
// takes a stream and a request has something to say before its response, each response is a step of its own, and the
// last step says nothing.
class BatchExchange final : public Exchange {
 public:
  // No further request is run once an array of responses is larger than this.
  static constexpr size_t kMaxArrayBytes = 8 << 20;

  // What is to be known of each request. `traces`: one for each message.
  struct Requests {
    Body body;
    std::vector<TraceContext> traces;
    std::shared_ptr<const Principal> principal;
    std::string request_id;
    bool can_stream = false;
  };

  // `session`, `dispatcher` and what the messages point into must outlive it.
  BatchExchange(Requests requests, Session& session, Dispatcher& dispatcher)
      : requests_(std::move(requests)), session_(session), dispatcher_(dispatcher) {}
  ~BatchExchange() override;

  Step Next() override;
  bool Wait(absl::Time until) override;
  void Cancel() override;

 private:
  // Does one thing of what is left to do. False: nothing happened until `until`.
  bool Advance(absl::Time until);
  void Begin(const Message& message, const TraceContext& trace);
  void Say(Step step);
  void Respond(std::string response);
  void End();

  const Requests requests_;
  Session& session_;
  Dispatcher& dispatcher_;
  size_t next_ = 0;            // the message to be begun
  std::string running_id_;     // of running_
  bool streaming_ = false;     // whether steps were said before the end
  size_t response_bytes_ = 0;  // of responses_
  std::vector<std::string> responses_;
  std::deque<Step> ready_;
  absl::Mutex mutex_;
  std::unique_ptr<Exchange> running_;  // changed with the mutex held; used by the thread of Next() without
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_BATCH_EXCHANGE_H_
