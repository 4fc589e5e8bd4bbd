// A stream of a server that stays open, to tell a client of every change of something.

#ifndef GATEHOUSE_COMMON_RPC_WATCH_STREAM_H_
#define GATEHOUSE_COMMON_RPC_WATCH_STREAM_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/rpc/rpc_loop.h"
#include "google/protobuf/message_lite.h"

namespace common {

// Holds itself, once held by Begin(), until gRPC is done with it.
//
// What there is to say is kept by the derived class, under `mutex_`. No lock is held while gRPC is called.
class WatchStream : public StreamRpc {
 public:
  // To be called for each, before it waits for a call.
  static void Begin(const std::shared_ptr<WatchStream>& stream);

  // Ends it with UNAVAILABLE, once what is being written has been written.
  void EndForShutdown();

 protected:
  using StreamRpc::StreamRpc;

  // What is to be sent next, or null.
  virtual std::shared_ptr<const google::protobuf::MessageLite> TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;

  // Applies `change`, with the lock held, and takes the step that follows from the state, if any. Not before the call
  // is there.
  template <typename Change>
  void GoOn(Change change) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::optional<grpc::Status> end;
    {
      absl::MutexLock lock(&mutex_);
      change();
      if (writing_ || ended_) return;
      if (end_.has_value()) {
        ended_ = true;
        end = end_;
      } else {
        sending_ = TakeNext();
        if (sending_ == nullptr) return;
        writing_ = true;
      }
    }
    if (end.has_value()) {
      Finish(*end);
    } else {
      Write(*sending_);  // constant while `writing_`
    }
  }

  std::shared_ptr<WatchStream> self() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return self_;
  }

  // Ends it as EndForShutdown() does, with `status`.
  void End(const grpc::Status& status);

  absl::Mutex mutex_;

 private:
  void OnWriteDone(bool ok) override;
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void Dispose() override;

  std::shared_ptr<WatchStream> self_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // Finish() was called
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const google::protobuf::MessageLite> sending_;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_RPC_WATCH_STREAM_H_
