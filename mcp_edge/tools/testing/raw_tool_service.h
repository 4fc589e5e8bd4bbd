// A tool service for tests that sends what no good one would: any bytes.

#ifndef GATEHOUSE_MCP_EDGE_TOOLS_TESTING_RAW_TOOL_SERVICE_H_
#define GATEHOUSE_MCP_EDGE_TOOLS_TESTING_RAW_TOOL_SERVICE_H_

#include <memory>
#include <string>
#include <vector>

namespace mcp_edge {

// A gRPC server on a free port of 127.0.0.1. Thread-safe.
class RawToolService {
 public:
  struct Answer {
    // Each as it is on the wire.
    std::vector<std::string> messages = {};
    // Whether the answer ends with them, and well; otherwise it goes on until it is cancelled.
    bool ends = true;
  };

  // Every method is UNIMPLEMENTED until there is an answer.
  static std::unique_ptr<RawToolService> Start();

  virtual ~RawToolService() = default;

  // "ipv4:127.0.0.1:<port>".
  virtual std::string target() const = 0;

  // Says what a method ("WatchCatalog") answers from now on.
  virtual void On(const std::string& method, Answer answer) = 0;

  // How often a method was called.
  virtual int calls(const std::string& method) const = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TOOLS_TESTING_RAW_TOOL_SERVICE_H_
