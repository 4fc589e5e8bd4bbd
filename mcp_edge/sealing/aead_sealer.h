// The sealer of this edge: AES-256-GCM (OpenSSL) under keys that replicas share.

#ifndef GATEHOUSE_MCP_EDGE_SEALING_AEAD_SEALER_H_
#define GATEHOUSE_MCP_EDGE_SEALING_AEAD_SEALER_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/sealing/key_ring.h"
#include "mcp_edge/sealing/sealer.h"

namespace mcp_edge {

// What is sealed is, before base64url:
//
//   1 byte    1, the format
//   1 byte    length of the key's id, and the id
//   8 bytes   when it expires, in milliseconds since 1970, big-endian
//   16 bytes  salt
//   12 bytes  nonce
//   n bytes   the content, encrypted
//   16 bytes  tag
//
// Each is encrypted under a key of its own, HMAC-SHA-256 of the salt under the ring's key, so that no number of them
// makes nonces meet. Authenticated with it: all that stands before the content, and the binding.
class AeadSealer final : public Sealer {
 public:
  // `clock` must outlive the sealer. `keys` must not be empty.
  AeadSealer(KeyRing keys, const common::Clock& clock);

  // Seals and opens with these keys from now on. Whether they are others than before.
  bool SetKeys(KeyRing keys);

  std::string Seal(absl::string_view content, absl::string_view binding, absl::Time expire_time) const override;
  absl::StatusOr<std::string> Open(absl::string_view sealed, absl::string_view binding) const override;

 private:
  std::shared_ptr<const KeyRing> keys() const;

  const common::Clock& clock_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const KeyRing> keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SEALING_AEAD_SEALER_H_
