// The OAuth documents that the edge serves, as auth_service publishes them.

#ifndef GATEHOUSE_MCP_EDGE_AUTH_RESOURCE_METADATA_H_
#define GATEHOUSE_MCP_EDGE_AUTH_RESOURCE_METADATA_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gatehouse/auth/v1/auth.grpc.pb.h"
#include "grpcpp/channel.h"

namespace mcp_edge {

struct ResourceMetadataOptions {
  // The edge's protected resources, as auth_service knows them.
  std::vector<std::string> resources;
  // Whether to mirror the provider's authorization server metadata too.
  bool mirror_authorization_server = false;
  // Where clients may register at the edge (RFC 7591), to be named in that metadata; empty: nowhere.
  std::string registration_endpoint = {};
  // How often to ask for newer documents.
  absl::Duration refresh_interval = absl::Minutes(1);
  // How soon to ask again after a failure: doubles from the least to the most.
  absl::Duration min_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(5);
};

// Fetches the documents from construction on, in a thread of its own, and keeps the last good ones. Thread-safe; the
// getters never block on the network.
class ResourceMetadata {
 public:
  // `channel`: to auth_service.
  ResourceMetadata(std::shared_ptr<grpc::ChannelInterface> channel, ResourceMetadataOptions options);
  // Stops the thread, at once.
  ~ResourceMetadata();

  ResourceMetadata(const ResourceMetadata&) = delete;
  ResourceMetadata& operator=(const ResourceMetadata&) = delete;

  // The protected resource metadata (RFC 9728) of `resource`: one JSON object.
  //
  // Errors: kUnavailable, not fetched yet; kNotFound, not a resource of the edge.
  absl::StatusOr<std::string> ProtectedResource(absl::string_view resource) const;

  // `scopes_supported` of the same document, separated by spaces, for the `scope` of a challenge. Empty until fetched,
  // and when there are none.
  std::string Scopes(absl::string_view resource) const;

  // The provider's own metadata (RFC 8414, OpenID Connect Discovery): one JSON object, byte for byte but for the
  // `registration_endpoint` that is added at its end, if the provider names none itself.
  //
  // Errors: kUnavailable, not fetched yet; kNotFound, it is not mirrored here.
  absl::StatusOr<std::string> AuthorizationServer() const;

  // OK once the document of every resource is there. For readiness.
  //
  // Errors: kUnavailable, with what auth_service said last.
  absl::Status Ready() const;

 private:
  struct Document {
    std::string json;  // empty: not fetched yet
    std::string scopes;
  };

  void Run();
  absl::Status FetchAll();
  // Makes one RPC: `rpc` is called with the context to use and returns a grpc::Status.
  template <typename Rpc>
  absl::Status Fetch(const Rpc& rpc);
  absl::Status FetchProtectedResource(const std::string& resource);
  absl::Status FetchAuthorizationServer();

  const std::unique_ptr<gatehouse::auth::v1::AuthService::Stub> stub_;
  const ResourceMetadataOptions options_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Document> protected_resources_ ABSL_GUARDED_BY(mutex_);
  std::string authorization_server_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_failure_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("auth_service has not answered yet");
  grpc::ClientContext* in_flight_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_AUTH_RESOURCE_METADATA_H_
