// The edge's signature under the principal of a call, by which a tool service knows that the edge, and nobody else,
// says who calls. docs/adr/0014-the-edge-signs-principals.md has the reasons, docs/writing-a-tool.md what a service
// checks.

#ifndef GATEHOUSE_MCP_EDGE_ASSERTION_PRINCIPAL_SIGNER_H_
#define GATEHOUSE_MCP_EDGE_ASSERTION_PRINCIPAL_SIGNER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/es256_jws.h"
#include "common/expiring_cache.h"
#include "common/token_digest.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace mcp_edge {

// How long an assertion is good: long enough for clocks that differ and calls that wait, too short to be worth
// stealing.
inline constexpr absl::Duration kAssertionLifetime = absl::Seconds(120);
inline constexpr absl::Duration kMinAssertionLifetime = absl::Seconds(30);

// The first one signs, all are published: so a new key is added at the end everywhere, then moved to the front, and the
// old one goes when what it signed has expired. Never empty.
using PrincipalKeys = std::vector<common::Es256PrivateKey>;

// Reads a PEM file of at most 64 KiB with 1 to 16 private keys of the curve P-256.
//
// Errors: kInvalidArgument, naming the file and the rule and never what the file holds; those of common::ReadFile.
absl::StatusOr<PrincipalKeys> ReadPrincipalKeys(const std::string& file_name);

// Thread-safe.
class PrincipalSigner {
 public:
  // `issuer`: what tools find as `iss`, the URI of the protected resource that the edge is. `clock` and `registry`
  // must outlive the signer.
  PrincipalSigner(std::string issuer, PrincipalKeys keys, const common::Clock& clock, prometheus::Registry& registry);

  // Signs with these from now on. Whether they are others than before.
  bool SetKeys(PrincipalKeys keys);

  // The public keys as a JWK Set (RFC 7517, section 5).
  std::string KeySetJson() const;

  // A compact JWS of `typ` gatehouse-principal+jwt: a JWT (RFC 7519) that says what `principal` says to the tool
  // service `audience` alone, as it is named in the tool services file. `assertion` of `principal` must be empty.
  //
  // Expires after kAssertionLifetime, or with the token if that is earlier, but not within kMinAssertionLifetime; once
  // the token has expired (a task outlives it) after kAssertionLifetime again, and `token_exp` tells the truth. The
  // same one is given for half of its life, so that most calls cost a digest and a copy; one of more than 8 KiB is
  // signed each time.
  std::string Sign(const gatehouse::tool::v1::Principal& principal, absl::string_view audience);

 private:
  struct Signing {
    PrincipalKeys keys;
    std::string header_json;  // of what the first one signs
  };

  std::shared_ptr<const Signing> signing() const;

  const std::string issuer_;
  const common::Clock& clock_;
  prometheus::Counter& signed_total_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Signing> signing_ ABSL_GUARDED_BY(mutex_);
  common::ExpiringCache<common::TokenDigest, std::shared_ptr<const std::string>> cache_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_ASSERTION_PRINCIPAL_SIGNER_H_
