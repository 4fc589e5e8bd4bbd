// Asks auth_service about tokens, and remembers its verdicts for a short, configured time.

#ifndef GATEHOUSE_MCP_EDGE_AUTH_AUTH_CLIENT_H_
#define GATEHOUSE_MCP_EDGE_AUTH_AUTH_CLIENT_H_

#include <cstddef>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/expiring_cache.h"
#include "common/token_digest.h"
#include "mcp_edge/auth/token_verifier.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/rpc/rpc_channel.h"

namespace mcp_edge {

struct AuthClientOptions {
  // How long a principal may be reused without asking again; the verdict's own `reuse_until_time` may shorten it. Zero:
  // every request asks. Refusals are kept for the shorter of this and five seconds.
  absl::Duration verdict_ttl = absl::Seconds(5);
  // Verdicts kept at most.
  size_t verdict_cache_size = 100'000;
};

// Concurrent questions about one token make one RPC, unless `verdict_ttl` is zero.
class AuthClient final : public TokenVerifier {
 public:
  // `channel`: to auth_service; it, `clock` and `metrics` must outlive the client.
  AuthClient(const RpcChannel& channel, const AuthClientOptions& options, const common::Clock& clock,
             EdgeMetrics& metrics);
  ~AuthClient() override;

  absl::StatusOr<Verdict> Verify(absl::string_view token, absl::string_view resource, absl::string_view request_id,
                                 absl::Time deadline) override;

 private:
  struct Flight;

  struct Question {
    absl::string_view token;
    absl::string_view resource;
    absl::string_view request_id;
    absl::Time deadline;
  };

  // Asks on behalf of all who wait for `flight`, and remembers the verdict.
  absl::StatusOr<Verdict> Lead(const common::TokenDigest& digest, const Question& question, Flight& flight);
  // Makes one RPC.
  absl::StatusOr<Verdict> Ask(const Question& question, absl::Time& reuse_until_time);

  const RpcChannel& channel_;
  const AuthClientOptions options_;
  const common::Clock& clock_;
  EdgeMetrics& metrics_;
  common::ExpiringCache<common::TokenDigest, std::shared_ptr<const Verdict>> cache_;
  absl::Mutex mutex_;
  absl::flat_hash_map<common::TokenDigest, std::shared_ptr<Flight>> flights_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_AUTH_AUTH_CLIENT_H_
