#include "mcp_edge/auth/resource_metadata.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/json_text.h"
#include "common/log.h"
#include "grpcpp/client_context.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

using gatehouse::auth::v1::GetAuthorizationServerMetadataRequest;
using gatehouse::auth::v1::GetAuthorizationServerMetadataResponse;
using gatehouse::auth::v1::GetProtectedResourceMetadataRequest;
using gatehouse::auth::v1::GetProtectedResourceMetadataResponse;

constexpr absl::Duration kFetchTimeout = absl::Seconds(5);

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("auth_service: ", status.error_message()));
}

// The document as an object; its text is served as it is.
absl::StatusOr<nlohmann::json> ReadDocument(const std::string& text) {
  absl::StatusOr<nlohmann::json> document = ReadJson(text);
  if (!document.ok()) return document.status();
  if (!document->is_object()) return absl::InvalidArgumentError("not a JSON object");
  return document;
}

// `scopes_supported` (RFC 9728, section 2), separated by spaces.
std::string ScopesOf(const nlohmann::json& document) {
  std::string scopes;
  const auto found = document.find("scopes_supported");
  if (found == document.end() || !found->is_array()) return scopes;
  for (const nlohmann::json& scope : *found) {
    const std::string* const text = scope.get_ptr<const std::string*>();
    if (text != nullptr) absl::StrAppend(&scopes, scopes.empty() ? "" : " ", *text);
  }
  return scopes;
}

// `text`, which is `document`, with `endpoint` as the place to register.
std::string WithRegistrationEndpoint(std::string text, const nlohmann::json& document, const std::string& endpoint) {
  if (endpoint.empty() || document.contains("registration_endpoint")) return text;
  std::string member = document.empty() ? "\"registration_endpoint\":" : ",\"registration_endpoint\":";
  common::AppendJsonString(endpoint, member);
  text.insert(text.rfind('}'), member);
  return text;
}

}  // namespace

ResourceMetadata::ResourceMetadata(std::shared_ptr<grpc::ChannelInterface> channel, ResourceMetadataOptions options)
    : stub_(gatehouse::auth::v1::AuthService::NewStub(std::move(channel))), options_(std::move(options)) {
  for (const std::string& resource : options_.resources) protected_resources_[resource];
  thread_ = std::thread([this] { Run(); });
}

ResourceMetadata::~ResourceMetadata() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (in_flight_ != nullptr) in_flight_->TryCancel();
  }
  thread_.join();
}

absl::StatusOr<std::string> ResourceMetadata::ProtectedResource(absl::string_view resource) const {
  absl::MutexLock lock(&mutex_);
  const auto found = protected_resources_.find(resource);
  if (found == protected_resources_.end()) return absl::NotFoundError("not a resource of this server");
  if (found->second.json.empty()) return absl::UnavailableError(last_failure_.message());
  return found->second.json;
}

std::string ResourceMetadata::Scopes(absl::string_view resource) const {
  absl::MutexLock lock(&mutex_);
  const auto found = protected_resources_.find(resource);
  return found == protected_resources_.end() ? "" : found->second.scopes;
}

absl::StatusOr<std::string> ResourceMetadata::AuthorizationServer() const {
  if (!options_.mirror_authorization_server) return absl::NotFoundError("not mirrored here");
  absl::MutexLock lock(&mutex_);
  if (authorization_server_.empty()) return absl::UnavailableError(last_failure_.message());
  return authorization_server_;
}

absl::Status ResourceMetadata::Ready() const {
  absl::MutexLock lock(&mutex_);
  for (const auto& [resource, document] : protected_resources_) {
    if (document.json.empty()) {
      return absl::UnavailableError(
          absl::StrCat("no protected resource metadata of ", resource, " yet: ", last_failure_.message()));
    }
  }
  return absl::OkStatus();
}

void ResourceMetadata::Run() {
  absl::Duration backoff = options_.min_backoff;
  bool failing = false;
  while (true) {
    const absl::Status status = FetchAll();
    absl::Duration pause = options_.refresh_interval;
    if (!status.ok()) {
      pause = std::min(backoff, options_.refresh_interval);
      backoff = std::min(backoff * 2, options_.max_backoff);
    } else {
      backoff = options_.min_backoff;
    }
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    if (!status.ok() && (!failing || status != last_failure_)) {
      common::Log(common::Severity::kWarning, "metadata_fetch_failed", {{"reason", status.ToString()}});
    } else if (status.ok() && failing) {
      common::Log(common::Severity::kInfo, "metadata_fetched_again");
    }
    failing = !status.ok();
    last_failure_ = status;
    if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), pause)) return;
  }
}

absl::Status ResourceMetadata::FetchAll() {
  absl::Status result;
  for (const std::string& resource : options_.resources) {
    result.Update(FetchProtectedResource(resource));
  }
  if (options_.mirror_authorization_server) result.Update(FetchAuthorizationServer());
  return result;
}

template <typename Rpc>
absl::Status ResourceMetadata::Fetch(const Rpc& rpc) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kFetchTimeout));
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::CancelledError("stopping");
    in_flight_ = &context;
  }
  const grpc::Status status = rpc(context);
  absl::MutexLock lock(&mutex_);
  in_flight_ = nullptr;
  return FromGrpc(status);
}

absl::Status ResourceMetadata::FetchProtectedResource(const std::string& resource) {
  GetProtectedResourceMetadataRequest request;
  request.set_resource(resource);
  GetProtectedResourceMetadataResponse response;
  const absl::Status status = Fetch(
      [&](grpc::ClientContext& context) { return stub_->GetProtectedResourceMetadata(&context, request, &response); });
  if (!status.ok()) return status;
  const absl::StatusOr<nlohmann::json> document = ReadDocument(response.document_json());
  if (!document.ok()) {
    return absl::InternalError(
        absl::StrCat("auth_service: bad document of ", resource, ": ", document.status().message()));
  }
  const auto named = document->find("resource");
  if (named == document->end() || *named != resource) {
    return absl::InternalError(absl::StrCat("auth_service: the document of ", resource, " names another resource"));
  }
  std::string scopes = ScopesOf(*document);
  absl::MutexLock lock(&mutex_);
  protected_resources_[resource] = {.json = response.document_json(), .scopes = std::move(scopes)};
  return absl::OkStatus();
}

absl::Status ResourceMetadata::FetchAuthorizationServer() {
  GetAuthorizationServerMetadataResponse response;
  const absl::Status status = Fetch([&](grpc::ClientContext& context) {
    return stub_->GetAuthorizationServerMetadata(&context, GetAuthorizationServerMetadataRequest(), &response);
  });
  if (!status.ok()) return status;
  const absl::StatusOr<nlohmann::json> document = ReadDocument(response.document_json());
  if (!document.ok()) {
    return absl::InternalError(
        absl::StrCat("auth_service: bad authorization server metadata: ", document.status().message()));
  }
  std::string text =
      WithRegistrationEndpoint(std::move(*response.mutable_document_json()), *document, options_.registration_endpoint);
  absl::MutexLock lock(&mutex_);
  authorization_server_ = std::move(text);
  return absl::OkStatus();
}

}  // namespace mcp_edge
