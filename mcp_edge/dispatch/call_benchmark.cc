// What a tool call costs the edge's own code, piece by piece, without HTTP and without the tool service. Arguments:
// seconds for each piece (1).

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "common/testing/cpu_time.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/dispatch/dispatcher.h"
#include "mcp_edge/dispatch/tool_operation.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/sealing/aead_sealer.h"
#include "prometheus/registry.h"

namespace {

using namespace mcp_edge;  // NOLINT: nothing here is for others

constexpr char kBody[] =
    R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{},"_meta":{)"
    R"("io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})";
constexpr char kClaims[] =
    R"({"sub":"alice","username":"alice","name":"Alice Example","email":"alice@example.com","email_verified":true,)"
    R"("picture":"https://example.com/alice.png","roles":["reader","writer"],"updated_at":1700000000})";
constexpr char kOutputSchema[] =
    R"({"type":"object","properties":{"sub":{"type":"string"},"roles":{"type":"array","items":{"type":"string"}}},)"
    R"("required":["sub"]})";

Principal MakePrincipal() {
  gatehouse::auth::v1::Principal verdict;
  verdict.set_issuer("https://tenant.logto.app/oidc");
  verdict.set_subject("a1b2c3d4e5f6");
  verdict.set_client_id("smartmail");
  for (const char* scope : {"openid", "profile", "email"}) verdict.add_scopes(scope);
  verdict.set_scopes_known(true);
  verdict.set_claims_json(kClaims);
  auto& origin = *verdict.add_claim_origins();
  for (const char* claim : {"sub", "username", "name", "email", "picture"}) origin.add_claims(claim);
  return PrincipalFromVerdict(verdict);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  common::MeasureCpuTime("parse the body", seconds, [] { ParseBody(kBody).IgnoreError(); });
  common::MeasureCpuTime("read the claims", seconds, [] { ReadJson(kClaims).IgnoreError(); });

  const common::SystemClock clock;
  prometheus::Registry registry;
  EdgeMetrics metrics(registry);
  const AeadSealer sealer(RandomKeyRing(), clock);
  AuditLog audit(/*writes=*/false, registry);
  Catalog catalog;
  CatalogContents contents;
  ToolEntry& tool = contents.tools.emplace_back();
  tool.name = "whoami";
  tool.tool.set_name("whoami");
  tool.input_schema = *JsonSchema::Compile(R"({"type":"object","additionalProperties":false})");
  tool.output_schema = *JsonSchema::Compile(kOutputSchema);
  tool.service = std::make_shared<ToolServiceClient>("whoami", "dns:///127.0.0.1:1");
  catalog.Publish(std::move(contents));
  Dispatcher dispatcher({}, catalog, sealer, clock, metrics, nullptr, nullptr, &audit);
  const auto body = *ParseBody(kBody);
  const Message& message = body.messages.front();
  const ClientDescription client = DescriptionFromMeta(message);
  const RequestContext context = {std::make_shared<const Principal>(MakePrincipal()),
                                  ProtocolVersion::k2026_07_28,
                                  &client,
                                  {},
                                  "0123456789abcdef"};
  common::MeasureCpuTime("start a call and end it", seconds, [&] { dispatcher.Start(message, context, nullptr); });

  const std::shared_ptr<const CatalogSnapshot> snapshot = catalog.Current();
  ToolOperation operation(std::shared_ptr<const ToolEntry>(snapshot, snapshot->FindTool("whoami")), {},
                          OperationTerms(context, absl::Seconds(1), clock), 1, metrics);
  gatehouse::tool::v1::CallToolResult result;
  result.add_content()->mutable_text()->set_text(kClaims);
  result.set_structured_content_json(kClaims);
  common::MeasureCpuTime("render a result", seconds, [&] { operation.Finished(result); });
  return 0;
}
