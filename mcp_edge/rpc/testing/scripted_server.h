// An HTTP/2 server for tests that answers as it is told, also in ways in which no gRPC server would.

#ifndef GATEHOUSE_MCP_EDGE_RPC_TESTING_SCRIPTED_SERVER_H_
#define GATEHOUSE_MCP_EDGE_RPC_TESTING_SCRIPTED_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mcp_edge {

struct ScriptedRequest {
  int connection = 0;  // counted from 1
  int32_t stream = 0;
  std::map<std::string, std::string> headers;  // and pseudo-headers
  std::string body;
};

struct ScriptedAnswer {
  // Nothing at all if empty.
  std::vector<std::pair<std::string, std::string>> headers = {{":status", "200"}, {"content-type", "application/grpc"}};
  // Sent as it is: framed messages, or something else.
  std::string data;
  // Empty: the stream ends with the data, or with the headers if there is none.
  std::vector<std::pair<std::string, std::string>> trailers = {{"grpc-status", "0"}};
  // The stream stays open after the data.
  bool hang = false;
  // Instead of all that.
  bool reset = false;
  uint32_t reset_code = 0;
  // Before the answer: the connection is going away; the last stream that is looked at, -1: stays.
  int32_t goaway_last_stream = -1;
  // After the answer the connection is closed.
  bool close = false;
  // Bytes that are no HTTP/2, written straight into the connection, which then stays open.
  std::string garbage;
};

// A message as gRPC frames it.
std::string Framed(const std::string& message);

// Thread-safe. Health checks (grpc.health.v1) are answered UNIMPLEMENTED unless `health` is set.
class ScriptedServer {
 public:
  using Script = std::function<ScriptedAnswer(const ScriptedRequest&)>;

  // On a free port of 127.0.0.1.
  explicit ScriptedServer(Script script);
  ~ScriptedServer();

  std::string target() const;
  // Answers health checks from now on with that message and a stream that stays open.
  void SetHealth(const std::string& framed);

  int connections() const;
  // Those that were given to the script.
  std::vector<ScriptedRequest> requests() const;
  // Streams that the client has reset.
  int resets() const;
  // Bytes of answers that were sent.
  size_t sent_bytes() const;

  class Peer;

 private:
  void Accept();

  const Script script_;
  int listener_ = -1;
  int port_ = 0;
  mutable absl::Mutex mutex_;
  std::string health_ ABSL_GUARDED_BY(mutex_);
  int connections_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<ScriptedRequest> requests_ ABSL_GUARDED_BY(mutex_);
  int resets_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t sent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<int> sockets_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::thread accepting_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_RPC_TESTING_SCRIPTED_SERVER_H_
