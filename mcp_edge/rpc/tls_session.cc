#include "mcp_edge/rpc/tls_session.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

constexpr size_t kRecordBytes = 16 << 10;
constexpr std::array<unsigned char, 3> kAlpn = {2, 'h', '2'};

bool IsIpAddress(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsSession>> TlsSession::Create(const common::GrpcSecurity& security,
                                                               const std::string& host) {
  const absl::StatusOr<std::shared_ptr<SSL_CTX>> context = security.ClientContext();
  if (!context.ok()) return context.status();
  SSL* const ssl = SSL_new(context->get());
  if (ssl == nullptr) return absl::UnavailableError("TLS: no memory");
  auto session = std::unique_ptr<TlsSession>(new TlsSession(ssl));
  SSL_set_connect_state(ssl);
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = IsIpAddress(host)
                         ? X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1
                         : SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  if (!named || SSL_set_alpn_protos(ssl, kAlpn.data(), kAlpn.size()) != 0) {
    return absl::UnavailableError(absl::StrCat("TLS: ", host, " cannot be the name of a server"));
  }
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  const absl::Status status = session->Handshake();
  if (!status.ok()) return status;
  return session;
}

TlsSession::TlsSession(SSL* ssl) : ssl_(ssl), incoming_(BIO_new(BIO_s_mem())), outgoing_(BIO_new(BIO_s_mem())) {
  SSL_set_bio(ssl, incoming_, outgoing_);
}

absl::Status TlsSession::Problem(absl::string_view what) const {
  const long verified = SSL_get_verify_result(ssl_.get());
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = ERR_reason_error_string(code);
  const std::string detail = verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                             : reason != nullptr   ? reason
                                                   : "the connection was closed";
  ERR_clear_error();
  return absl::UnavailableError(absl::StrCat("TLS: ", what, ": ", detail));
}

absl::Status TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    const unsigned char* protocol = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
    if (absl::string_view(reinterpret_cast<const char*>(protocol), size) != "h2") {
      return absl::UnavailableError("TLS: the server does not speak HTTP/2");
    }
    ready_ = true;
    return absl::OkStatus();
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return absl::OkStatus();
  return Problem("the handshake failed");
}

absl::Status TlsSession::Receive(absl::string_view bytes, std::string& plain) {
  if (BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size())) != static_cast<int>(bytes.size())) {
    return absl::UnavailableError("TLS: no memory");
  }
  if (!ready_) {
    const absl::Status status = Handshake();
    if (!status.ok() || !ready_) return status;
  }
  while (true) {
    const size_t before = plain.size();
    plain.resize(before + kRecordBytes);
    ERR_clear_error();
    const int size = SSL_read(ssl_.get(), &plain[before], kRecordBytes);
    plain.resize(before + (size > 0 ? static_cast<size_t>(size) : 0));
    if (size > 0) continue;
    const int error = SSL_get_error(ssl_.get(), size);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return absl::OkStatus();
    // What comes after that nobody would read.
    if (error == SSL_ERROR_ZERO_RETURN) return absl::UnavailableError("the service closed the connection");
    return Problem("the connection failed");
  }
}

absl::Status TlsSession::Send(absl::string_view plain) {
  if (plain.empty()) return absl::OkStatus();
  ERR_clear_error();
  if (SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) > 0) return absl::OkStatus();
  return Problem("the connection failed");
}

void TlsSession::TakeOutput(std::string& output) {
  const size_t pending = BIO_ctrl_pending(outgoing_);
  if (pending == 0) return;
  const size_t before = output.size();
  output.resize(before + pending);
  const int size = BIO_read(outgoing_, &output[before], static_cast<int>(pending));
  output.resize(before + (size > 0 ? static_cast<size_t>(size) : 0));
}

}  // namespace mcp_edge
