// Starts the example as a process of its own, calls it, and ends it. Arguments: the binary, README.md, dice.cc.

#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

extern char** environ;

namespace tool_service {
namespace {

std::string binary;
std::string readme;
std::string source;

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The example, running on a free port, which it tells in its log.
class DiceProcess {
 public:
  DiceProcess() {
    int log[2];
    EXPECT_EQ(pipe(log), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, log[1], STDERR_FILENO);
    char* argv[] = {binary.data(), const_cast<char*>("--port=0"), const_cast<char*>("--admin_port=0"),
                    const_cast<char*>("--unsigned_principals=accept"), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, binary.c_str(), &actions, nullptr, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(log[1]);
    log_ = fdopen(log[0], "r");
    char line[4096] = "{}";
    EXPECT_NE(fgets(line, sizeof(line), log_), nullptr);
    port_ = nlohmann::json::parse(line)["port"];
  }

  ~DiceProcess() { fclose(log_); }

  int port() const { return port_; }

  // Sends SIGTERM and returns the exit code.
  int Stop() {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = 0;
  FILE* log_ = nullptr;
  int port_ = 0;
};

TEST(DiceTest, ReadmeShowsTheExampleAsItIs) {
  const std::string text = ReadFile(source);
  ASSERT_FALSE(text.empty());
  EXPECT_NE(ReadFile(readme).find("```cpp\n" + text + "```"), std::string::npos)
      << "copy sdk/example/dice.cc into sdk/README.md";
}

TEST(DiceTest, TheExampleServesItsToolAndEndsInOrder) {
  using namespace gatehouse::tool::v1;  // NOLINT
  DiceProcess dice;
  const auto stub = ToolService::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(dice.port()), grpc::InsecureChannelCredentials()));
  grpc::ClientContext catalog_context;
  const auto catalogs = stub->WatchCatalog(&catalog_context, WatchCatalogRequest());
  Catalog catalog;
  ASSERT_TRUE(catalogs->Read(&catalog));
  ASSERT_EQ(catalog.tools_size(), 1);
  EXPECT_EQ(catalog.tools(0).name(), "throw_dice");

  grpc::ClientContext context;
  CallToolRequest request;
  request.set_name("throw_dice");
  request.set_arguments_json(R"({"count":3})");
  request.mutable_context()->set_wants_progress(true);
  const auto events = stub->CallTool(&context, request);
  CallToolEvent event;
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(events->Read(&event));
    EXPECT_EQ(event.progress().progress(), i);
  }
  ASSERT_TRUE(events->Read(&event));
  EXPECT_EQ(nlohmann::json::parse(event.result().structured_content_json())["dice"].size(), 3);
  EXPECT_FALSE(events->Read(&event));
  EXPECT_TRUE(events->Finish().ok());

  std::thread watcher([&] {
    EXPECT_FALSE(catalogs->Read(&catalog));
    EXPECT_EQ(catalogs->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  });
  EXPECT_EQ(dice.Stop(), 0);
  watcher.join();
}

}  // namespace
}  // namespace tool_service

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 4) return 2;
  tool_service::binary = argv[1];
  tool_service::readme = argv[2];
  tool_service::source = argv[3];
  return RUN_ALL_TESTS();
}
