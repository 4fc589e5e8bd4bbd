// Threads that serve gRPC, and calls that they take, answer and end.
//
// What gRPC's callback API is for others: handlers are methods of an object that lives as long as its call. That API
// has threads of its own, at least two, which wake each other for every call, and a third that ends each stream; here
// there are as many as one likes, and everything of a call happens on them
// (docs/adr/0022-one-thread-reads-the-calls.md).
//
// Knows no service. Everything of a grpc::Server must be served by an RpcLoop: other services bring back the threads.

#ifndef GATEHOUSE_COMMON_RPC_RPC_LOOP_H_
#define GATEHOUSE_COMMON_RPC_RPC_LOOP_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"

namespace common {

// Something that gRPC is asked for, and tells of when it is there.
class RpcEvent {
 public:
  // What gRPC is to be given. One who asks is followed by one who is told before it is asked for again.
  void* Ask() {
    asked_.store(true, std::memory_order_release);
    return this;
  }

  // Tells whoever asked, on a thread of the loop. `ok`: it went well.
  void Tell(bool ok) {
    (void)asked_.load(std::memory_order_acquire);
    Happen(ok);
  }

 protected:
  ~RpcEvent() = default;
  virtual void Happen(bool ok) = 0;

 private:
  // Orders what was done before it was asked for before what is done when it is there. gRPC does so too, but race
  // detectors do not see into it.
  std::atomic<bool> asked_{false};
};

// In this order: make it from a builder, build the server, let each service wait for calls, Start(); shut the server
// down, Stop().
class RpcLoop {
 public:
  explicit RpcLoop(grpc::ServerBuilder& builder) : queue_(builder.AddCompletionQueue()) {}
  // As Stop().
  ~RpcLoop() { Stop(); }

  RpcLoop(const RpcLoop&) = delete;
  RpcLoop& operator=(const RpcLoop&) = delete;

  // Begins to work, on `threads` threads.
  void Start(int threads);

  // Waits until every call is gone, and its object too. The server must have been shut down, or never been built.
  // False: not until `deadline`.
  bool AwaitCalls(absl::Time deadline);

  // The same without end, and ends the threads. May be called more than once, not by two threads at once.
  void Stop();

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

  // Makes Stop() wait for as long as it lives.
  class Guest {
   public:
    explicit Guest(RpcLoop& loop) : loop_(loop) {
      absl::MutexLock lock(&loop_.mutex_);
      ++loop_.guests_;
    }
    ~Guest() {
      absl::MutexLock lock(&loop_.mutex_);
      --loop_.guests_;
    }

    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

   private:
    RpcLoop& loop_;
  };

 private:
  void Work();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  absl::Mutex mutex_;
  int64_t guests_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_;
  bool stopped_ = false;
};

// An event that calls a method of its owner.
template <typename Owner, void (Owner::*kMethod)(bool)>
class RpcEventOf final : public RpcEvent {
 public:
  explicit RpcEventOf(Owner* owner) : owner_(owner) {}

 private:
  void Happen(bool ok) override { (owner_->*kMethod)(ok); }

  Owner* const owner_;
};

// A call, from the time when it is waited for. Made with `new`; deletes itself.
//
// Its derived class asks gRPC for a call, with AskForArrival(), and says how it ends: for every call that arrives, it
// asks gRPC once to end it, with AskForEnd().
class RpcCall {
 public:
  RpcCall(const RpcCall&) = delete;
  RpcCall& operator=(const RpcCall&) = delete;

 protected:
  // `loop` must outlive it.
  explicit RpcCall(RpcLoop& loop);
  virtual ~RpcCall() = default;

  // The call is there. Wait for the next one first. May end the call; may be followed, while it still runs, by all that
  // is below but OnDone().
  virtual void OnArrival() = 0;
  // Nobody waits for the answer any more; the call must be ended nevertheless.
  virtual void OnCancel() {}
  // The call has ended, and OnArrival() has returned. Of each call that arrived.
  virtual void OnDone() {}
  // Lets go of the object: after OnDone(), or instead of OnArrival() when the server is shut down.
  virtual void Dispose() { delete this; }

  void* AskForArrival() { return arrived_.Ask(); }
  void* AskForEnd() { return ended_.Ask(); }

 private:
  const RpcLoop::Guest guest_;  // goes last

 protected:
  grpc::ServerContext context_;

 private:
  void Arrive(bool ok);
  void Leave(bool ok);
  void End(bool ok);
  void LetGo();

  // What must be over before the object may go: OnArrival(), the call as gRPC sees it, and its status being sent.
  std::atomic<int> holds_{3};
  RpcEventOf<RpcCall, &RpcCall::Arrive> arrived_{this};
  RpcEventOf<RpcCall, &RpcCall::Leave> left_{this};
  RpcEventOf<RpcCall, &RpcCall::End> ended_{this};
};

// Reads a message that came in a call. False: it is none.
bool ReadRpcMessage(grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message);

// The end of a call whose request cannot be read: kInternal, as gRPC's own servers have it.
absl::Status UnreadableRequest();

// The same code and message.
grpc::Status ToGrpcStatus(const absl::Status& status);

// What goes out in a call. What is too large for protobuf, 2 GiB, is nothing that could be sent.
grpc::ByteBuffer WriteRpcMessage(const google::protobuf::MessageLite& message);

// A call with one request and one response.
class UnaryRpc : public RpcCall {
 protected:
  using RpcCall::RpcCall;
  using Writer = grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>;

  // Ends the call. Once; this object may be gone when it returns.
  void Finish(const google::protobuf::MessageLite& response);
  void FinishWithError(const grpc::Status& status);

  grpc::ByteBuffer request_bytes_;
  Writer writer_{&context_};
};

// A call with one request and any number of messages for an answer. One thing at a time: no write before the last one
// is done.
class StreamRpc : public RpcCall {
 protected:
  using RpcCall::RpcCall;
  using Writer = grpc::ServerAsyncWriter<grpc::ByteBuffer>;

  // Sends a message, which need not outlive the call of this method; OnWriteDone() follows.
  void Write(const google::protobuf::MessageLite& message);
  // Ends the call: with OK after one more message, in one piece with it, or with any status. Once; this object may be
  // gone when it returns.
  void WriteAndFinish(const google::protobuf::MessageLite& last);
  void Finish(const grpc::Status& status);

  // `ok` false: nobody reads any more.
  virtual void OnWriteDone(bool /*ok*/) {}

  grpc::ByteBuffer request_bytes_;
  Writer writer_{&context_};

 private:
  void OnWritten(bool ok) { OnWriteDone(ok); }

  RpcEventOf<StreamRpc, &StreamRpc::OnWritten> written_{this};
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_RPC_RPC_LOOP_H_
