// A dispatcher over one fake tool service, for tests.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_TESTING_DISPATCHER_FIXTURE_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_TESTING_DISPATCHER_FIXTURE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mcp_edge/dispatch/dispatcher.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/sealing/aead_sealer.h"
#include "mcp_edge/session/session_state.h"
#include "mcp_edge/tools/testing/fake_tool_service.h"

namespace mcp_edge {

// The wall clock, which a test can set forward.
class ShiftedClock final : public common::Clock {
 public:
  absl::Time Now() const override { return absl::Now() + absl::Seconds(shift_.load()); }
  void Advance(absl::Duration by) { shift_ += absl::ToInt64Seconds(by); }

 private:
  std::atomic<int64_t> shift_{0};
};

// Says always the same of what it checks.
class FakeSchema final : public JsonSchema {
 public:
  explicit FakeSchema(std::optional<std::string> problem) : problem_(std::move(problem)) {}
  std::optional<std::string> Check(absl::string_view) const override { return problem_; }

 private:
  const std::optional<std::string> problem_;
};

class DispatcherFixture : public testing::Test {
 protected:
  using Json = nlohmann::json;

  static constexpr ProtocolVersion kModern = ProtocolVersion::k2026_07_28;
  static constexpr ProtocolVersion kLegacy = ProtocolVersion::k2025_11_25;

  void SetUp() override {
    service_ = FakeToolService::Start();
    ASSERT_NE(service_, nullptr);
    client_service_ = std::make_shared<ToolServiceClient>("fake", service_->target());
    principal_ = MakePrincipal("alice");
    options_.default_tool_timeout = absl::Seconds(5);
    Publish();
  }

  static std::shared_ptr<const Principal> MakePrincipal(const std::string& subject) {
    auto principal = std::make_shared<Principal>();
    principal->subject = subject;
    principal->key = "https://issuer\n" + subject + "\nclient";
    principal->for_tools.set_subject(subject);
    principal->scopes = {"openid", "a"};
    principal->scopes_known = true;
    return principal;
  }

  // Makes the catalogue hold one tool "p.t", known to its service as "t"; one prompt "p.q", known as "q", which needs
  // the argument "a"; one resource "test://r", and one template "test://x/{id}".
  void Publish(const std::function<void(ToolEntry&)>& adapt_tool = nullptr,
               const std::function<void(CatalogContents&)>& adapt = nullptr) {
    CatalogContents contents;
    ToolEntry entry;
    entry.name = "p.t";
    entry.tool.set_name("t");
    entry.tool.set_input_schema_json(R"({"type":"object"})");
    entry.service = client_service_;
    if (adapt_tool != nullptr) adapt_tool(entry);
    contents.tools.push_back(std::move(entry));
    PromptEntry prompt;
    prompt.name = "p.q";
    prompt.prompt.set_name("q");
    prompt.prompt.add_arguments()->set_name("a");
    prompt.prompt.mutable_arguments(0)->set_required(true);
    prompt.prompt.add_arguments()->set_name("b");
    prompt.service = client_service_;
    contents.prompts.push_back(std::move(prompt));
    ResourceEntry resource;
    resource.resource.set_uri("test://r");
    resource.resource.set_name("r");
    resource.service = client_service_;
    contents.resources.push_back(std::move(resource));
    ResourceTemplateEntry resource_template;
    resource_template.resource_template.set_uri_template("test://x/{id}");
    resource_template.resource_template.set_name("x");
    resource_template.service = client_service_;
    contents.resource_templates.push_back(std::move(resource_template));
    if (adapt != nullptr) adapt(contents);
    catalog_.Publish(std::move(contents));
  }

  // Lets the client declare `capabilities`, a ClientCapabilities object.
  void Declare(absl::string_view capabilities) {
    const std::string body =
        absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":)", capabilities, "}}");
    client_ = DescriptionFromInitialize(ParseBody(body)->messages.at(0));
  }

  Dispatcher& dispatcher() {
    if (dispatcher_ == nullptr) {
      dispatcher_ =
          std::make_unique<Dispatcher>(options_, catalog_, sealer_, clock_, metrics_, tasks_, nullptr, audit_);
    }
    return *dispatcher_;
  }

  std::unique_ptr<Exchange> Start(absl::string_view method, absl::string_view params, ProtocolVersion version,
                                  const MirrorHeaders* headers = nullptr) {
    const std::string body =
        absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":")", method, R"(","params":)", params, "}");
    const auto parsed = ParseBody(body);
    EXPECT_TRUE(parsed.ok()) << parsed.status() << body;
    RequestContext context = {principal_, version, &client_, {}, "request-1"};
    if (!FeaturesOf(version).modern) context.session = &session_;
    context.can_stream = can_stream_;
    return dispatcher().Start(parsed->messages.front(), context, headers);
  }

  // All the steps of a request.
  static std::vector<Step> Finish(Exchange& exchange) {
    std::vector<Step> steps;
    do {
      steps.push_back(exchange.Next());
    } while (!steps.back().last);
    return steps;
  }

  std::vector<Step> Run(absl::string_view method, absl::string_view params, ProtocolVersion version) {
    return Finish(*Start(method, params, version));
  }

  // The response.
  Json Response(absl::string_view method, absl::string_view params, ProtocolVersion version) {
    return Read(Run(method, params, version).back());
  }

  static Json Read(const Step& step) {
    const auto json = ReadJson(step.message);
    EXPECT_TRUE(json.ok()) << json.status() << step.message;
    return json.ok() ? *json : Json();
  }

  // The code of an error response; 0 for a result.
  static int Code(const Json& response) {
    return response.contains("error") ? response["error"]["code"].get<int>() : 0;
  }

  ShiftedClock clock_;
  Catalog catalog_;
  prometheus::Registry registry_;
  EdgeMetrics metrics_{registry_};
  AeadSealer sealer_{RandomKeyRing(), clock_};
  DispatcherOptions options_;
  Tasks* tasks_ = nullptr;
  AuditLog* audit_ = nullptr;
  SessionState session_;
  bool can_stream_ = true;
  std::unique_ptr<FakeToolService> service_;
  std::shared_ptr<ToolServiceClient> client_service_;
  std::shared_ptr<const Principal> principal_;
  ClientDescription client_;

 private:
  std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_TESTING_DISPATCHER_FIXTURE_H_
