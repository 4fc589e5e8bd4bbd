#include "mcp_edge/tools/testing/raw_tool_service.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"

namespace mcp_edge {
namespace {

// Sends one answer. Destroys itself.
class Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Reactor(std::optional<RawToolService::Answer> answer) {
    absl::MutexLock lock(&mutex_);
    if (answer.has_value()) {
      answer_ = *std::move(answer);
      SendNext();
    } else {
      End(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, ""));
    }
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    if (ok) SendNext();
  }
  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_) return;
    if (sent_ == answer_.messages.size()) {
      if (answer_.ends) End(grpc::Status::OK);
      return;
    }
    const grpc::Slice slice(answer_.messages[sent_++]);
    message_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&message_);
  }
  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(ended_, true)) Finish(status);
  }

  absl::Mutex mutex_;
  RawToolService::Answer answer_ ABSL_GUARDED_BY(mutex_);
  size_t sent_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ByteBuffer message_;  // the library's while it is written
};

class GrpcRawToolService final : public RawToolService, private grpc::CallbackGenericService {
 public:
  GrpcRawToolService() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~GrpcRawToolService() override { server_->Shutdown(absl::ToChronoTime(absl::Now())); }

  std::string target() const override { return absl::StrCat("ipv4:127.0.0.1:", port_); }

  void On(const std::string& method, Answer answer) override {
    absl::MutexLock lock(&mutex_);
    answers_[absl::StrCat(kService, method)] = std::move(answer);
  }

  int calls(const std::string& method) const override {
    absl::MutexLock lock(&mutex_);
    const auto found = calls_.find(absl::StrCat(kService, method));
    return found == calls_.end() ? 0 : found->second;
  }

 private:
  static constexpr char kService[] = "/gatehouse.tool.v1.ToolService/";

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    std::optional<Answer> answer;
    absl::MutexLock lock(&mutex_);
    ++calls_[context->method()];
    const auto found = answers_.find(context->method());
    if (found != answers_.end()) answer = found->second;
    return new Reactor(std::move(answer));
  }

  mutable absl::Mutex mutex_;
  std::map<std::string, Answer> answers_ ABSL_GUARDED_BY(mutex_);  // by path
  std::map<std::string, int> calls_ ABSL_GUARDED_BY(mutex_);
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

std::unique_ptr<RawToolService> RawToolService::Start() { return std::make_unique<GrpcRawToolService>(); }

}  // namespace mcp_edge
