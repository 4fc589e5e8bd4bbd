// Finds the session that a request names, for the principal that may use it.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_SESSION_MANAGER_H_
#define GATEHOUSE_MCP_EDGE_SESSION_SESSION_MANAGER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "mcp_edge/session/session.h"
#include "mcp_edge/session/session_store.h"

namespace mcp_edge {

// A fresh session id: 256 bits from the system's secure random source, as 43 characters of base64url.
std::string NewSessionId();

// Whether `id` could be one of ours: 43 characters of base64url. Spares the store from anything else.
bool LooksLikeSessionId(absl::string_view id);

// Keeps the live half (Session) of those sessions of the store that this process serves. Thread-safe.
class SessionManager {
 public:
  // `store` and `streams` must outlive the manager. Null `streams`: what was sent cannot be sent again.
  explicit SessionManager(SessionStore& store, StreamStore* streams = nullptr) : store_(store), streams_(streams) {}

  // Opens a session for what `initialize` settled; its id is made here.
  //
  // Errors: kResourceExhausted, kUnavailable: see SessionStore::Create.
  absl::StatusOr<std::shared_ptr<Session>> Open(SessionRecord record);

  // The session `id`, if it exists and belongs to `principal_key`.
  //
  // Errors: kNotFound, there is no such session for this principal; nothing tells whether there is one for another;
  // kUnavailable, the store cannot be reached.
  absl::StatusOr<std::shared_ptr<Session>> Find(absl::string_view id, absl::string_view principal_key);

  // Ends a session that Find gave.
  //
  // Errors: kUnavailable, the store cannot be reached.
  absl::Status End(const Session& session);

  // Counts as a use of the session, as an open stream does.
  void Touch(const Session& session);

  // Calls `visit` with each session that this process serves.
  void ForEach(const std::function<void(Session&)>& visit);

  // Drops the live half of sessions that ended without a word: idle, or ended elsewhere. Call it now and then.
  void Sweep();

  // Ends the live half of every session and their streams; the store keeps what it has.
  void CloseAll();

  size_t size() const;

 private:
  // Ends the live half of a session that the store has no more.
  void LetGo(absl::string_view id);

  SessionStore& store_;
  StreamStore* const streams_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<Session>> live_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_SESSION_MANAGER_H_
