// Requests to a client with a handshake that wait for its answer.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_CLIENT_REQUESTS_H_
#define GATEHOUSE_MCP_EDGE_SESSION_CLIENT_REQUESTS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace mcp_edge {

// What a client answered.
struct ClientAnswer {
  // The `result`, any JSON text; empty when the client answered with an error.
  std::string result_json;
  // The `error` otherwise. The message is at most 256 bytes.
  int error_code = 0;
  std::string error_message;
};

// Those of one session. Thread-safe.
class ClientRequests {
 public:
  // Called once, by the thread that delivers the answer. Must not block, nor call back into this object.
  using OnAnswer = std::function<void(ClientAnswer answer)>;

  // Expects the answer to a request that is about to be sent. Returns its id as JSON text, unique in the session.
  std::string Expect(OnAnswer on_answer);

  // Expects that answer no more. When it returns, `on_answer` runs no more and never will. Unknown ids are ignored.
  void Forget(absl::string_view id_json);

  // Hands over an answer. False: nobody waits for it (any more).
  bool Deliver(absl::string_view id_json, ClientAnswer answer);

 private:
  absl::Mutex mutex_;  // held while an answer is handed over
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, OnAnswer> expected_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_CLIENT_REQUESTS_H_
