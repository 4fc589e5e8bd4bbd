// How gRPC connections between our services are secured: TLS from files, or clear text where that is safe or was asked
// for. The same four flags for every server and every client.

#ifndef GATEHOUSE_COMMON_GRPC_SECURITY_H_
#define GATEHOUSE_COMMON_GRPC_SECURITY_H_

#include <openssl/ossl_typ.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"

namespace common {

struct GrpcSecurityOptions {
  // "auto": TLS if the files are named; otherwise clear text, for loopback addresses and unix sockets only.
  // "tls", "plaintext": nothing else, wherever it goes.
  std::string mode = "auto";
  // PEM: the certificate of this process, with the chain after it, and its private key.
  std::string cert_file;
  std::string key_file;
  // PEM: the authorities whose certificates peers must have. A server then asks every client for one: mutual TLS.
  std::string ca_file;
};

// What --grpc_security, --tls_cert_file, --tls_key_file and --tls_ca_file say. Call after common::ParseFlags.
GrpcSecurityOptions GrpcSecurityFromFlags();

// Makes credentials. Files that change are read again within a second or so: connections that are open stay, new ones
// use what is there now. Certificate and key must change together, as Kubernetes does it with a Secret; while they do
// not fit each other no new connection can be made. TLS 1.2 at least. Thread-safe.
class GrpcSecurity : public std::enable_shared_from_this<GrpcSecurity> {
 public:
  // Reads the files, so that what is wrong with them is found before anything runs.
  //
  // Errors: kInvalidArgument, naming the flag: an unknown mode, flags that contradict each other, or a file that holds
  // no certificate or no key, or a key that is not the certificate's; those of common::ReadFile. No message holds
  // anything of a file.
  static absl::StatusOr<std::shared_ptr<const GrpcSecurity>> Create(const GrpcSecurityOptions& options);

  // Clear text, wherever it goes: for tests.
  static std::shared_ptr<const GrpcSecurity> Plaintext();

  // For a server that listens on `host`, an address or a name.
  //
  // Errors: kInvalidArgument, naming the flag to set: it would be reached in clear text from outside, or has no
  // certificate.
  absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ForServer(absl::string_view host) const;

  // Whether a channel to `target` (dns:///host:port, ipv4:…, ipv6:…, unix:path) may be made.
  //
  // Errors: kInvalidArgument, naming the flag to set: it would leave the machine in clear text, or there is no
  // authority that could vouch for the server.
  absl::Status CheckTarget(absl::string_view target) const;

  // For a channel to `target`, which CheckTarget lets pass. With TLS the server's certificate must be for the host of
  // the target; unix sockets have none.
  std::shared_ptr<grpc::ChannelCredentials> ForTarget(absl::string_view target) const;

  // Whether a connection to `target` is TLS; see ClientContext. Unix sockets never are.
  bool UsesTls(absl::string_view target) const;

  // For a client that does TLS itself, with what is in the files now: the authorities, the certificate of this process
  // if it has one, TLS 1.2 at least. Who the server must be is the caller's to say.
  //
  // Errors: kUnavailable, naming the flag of the file that cannot be used.
  absl::StatusOr<std::shared_ptr<SSL_CTX>> ClientContext() const;

 private:
  explicit GrpcSecurity(GrpcSecurityOptions options);

  const GrpcSecurityOptions options_;
  const bool tls_;
  // Null without TLS. One for all connections: each would have a thread.
  std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider_;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_GRPC_SECURITY_H_
