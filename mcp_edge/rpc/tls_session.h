// TLS on the client's side and without a socket: bytes in, bytes out.

#ifndef GATEHOUSE_MCP_EDGE_RPC_TLS_SESSION_H_
#define GATEHOUSE_MCP_EDGE_RPC_TLS_SESSION_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/grpc_security.h"

namespace mcp_edge {

// One connection that speaks HTTP/2 (ALPN `h2`). One thread at a time.
class TlsSession {
 public:
  // Reads certificates and authorities as they are now. `host`: the name or IP address that the server's certificate
  // must be for.
  //
  // Errors: those of GrpcSecurity::ClientContext.
  static absl::StatusOr<std::unique_ptr<TlsSession>> Create(const common::GrpcSecurity& security,
                                                            const std::string& host);

  // Takes what arrived, and appends what it says to `plain`.
  //
  // Errors: kUnavailable, the handshake failed or the peer broke the protocol; the message names the reason, never
  // anything that was sent.
  absl::Status Receive(absl::string_view bytes, std::string& plain);

  // The handshake is over: Send may be called.
  bool ready() const { return ready_; }

  absl::Status Send(absl::string_view plain);

  // Appends what is to be sent to `output`. The first bytes are there from the beginning.
  void TakeOutput(std::string& output);

 private:
  struct SslDeleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  explicit TlsSession(SSL* ssl);
  absl::Status Handshake();
  absl::Status Problem(absl::string_view what) const;

  const std::unique_ptr<SSL, SslDeleter> ssl_;
  BIO* incoming_;  // of ssl_, as is the next
  BIO* outgoing_;
  bool ready_ = false;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_RPC_TLS_SESSION_H_
