// An auth_service for tests: its verdicts and documents are scripted.

#ifndef GATEHOUSE_MCP_EDGE_AUTH_TESTING_FAKE_AUTH_SERVICE_H_
#define GATEHOUSE_MCP_EDGE_AUTH_TESTING_FAKE_AUTH_SERVICE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gatehouse/auth/v1/auth.pb.h"
#include "grpcpp/support/status.h"

namespace mcp_edge {

// What the service answers to one question.
struct FakeVerdict {
  gatehouse::auth::v1::VerifyTokenResponse response = {};
  grpc::Status status = grpc::Status::OK;
  // How long it takes.
  absl::Duration delay = absl::ZeroDuration();
};

// The same of a registration.
struct FakeRegistration {
  gatehouse::auth::v1::RegisterClientResponse response = {};
  grpc::Status status = grpc::Status::OK;
};

// A gRPC server on a free port of 127.0.0.1. Thread-safe.
class FakeAuthService {
 public:
  using Verifier = std::function<FakeVerdict(const gatehouse::auth::v1::VerifyTokenRequest&)>;

  using Registrar = std::function<FakeRegistration(const gatehouse::auth::v1::RegisterClientRequest&)>;

  // Starts with every answer UNAVAILABLE. `port` 0 takes a free one. Null when the port is taken.
  static std::unique_ptr<FakeAuthService> Start(int port = 0);

  virtual ~FakeAuthService() = default;

  // "ipv4:127.0.0.1:<port>".
  virtual std::string target() const = 0;
  virtual int port() const = 0;

  // Says what VerifyToken answers from now on. Called on the server's threads; must not block.
  virtual void OnVerify(Verifier verifier) = 0;
  // Says what RegisterClient answers from now on, UNIMPLEMENTED before. Likewise.
  virtual void OnRegister(Registrar registrar) = 0;
  // Sets the documents; empty: not there.
  virtual void SetProtectedResource(absl::string_view resource, absl::string_view document_json) = 0;
  virtual void SetAuthorizationServer(absl::string_view document_json) = 0;

  // How often VerifyToken was called, and the documents were fetched.
  virtual int verify_calls() const = 0;
  virtual int document_calls() const = 0;
  // Waits until VerifyToken has been called `count` times; false when that takes longer than `timeout`.
  virtual bool WaitForVerifyCalls(int count, absl::Duration timeout = absl::Seconds(30)) const = 0;
};

// A verdict for `subject`, reusable until `reuse_until`.
FakeVerdict PrincipalVerdict(absl::string_view subject, absl::Time reuse_until);

// A refusal for `reason`, likewise.
FakeVerdict RefusalVerdict(gatehouse::auth::v1::RefusalReason reason, absl::string_view description,
                           absl::Time reuse_until);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_AUTH_TESTING_FAKE_AUTH_SERVICE_H_
