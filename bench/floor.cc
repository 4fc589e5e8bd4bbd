// The floor that the edge is compared with: a bare cpp-httplib server whose POST /mcp makes one synchronous unary gRPC
// call and returns the answer. No authentication, no JSON, no limits, no logs: the least that an HTTP-to-gRPC hop can
// cost with these libraries, built with the same compiler flags.

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/synchronization/mutex.h"
#include "common/shutdown_signals.h"
#include "floor.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "httplib.h"

ABSL_FLAG(uint16_t, port, 3901, "Port on 127.0.0.1 to listen on.");
ABSL_FLAG(std::string, backend, "127.0.0.1:3902", "Address of floor_backend.");

namespace {

// More than the benchmark's connections: with cpp-httplib a thread serves one open connection.
constexpr size_t kThreads = 64;
constexpr size_t kRequestsPerConnection = 1'000'000'000;
constexpr auto kDeadline = std::chrono::seconds(5);

}  // namespace

int main(int argc, char** argv) {
  // As in the services.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::ParseCommandLine(argc, argv);
  const common::ShutdownSignals signals;

  const auto stub = gatehouse::bench::Backend::NewStub(
      grpc::CreateChannel(absl::GetFlag(FLAGS_backend), grpc::InsecureChannelCredentials()));

  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_keep_alive_max_count(kRequestsPerConnection);
  server.Post("/mcp", [&stub](const httplib::Request& request, httplib::Response& response) {
    gatehouse::bench::CallRequest call;
    call.set_body(request.body);
    gatehouse::bench::CallResponse answer;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    if (const grpc::Status status = stub->Call(&context, call, &answer); !status.ok()) {
      response.status = httplib::StatusCode::BadGateway_502;
      return;
    }
    response.set_content(std::move(*answer.mutable_body()), "application/json");
  });

  if (!server.bind_to_port("127.0.0.1", absl::GetFlag(FLAGS_port))) {
    std::cerr << "floor: port " << absl::GetFlag(FLAGS_port) << " is taken; give another --port\n";
    return 2;
  }
  std::thread listener([&server] { server.listen_after_bind(); });
  signals.Wait();
  server.stop();
  listener.join();
  return 0;
}
