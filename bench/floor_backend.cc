// The gRPC server behind the floor: answers each call with the text that it was started with.

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/synchronization/mutex.h"
#include "common/shutdown_signals.h"
#include "floor.grpc.pb.h"
#include "grpcpp/grpcpp.h"

ABSL_FLAG(uint16_t, port, 3902, "Port on 127.0.0.1 to listen on.");
ABSL_FLAG(std::string, answer, "{}", "What each call is answered with: as many bytes as the edge's answer has.");

namespace {

class Backend final : public gatehouse::bench::Backend::CallbackService {
 public:
  explicit Backend(std::string answer) : answer_(std::move(answer)) {}

  grpc::ServerUnaryReactor* Call(grpc::CallbackServerContext* context, const gatehouse::bench::CallRequest* /*request*/,
                                 gatehouse::bench::CallResponse* response) override {
    response->set_body(answer_);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const std::string answer_;
};

}  // namespace

int main(int argc, char** argv) {
  // As in the services.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::ParseCommandLine(argc, argv);
  const common::ShutdownSignals signals;

  Backend backend(absl::GetFlag(FLAGS_answer));
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(absl::GetFlag(FLAGS_port)), grpc::InsecureServerCredentials());
  builder.RegisterService(&backend);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::cerr << "floor_backend: port " << absl::GetFlag(FLAGS_port) << " is taken; give another --port\n";
    return 2;
  }
  signals.Wait();
  server->Shutdown();
  return 0;
}
