#include "common/grpc_security.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/read_file.h"

ABSL_FLAG(
    std::string, grpc_security, common::GrpcSecurityOptions().mode,
    "gRPC connections: tls, plaintext, or auto: TLS if the files are named, otherwise clear text on loopback only.");
ABSL_FLAG(std::string, tls_cert_file, "",
          "PEM file with the certificate of this process, its chain after it. Read again when it changes.");
ABSL_FLAG(std::string, tls_key_file, "", "PEM file with the private key of --tls_cert_file.");
ABSL_FLAG(
    std::string, tls_ca_file, "",
    "PEM file with the authorities that peers must have a certificate of; a server then asks each client for one.");

namespace common {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;
using grpc::experimental::TlsChannelCredentialsOptions;
using grpc::experimental::TlsServerCredentialsOptions;

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr unsigned kRefreshSeconds = 1;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct PkeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

int NoPassword(char*, int, int, void*) { return -1; }

absl::Status Wrong(absl::string_view flag, const std::string& file_name, absl::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", file_name, " ", what));
}

absl::StatusOr<std::string> ReadPem(absl::string_view flag, const std::string& file_name) {
  absl::StatusOr<std::string> pem = ReadFile(absl::StrCat("the file of --", flag), file_name, kMaxFileBytes);
  return pem;
}

std::unique_ptr<X509, X509Deleter> FirstCertificate(const std::string& pem) {
  const std::unique_ptr<BIO, BioDeleter> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return std::unique_ptr<X509, X509Deleter>(PEM_read_bio_X509(text.get(), nullptr, NoPassword, nullptr));
}

absl::Status CheckCertificateAndKey(const std::string& cert_file, const std::string& key_file) {
  const absl::StatusOr<std::string> cert_pem = ReadPem("tls_cert_file", cert_file);
  if (!cert_pem.ok()) return cert_pem.status();
  const absl::StatusOr<std::string> key_pem = ReadPem("tls_key_file", key_file);
  if (!key_pem.ok()) return key_pem.status();
  const auto certificate = FirstCertificate(*cert_pem);
  if (certificate == nullptr) return Wrong("tls_cert_file", cert_file, "holds no certificate in PEM");
  const std::unique_ptr<BIO, BioDeleter> text(BIO_new_mem_buf(key_pem->data(), static_cast<int>(key_pem->size())));
  const std::unique_ptr<EVP_PKEY, PkeyDeleter> key(PEM_read_bio_PrivateKey(text.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) return Wrong("tls_key_file", key_file, "holds no private key in PEM, or an encrypted one");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Wrong("tls_key_file", key_file, absl::StrCat("is not the key of the certificate in ", cert_file));
  }
  return absl::OkStatus();
}

absl::Status CheckAuthorities(const std::string& ca_file) {
  const absl::StatusOr<std::string> pem = ReadPem("tls_ca_file", ca_file);
  if (!pem.ok()) return pem.status();
  if (FirstCertificate(*pem) == nullptr) return Wrong("tls_ca_file", ca_file, "holds no certificate in PEM");
  return absl::OkStatus();
}

bool IsLoopback(absl::string_view host) {
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) host = host.substr(1, host.size() - 2);
  const std::string text(host);
  in_addr v4 = {};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6 = {};
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return absl::EqualsIgnoreCase(host, "localhost");
}

bool IsUnix(absl::string_view target) { return absl::StartsWith(target, "unix:"); }

// Whether nothing that goes to `target` leaves the machine.
bool IsLocal(absl::string_view target) {
  if (IsUnix(target)) return true;
  if (!absl::ConsumePrefix(&target, "dns:///") && !absl::ConsumePrefix(&target, "ipv4:")) {
    absl::ConsumePrefix(&target, "ipv6:");
  }
  for (const absl::string_view address : absl::StrSplit(target, ',')) {
    if (!IsLoopback(address.substr(0, address.rfind(':')))) return false;
  }
  return true;
}

constexpr char kOrPlaintext[] = ", or say --grpc_security=plaintext if you trust the network";

}  // namespace

GrpcSecurityOptions GrpcSecurityFromFlags() {
  return {absl::GetFlag(FLAGS_grpc_security), absl::GetFlag(FLAGS_tls_cert_file), absl::GetFlag(FLAGS_tls_key_file),
          absl::GetFlag(FLAGS_tls_ca_file)};
}

GrpcSecurity::GrpcSecurity(GrpcSecurityOptions options)
    : options_(std::move(options)),
      tls_(options_.mode == "tls" ||
           (options_.mode == "auto" && !(options_.cert_file.empty() && options_.ca_file.empty()))) {
  if (tls_) {
    provider_ = std::make_shared<FileWatcherCertificateProvider>(options_.key_file, options_.cert_file,
                                                                 options_.ca_file, kRefreshSeconds);
  }
}

absl::StatusOr<std::shared_ptr<const GrpcSecurity>> GrpcSecurity::Create(const GrpcSecurityOptions& options) {
  if (options.mode != "auto" && options.mode != "tls" && options.mode != "plaintext") {
    return absl::InvalidArgumentError(
        absl::StrCat("--grpc_security must be auto, tls or plaintext, got \"", options.mode, "\""));
  }
  if (options.cert_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError("--tls_cert_file and --tls_key_file must be set together");
  }
  const bool any_file = !options.cert_file.empty() || !options.ca_file.empty();
  if (options.mode == "plaintext" && any_file) {
    return absl::InvalidArgumentError(
        "--grpc_security=plaintext uses no certificates: leave out --tls_cert_file, --tls_key_file and --tls_ca_file");
  }
  if (options.mode == "tls" && !any_file) {
    return absl::InvalidArgumentError(
        "--grpc_security=tls needs certificates: set --tls_cert_file and --tls_key_file, and --tls_ca_file for peers");
  }
  if (!options.cert_file.empty()) {
    const absl::Status status = CheckCertificateAndKey(options.cert_file, options.key_file);
    if (!status.ok()) return status;
  }
  if (!options.ca_file.empty()) {
    if (const absl::Status status = CheckAuthorities(options.ca_file); !status.ok()) return status;
  }
  return std::shared_ptr<const GrpcSecurity>(new GrpcSecurity(options));
}

std::shared_ptr<const GrpcSecurity> GrpcSecurity::Plaintext() {
  GrpcSecurityOptions options;
  options.mode = "plaintext";
  return std::shared_ptr<const GrpcSecurity>(new GrpcSecurity(std::move(options)));
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> GrpcSecurity::ForServer(absl::string_view host) const {
  if (!tls_) {
    if (options_.mode == "plaintext" || IsLoopback(host)) return grpc::InsecureServerCredentials();
    return absl::InvalidArgumentError(absl::StrCat("--host=", host,
                                                   " can be reached from outside, in clear text: set --tls_cert_file "
                                                   "and --tls_key_file",
                                                   kOrPlaintext));
  }
  if (options_.cert_file.empty()) {
    return absl::InvalidArgumentError("a server needs a certificate: set --tls_cert_file and --tls_key_file");
  }
  TlsServerCredentialsOptions tls(provider_);
  tls.watch_identity_key_cert_pairs();
  if (!options_.ca_file.empty()) {
    tls.watch_root_certs();
    tls.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(tls);
}

absl::Status GrpcSecurity::CheckTarget(absl::string_view target) const {
  if (IsUnix(target)) return absl::OkStatus();
  if (tls_) {
    if (!options_.ca_file.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(target, ": nobody vouches for the server: set --tls_ca_file to the authority of its certificate"));
  }
  if (options_.mode == "plaintext" || IsLocal(target)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      target, " is not on this machine, and would be called in clear text: set --tls_ca_file", kOrPlaintext));
}

bool GrpcSecurity::UsesTls(absl::string_view target) const { return tls_ && !IsUnix(target); }

std::shared_ptr<grpc::ChannelCredentials> GrpcSecurity::ForTarget(absl::string_view target) const {
  if (!UsesTls(target)) return grpc::InsecureChannelCredentials();
  TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(provider_);
  tls.watch_root_certs();
  if (!options_.cert_file.empty()) tls.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsCredentials(tls);
}

absl::StatusOr<std::shared_ptr<SSL_CTX>> GrpcSecurity::ClientContext() const {
  ERR_clear_error();
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const auto problem = [](absl::string_view flag, const std::string& file_name) {
    ERR_clear_error();
    return absl::UnavailableError(absl::StrCat("--", flag, ": ", file_name, " cannot be used now"));
  };
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return absl::UnavailableError("TLS cannot be set up");
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_default_passwd_cb(context.get(), NoPassword);
  if (SSL_CTX_load_verify_file(context.get(), options_.ca_file.c_str()) != 1) {
    return problem("tls_ca_file", options_.ca_file);
  }
  if (!options_.cert_file.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context.get(), options_.cert_file.c_str()) != 1) {
      return problem("tls_cert_file", options_.cert_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), options_.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return problem("tls_key_file", options_.key_file);
    }
  }
  return context;
}

}  // namespace common
