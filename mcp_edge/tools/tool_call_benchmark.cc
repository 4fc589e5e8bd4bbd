// Compares a tool call with the least that gRPC can do, a unary RPC of the same size, over loopback:
//
//   unary      a blocking unary RPC (Complete)
//   reader     CallTool with grpc::ClientReader
//   tool_call  CallTool with ToolServiceClient
//   signed     the same, with who calls signed
//
// Arguments: threads (16), seconds for each (2).

#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/clock.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "mcp_edge/assertion/principal_signer.h"
#include "mcp_edge/tools/grpc_channel.h"
#include "mcp_edge/tools/tool_service_client.h"
#include "prometheus/registry.h"

namespace {

using gatehouse::tool::v1::CallToolEvent;
using gatehouse::tool::v1::CallToolRequest;
using gatehouse::tool::v1::CompleteRequest;
using gatehouse::tool::v1::CompleteResponse;
using gatehouse::tool::v1::ToolService;

constexpr char kClaims[] = R"({"sub":"alice","username":"alice","name":"Alice Example","email":"alice@example.com"})";

// Answers as whoami does.
class Service final : public ToolService::CallbackService {
 public:
  grpc::ServerWriteReactor<CallToolEvent>* CallTool(grpc::CallbackServerContext*,
                                                    const CallToolRequest* request) override {
    class Reactor final : public grpc::ServerWriteReactor<CallToolEvent> {
     public:
      explicit Reactor(const std::string& claims) {
        event_.mutable_result()->add_content()->mutable_text()->set_text(claims);
        event_.mutable_result()->set_structured_content_json(claims);
        StartWriteAndFinish(&event_, grpc::WriteOptions(), grpc::Status::OK);
      }
      void OnDone() override { delete this; }

     private:
      CallToolEvent event_;
    };
    return new Reactor(request->context().principal().claims_json());
  }

  grpc::ServerUnaryReactor* Complete(grpc::CallbackServerContext* context, const CompleteRequest* request,
                                     CompleteResponse* response) override {
    response->add_values(request->context().principal().claims_json());
    response->add_values(request->context().principal().claims_json());
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void Measure(const char* name, int threads, double seconds, const std::function<bool()>& call) {
  std::atomic<bool> stop{false};
  std::atomic<int64_t> calls{0};
  std::atomic<int64_t> failures{0};
  const double cpu = CpuSeconds();
  const absl::Time start = absl::Now();
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) (call() ? calls : failures).fetch_add(1);
    });
  }
  absl::SleepFor(absl::Seconds(seconds));
  stop = true;
  for (std::thread& worker : workers) worker.join();
  const double elapsed = absl::ToDoubleSeconds(absl::Now() - start);
  std::printf("%-10s %8.0f calls/s  %5.1f us CPU per call, server included  %d failures\n", name,
              static_cast<double>(calls) / elapsed, (CpuSeconds() - cpu) * 1e6 / static_cast<double>(calls),
              static_cast<int>(failures));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 16;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 2;
  Service service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const std::string target = "ipv4:127.0.0.1:" + std::to_string(port);

  CallToolRequest request;
  request.set_name("whoami");
  request.set_arguments_json("{}");
  auto& principal = *request.mutable_context()->mutable_principal();
  principal.set_issuer("http://localhost:3100/oidc");
  principal.set_subject("alice");
  principal.set_client_id("smartmail");
  principal.set_claims_json(kClaims);
  CompleteRequest complete;
  *complete.mutable_context() = request.context();

  const auto stub = ToolService::NewStub(mcp_edge::MakeChannel(target));
  const mcp_edge::ToolServiceClient client("benchmark", target);
  const common::SystemClock clock;
  prometheus::Registry registry;
  mcp_edge::PrincipalSigner signer("http://localhost:3001/mcp", {common::Es256PrivateKey::Generate()}, clock, registry);
  const mcp_edge::ToolServiceClient signing_client("benchmark", target, &signer);
  const auto deadline = [] { return absl::Now() + absl::Seconds(30); };
  for (int round = 0; round < 3; ++round) {
    Measure("unary", threads, seconds, [&] {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(deadline()));
      CompleteResponse response;
      return stub->Complete(&context, complete, &response).ok();
    });
    Measure("reader", threads, seconds, [&] {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(deadline()));
      CallToolEvent event;
      CallToolEvent none;
      const auto reader = stub->CallTool(&context, request);
      return reader->Read(&event) && !reader->Read(&none) && reader->Finish().ok() && event.has_result();
    });
    Measure("signed", threads, seconds, [&] {
      CallToolRequest one = request;
      const auto event = signing_client.StartCall(one, deadline(), mcp_edge::TraceContext())->Next();
      return event.ok() && event->has_result();
    });
    Measure("tool_call", threads, seconds, [&] {
      CallToolRequest one = request;
      const auto event = client.StartCall(one, deadline(), mcp_edge::TraceContext())->Next();
      return event.ok() && event->has_result();
    });
  }
  server->Shutdown(absl::ToChronoTime(absl::Now()));
  return 0;
}
