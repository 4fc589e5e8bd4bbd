#include "mcp_edge/session/client_requests.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace mcp_edge {

std::string ClientRequests::Expect(OnAnswer on_answer) {
  absl::MutexLock lock(&mutex_);
  // A string, so that it never looks like an id of the client's own.
  std::string id_json = absl::StrCat("\"ask-", ++last_id_, "\"");
  expected_.emplace(id_json, std::move(on_answer));
  return id_json;
}

void ClientRequests::Forget(absl::string_view id_json) {
  absl::MutexLock lock(&mutex_);
  expected_.erase(id_json);
}

bool ClientRequests::Deliver(absl::string_view id_json, ClientAnswer answer) {
  absl::MutexLock lock(&mutex_);
  const auto found = expected_.find(id_json);
  if (found == expected_.end()) return false;
  const OnAnswer on_answer = std::move(found->second);
  expected_.erase(found);
  on_answer(std::move(answer));
  return true;
}

}  // namespace mcp_edge
