// The edge's side of one tool service: its channel, and the calls made over it.

#ifndef GATEHOUSE_MCP_EDGE_TOOLS_TOOL_SERVICE_CLIENT_H_
#define GATEHOUSE_MCP_EDGE_TOOLS_TOOL_SERVICE_CLIENT_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/grpc_security.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "mcp_edge/rpc/rpc_channel.h"
#include "mcp_edge/tools/tool_call.h"
#include "mcp_edge/tools/trace_context.h"

namespace mcp_edge {

class PrincipalSigner;

// Thread-safe.
class ToolServiceClient {
 public:
  // `name`: as in the tool services file. `target`: see MakeChannel. `signer` signs who calls, and must outlive the
  // client; null, in tests: nobody does. `security`: as for MakeChannel. Does not connect yet.
  ToolServiceClient(std::string name, std::string target, PrincipalSigner* signer = nullptr,
                    const common::GrpcSecurity* security = nullptr);
  ~ToolServiceClient();

  ToolServiceClient(const ToolServiceClient&) = delete;
  ToolServiceClient& operator=(const ToolServiceClient&) = delete;

  const std::string& name() const { return name_; }
  const std::string& target() const { return target_; }

  // Starts a call, with a signature under its principal as it is now, which stays in `request`. What the service may
  // have seen is never sent again. The service sees `deadline` as its own. Does not block; a service that cannot be
  // reached shows in Next(). The call may outlive the client; `request` and `trace_context` are not used after the
  // return.
  std::unique_ptr<ToolCall> StartCall(gatehouse::tool::v1::CallToolRequest& request, absl::Time deadline,
                                      const TraceContext& trace_context) const;

  // Signs the principal of a request for this service. Whoever sends a request over the channel calls it first;
  // StartCall does so itself.
  void Vouch(gatehouse::tool::v1::CallContext& context) const;

  // For the methods that are not CallTool.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  const std::string name_;
  const std::string target_;
  PrincipalSigner* const signer_;
  const RpcChannel calls_;  // of CallTool
  const std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TOOLS_TOOL_SERVICE_CLIENT_H_
