#include "common/testing/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace common {
namespace {

// What cannot fail but for a broken test.
void Must(bool condition) {
  if (!condition) std::abort();
}

std::shared_ptr<EVP_PKEY> NewKey() { return {EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "prime256v1"), EVP_PKEY_free}; }

template <typename Write>
std::string ToPem(Write write) {
  BIO* const memory = BIO_new(BIO_s_mem());
  Must(write(memory) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(memory);
  return pem;
}

void AddExtension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  Must(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Not signed yet.
std::shared_ptr<X509> NewCertificate(EVP_PKEY* key, const std::string& name, absl::Duration life) {
  static std::atomic<long> serial{1};
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(absl::Now() - absl::Hours(2)));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(absl::Now() + life));
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1, 0);
  return certificate;
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name) : key_(NewKey()) {
  certificate_ = NewCertificate(key_.get(), name, absl::Hours(24));
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  AddExtension(certificate_.get(), certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate_.get(), certificate_.get(), NID_key_usage, "critical,keyCertSign");
  AddExtension(certificate_.get(), certificate_.get(), NID_subject_key_identifier, "hash");
  Must(X509_sign(certificate_.get(), key_.get(), EVP_sha256()) > 0);
}

std::string TestAuthority::certificate() const {
  return ToPem([this](BIO* out) { return PEM_write_bio_X509(out, certificate_.get()); });
}

TestCertificate TestAuthority::Issue(const std::string& alternative_names, absl::Duration life) const {
  const std::shared_ptr<EVP_PKEY> key = NewKey();
  const std::shared_ptr<X509> certificate = NewCertificate(key.get(), "test", life);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  AddExtension(certificate.get(), certificate_.get(), NID_subject_alt_name, alternative_names.c_str());
  AddExtension(certificate.get(), certificate_.get(), NID_authority_key_identifier, "keyid");
  Must(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0);
  return {ToPem([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }), ToPem([&](BIO* out) {
            return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

SecretFolder::SecretFolder(const std::string& name) {
  const char* const root = std::getenv("TEST_TMPDIR");
  path_ = absl::StrCat(root != nullptr ? root : "/tmp", "/", name);
  Must(mkdir(path_.c_str(), 0700) == 0);
}

void SecretFolder::Write(const TestCertificate& own, const std::string& authorities) {
  const std::string version = absl::StrCat(path_, "/", ++version_);
  Must(mkdir(version.c_str(), 0700) == 0);
  std::ofstream(version + "/tls.crt") << own.certificate;
  std::ofstream(version + "/tls.key") << own.key;
  std::ofstream(version + "/ca.crt") << authorities;
  Must(symlink(version.c_str(), (path_ + "/next").c_str()) == 0);
  Must(rename((path_ + "/next").c_str(), (path_ + "/current").c_str()) == 0);
}

}  // namespace common
