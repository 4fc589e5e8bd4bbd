// Gives clients things to keep that they can neither read nor change: a tool's state between rounds, cursors.

#ifndef GATEHOUSE_MCP_EDGE_SEALING_SEALER_H_
#define GATEHOUSE_MCP_EDGE_SEALING_SEALER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace mcp_edge {

// Thread-safe.
class Sealer {
 public:
  virtual ~Sealer() = default;

  // Seals `content` with authenticated encryption, good until `expire_time`. `binding`: what must be the same when it
  // is opened, such as who and for what; it is not part of the result. The result is base64url, other each time.
  virtual std::string Seal(absl::string_view content, absl::string_view binding, absl::Time expire_time) const = 0;

  // The content of what Seal() gave, on this replica or on one with the same keys.
  //
  // Errors: kInvalidArgument, it was changed, has another binding, was sealed with a key that is unknown here, or is
  // not
  //         sealed at all; kDeadlineExceeded, it has expired.
  virtual absl::StatusOr<std::string> Open(absl::string_view sealed, absl::string_view binding) const = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SEALING_SEALER_H_
