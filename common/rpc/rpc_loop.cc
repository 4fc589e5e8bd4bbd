#include "common/rpc/rpc_loop.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <cstdint>
#include <limits>
#include <string>

namespace common {

void RpcLoop::Start(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

bool RpcLoop::AwaitCalls(absl::Time deadline) {
  // A server is shut down when its connections are, whoever still holds a call of theirs.
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(absl::Condition(
                                      +[](int64_t* guests) { return *guests == 0; }, &guests_),
                                  deadline);
}

void RpcLoop::Stop() {
  if (stopped_) return;
  stopped_ = true;
  AwaitCalls(absl::InfiniteFuture());  // what happens in a call must find the queue open
  queue_->Shutdown();
  if (threads_.empty()) Work();  // somebody must take what is there
  for (std::thread& thread : threads_) thread.join();
}

void RpcLoop::Work() {
  void* event;
  bool ok;
  while (queue_->Next(&event, &ok)) static_cast<RpcEvent*>(event)->Tell(ok);
}

RpcCall::RpcCall(RpcLoop& loop) : guest_(loop) { context_.AsyncNotifyWhenDone(left_.Ask()); }

void RpcCall::Arrive(bool ok) {
  if (!ok) {  // then there is no call that could leave
    Dispose();
    return;
  }
  OnArrival();
  LetGo();
}

void RpcCall::Leave(bool /*ok*/) {
  if (context_.IsCancelled()) OnCancel();
  LetGo();
}

void RpcCall::End(bool /*ok*/) { LetGo(); }

void RpcCall::LetGo() {
  if (holds_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  OnDone();
  Dispose();
}

bool ReadRpcMessage(grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message) {
  grpc::ProtoBufferReader reader(&bytes);
  const bool is_read = reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
  bytes.Clear();
  return is_read;
}

absl::Status UnreadableRequest() { return absl::InternalError("the request is no message of its method"); }

grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

grpc::ByteBuffer WriteRpcMessage(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  if (size > std::numeric_limits<int>::max()) return grpc::ByteBuffer();
  grpc::Slice slice(size);
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));  // nobody else has it yet
  return grpc::ByteBuffer(&slice, 1);
}

void UnaryRpc::Finish(const google::protobuf::MessageLite& response) {
  const grpc::ByteBuffer bytes = WriteRpcMessage(response);
  writer_.Finish(bytes, grpc::Status::OK, AskForEnd());
}

void UnaryRpc::FinishWithError(const grpc::Status& status) { writer_.FinishWithError(status, AskForEnd()); }

void StreamRpc::Write(const google::protobuf::MessageLite& message) {
  const grpc::ByteBuffer bytes = WriteRpcMessage(message);
  writer_.Write(bytes, written_.Ask());
}

void StreamRpc::WriteAndFinish(const google::protobuf::MessageLite& last) {
  const grpc::ByteBuffer bytes = WriteRpcMessage(last);
  writer_.WriteAndFinish(bytes, grpc::WriteOptions(), grpc::Status::OK, AskForEnd());
}

void StreamRpc::Finish(const grpc::Status& status) { writer_.Finish(status, AskForEnd()); }

}  // namespace common
