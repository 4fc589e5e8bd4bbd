#include "mcp_edge/dispatch/service_status.h"

#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxTextBytes = 4 << 10;

}  // namespace

std::optional<std::string> TextForCaller(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      return "The tool did not answer in time.";
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kPermissionDenied:
      return status.message().empty() ? absl::StrCat("The tool failed: ", absl::StatusCodeToString(status.code()))
                                      : std::string(status.message().substr(0, kMaxTextBytes));
    default:
      return std::nullopt;
  }
}

RpcError ServiceFault(const absl::Status& status) {
  // A call that somebody else cancelled was lost with its server.
  const bool away = absl::IsUnavailable(status) || absl::IsCancelled(status);
  return {WireErrorKind::kInternal,
          away ? "The tool service is not available now; try again later" : "The tool service failed", ""};
}

}  // namespace mcp_edge
