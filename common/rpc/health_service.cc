#include "common/rpc/health_service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/rpc/watch_stream.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace common {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using RpcMethods = Health::WithRawMethod_Check<Health::WithRawMethod_Watch<Health::Service>>;

class HealthStream;

}  // namespace

class HealthCore {
 public:
  explicit HealthCore(std::vector<std::string> names) : names_(std::move(names)) {}

  bool Knows(const std::string& name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }

  HealthCheckResponse::ServingStatus status() const {
    absl::MutexLock lock(&mutex_);
    return status_;
  }

  void Set(bool serving, bool for_good);
  // Tells `stream` of every change from now on.
  void Keep(const std::shared_ptr<HealthStream>& stream);

  RpcMethods methods;
  RpcLoop* loop = nullptr;  // set before the first call, then constant

 private:
  const std::vector<std::string> names_;
  mutable absl::Mutex mutex_;
  HealthCheckResponse::ServingStatus status_ ABSL_GUARDED_BY(mutex_) = HealthCheckResponse::NOT_SERVING;
  bool is_final_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<HealthStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

namespace {

class HealthCheck final : public UnaryRpc {
 public:
  static void Await(HealthCore& core) {
    HealthCheck* const check = new HealthCheck(core);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    core.methods.RequestCheck(&check->context_, &check->request_bytes_, &check->writer_, queue, queue,
                              check->AskForArrival());
  }

 private:
  explicit HealthCheck(HealthCore& core) : UnaryRpc(*core.loop), core_(core) {}

  void OnArrival() override {
    Await(core_);
    HealthCheckRequest request;
    if (!ReadRpcMessage(request_bytes_, request)) {
      FinishWithError(ToGrpcStatus(UnreadableRequest()));
    } else if (!core_.Knows(request.service())) {
      FinishWithError(grpc::Status(grpc::StatusCode::NOT_FOUND, "there is no such service"));
    } else {
      HealthCheckResponse response;
      response.set_status(core_.status());
      Finish(response);
    }
  }

  HealthCore& core_;
};

class HealthStream final : public WatchStream {
 public:
  explicit HealthStream(HealthCore& core) : WatchStream(*core.loop), core_(core) {}

  static void Await(HealthCore& core) {
    const auto stream = std::make_shared<HealthStream>(core);
    Begin(stream);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    core.methods.RequestWatch(&stream->context_, &stream->request_bytes_, &stream->writer_, queue, queue,
                              stream->AskForArrival());
  }

  // Sends what the status is now, if that is not what was sent last.
  void OnChange() {
    GoOn([] {});
  }

 private:
  void OnArrival() override {
    Await(core_);
    HealthCheckRequest request;
    if (!ReadRpcMessage(request_bytes_, request)) {
      End(ToGrpcStatus(UnreadableRequest()));
      return;
    }
    is_known_ = core_.Knows(request.service());
    core_.Keep(std::static_pointer_cast<HealthStream>(self()));
    OnChange();
  }

  std::shared_ptr<const google::protobuf::MessageLite> TakeNext() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const HealthCheckResponse::ServingStatus status = is_known_ ? core_.status() : HealthCheckResponse::SERVICE_UNKNOWN;
    if (sent_ == status) return nullptr;
    sent_ = status;
    auto response = std::make_shared<HealthCheckResponse>();
    response->set_status(status);
    return response;
  }

  HealthCore& core_;
  bool is_known_ = false;  // set before it is told of changes, then constant
  std::optional<HealthCheckResponse::ServingStatus> sent_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void HealthCore::Set(bool serving, bool for_good) {
  std::vector<std::shared_ptr<HealthStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    if (is_final_) return;
    is_final_ = for_good;
    status_ = serving ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
    for (const auto& each : streams_) {
      if (auto stream = each.lock()) streams.push_back(std::move(stream));
    }
  }
  for (const auto& stream : streams) stream->OnChange();
}

void HealthCore::Keep(const std::shared_ptr<HealthStream>& stream) {
  absl::MutexLock lock(&mutex_);
  streams_.erase(std::remove_if(streams_.begin(), streams_.end(), [](const auto& each) { return each.expired(); }),
                 streams_.end());
  streams_.push_back(stream);
}

HealthService::HealthService(std::vector<std::string> names) : core_(std::make_unique<HealthCore>(std::move(names))) {}

HealthService::~HealthService() = default;

void HealthService::Register(grpc::ServerBuilder& builder) { builder.RegisterService(&core_->methods); }

void HealthService::Start(RpcLoop& loop) {
  core_->loop = &loop;
  HealthCheck::Await(*core_);
  HealthStream::Await(*core_);
}

void HealthService::SetServing(bool serving) { core_->Set(serving, /*for_good=*/false); }

void HealthService::Shutdown() { core_->Set(false, /*for_good=*/true); }

}  // namespace common
