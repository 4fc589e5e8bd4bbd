// gRPC's own log lines in our format.

#ifndef GATEHOUSE_COMMON_GRPC_LOG_H_
#define GATEHOUSE_COMMON_GRPC_LOG_H_

#include <grpc/support/log.h>

#include "common/log.h"

namespace common {

// They explain, and what they explain is also logged by those whom it concerns. Call once InitLog() has been.
inline void LogForGrpc() {
  gpr_set_log_function([](gpr_log_func_args* line) {
    Log(Severity::kDebug, "grpc", {{"message", line->message}, {"file", line->file}, {"line", line->line}});
  });
}

}  // namespace common

#endif  // GATEHOUSE_COMMON_GRPC_LOG_H_
