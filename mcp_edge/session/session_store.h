// Where sessions are remembered. Many replicas of the edge can serve a session if they share a store.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_SESSION_STORE_H_
#define GATEHOUSE_MCP_EDGE_SESSION_SESSION_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/version.h"

namespace mcp_edge {

// What a handshake settled. Never changes; all of it can be written down.
struct SessionRecord {
  // `Mcp-Session-Id`: 128 random bits and more, in characters 0x21 to 0x7E. Names a session, proves nothing.
  std::string id;
  // Principal::key of who opened it. Nobody else may use it.
  std::string principal_key;
  ProtocolVersion version = kNewestLegacyVersion;
  ClientDescription client;
};

// Thread-safe. A session ends when it is erased, when it was not used for the store's idle time, or when the store has
// to make room for others of the same principal.
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // Remembers a session under its id. Returns the ids of sessions that ended to make room for it.
  //
  // Errors: kResourceExhausted, the store is full; kUnavailable, it cannot be reached.
  virtual absl::StatusOr<std::vector<std::string>> Create(std::shared_ptr<const SessionRecord> record) = 0;

  // The session of that id, whose idle time begins anew.
  //
  // Errors: kNotFound, there is none (any more); kUnavailable, the store cannot be reached.
  virtual absl::StatusOr<std::shared_ptr<const SessionRecord>> Get(absl::string_view id) = 0;

  // Whether there is such a session. Does not count as use.
  //
  // Errors: kUnavailable, the store cannot be reached.
  virtual absl::StatusOr<bool> Exists(absl::string_view id) = 0;

  // Ends the session. Ending one that is not there is no error.
  //
  // Errors: kUnavailable, the store cannot be reached.
  virtual absl::Status Erase(absl::string_view id) = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_SESSION_STORE_H_
