#include "common/rpc/watch_stream.h"

namespace common {

void WatchStream::Begin(const std::shared_ptr<WatchStream>& stream) {
  absl::MutexLock lock(&stream->mutex_);
  stream->self_ = stream;
}

void WatchStream::EndForShutdown() { End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down")); }

void WatchStream::End(const grpc::Status& status) {
  GoOn([this, &status]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (!end_.has_value()) end_ = status;
  });
}

void WatchStream::OnWriteDone(bool ok) {
  GoOn([this, ok]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    writing_ = false;
    if (!ok && !end_.has_value()) end_ = grpc::Status::CANCELLED;
  });
}

void WatchStream::Dispose() {
  std::shared_ptr<WatchStream> self;  // goes after the lock
  absl::MutexLock lock(&mutex_);
  self.swap(self_);
}

}  // namespace common
