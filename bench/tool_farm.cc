// Many tool services in one process, one on each of --services ports from --first_port on. Each has --tools tools and
// answers every call alike: "burst_..." with 100 progress messages before its result, every other one with the result
// alone.

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/shutdown_signals.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "grpcpp/grpcpp.h"

ABSL_FLAG(uint16_t, first_port, 0, "First of the ports on 127.0.0.1 to listen on; the others follow.");
ABSL_FLAG(int, services, 100, "How many tool services there are.");
ABSL_FLAG(int, tools, 100, "How many tools each has.");
ABSL_FLAG(std::string, answer, "done", "The text of each result.");

namespace {

using gatehouse::tool::v1::CallToolEvent;
using gatehouse::tool::v1::CallToolRequest;
using gatehouse::tool::v1::Catalog;
using gatehouse::tool::v1::ToolService;
using gatehouse::tool::v1::WatchCatalogRequest;

constexpr int kBurst = 100;  // progress messages
constexpr char kSchema[] =
    R"({"type":"object","properties":{"text":{"type":"string","description":"What to do it with"},)"
    R"("count":{"type":"integer","minimum":0}},"additionalProperties":false})";

// Writes the catalogue and stays open until the edge leaves.
class CatalogStream final : public grpc::ServerWriteReactor<Catalog> {
 public:
  explicit CatalogStream(const Catalog& catalog) { StartWrite(&catalog); }
  void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }
};

// Writes `progress` progress messages and then the result.
class Call final : public grpc::ServerWriteReactor<CallToolEvent> {
 public:
  Call(int progress, const CallToolEvent& result) : left_(progress), result_(result) { WriteNext(); }

  void OnWriteDone(bool ok) override {
    if (!ok || left_ < 0) {
      Finish(ok ? grpc::Status::OK : grpc::Status::CANCELLED);
    } else {
      WriteNext();
    }
  }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    if (left_-- == 0) {
      StartWrite(&result_);
      return;
    }
    event_.mutable_progress()->set_progress(kBurst - left_);
    event_.mutable_progress()->set_total(kBurst);
    StartWrite(&event_);
  }

  int left_;
  CallToolEvent event_;
  const CallToolEvent& result_;
};

class Farm final : public ToolService::CallbackService {
 public:
  Farm(int index, int tools, const std::string& answer) {
    for (int number = 0; number < tools; ++number) {
      gatehouse::tool::v1::Tool& tool = *catalog_.add_tools();
      tool.set_name(absl::StrCat(number == 0 ? "burst_" : "farm_", index, "_", number));
      tool.set_title(absl::StrCat("Tool ", number, " of service ", index));
      tool.set_description(
          "Does one of ten thousand things, and says so in a sentence that is about as long as most are.");
      tool.set_input_schema_json(kSchema);
    }
    result_.mutable_result()->add_content()->mutable_text()->set_text(answer);
  }

  grpc::ServerWriteReactor<Catalog>* WatchCatalog(grpc::CallbackServerContext* /*context*/,
                                                  const WatchCatalogRequest* /*request*/) override {
    return new CatalogStream(catalog_);
  }

  grpc::ServerWriteReactor<CallToolEvent>* CallTool(grpc::CallbackServerContext* /*context*/,
                                                    const CallToolRequest* request) override {
    return new Call(absl::StartsWith(request->name(), "burst_") ? kBurst : 0, result_);
  }

 private:
  Catalog catalog_;
  CallToolEvent result_;
};

}  // namespace

int main(int argc, char** argv) {
  // As in the services.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  absl::ParseCommandLine(argc, argv);
  const common::ShutdownSignals signals;

  std::vector<std::unique_ptr<Farm>> farms;
  std::vector<std::unique_ptr<grpc::Server>> servers;
  for (int index = 0; index < absl::GetFlag(FLAGS_services); ++index) {
    farms.push_back(std::make_unique<Farm>(index, absl::GetFlag(FLAGS_tools), absl::GetFlag(FLAGS_answer)));
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    const int port = absl::GetFlag(FLAGS_first_port) + index;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials());
    builder.RegisterService(farms.back().get());
    servers.push_back(builder.BuildAndStart());
    if (servers.back() == nullptr) {
      std::cerr << "tool_farm: port " << port << " is taken; give another --first_port\n";
      return 2;
    }
  }
  signals.Wait();
  // The edge keeps its streams open: they are cancelled.
  for (const std::unique_ptr<grpc::Server>& server : servers) server->Shutdown(std::chrono::system_clock::now());
  return 0;
}
