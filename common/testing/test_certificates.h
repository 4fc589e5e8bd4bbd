// Certificates for tests of TLS, made on the spot.

#ifndef GATEHOUSE_COMMON_TESTING_TEST_CERTIFICATES_H_
#define GATEHOUSE_COMMON_TESTING_TEST_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace common {

// In PEM.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

// A certificate authority.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test authority");

  // Its own certificate, in PEM.
  std::string certificate() const;

  // A certificate for `alternative_names`, as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1". Good from an hour ago
  // until `life` from now.
  TestCertificate Issue(const std::string& alternative_names, absl::Duration life = absl::Hours(1)) const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

// A folder whose files change all at once, as a Secret of Kubernetes does.
class SecretFolder {
 public:
  // Below the test's own folder for temporary files; `name` must be new there.
  explicit SecretFolder(const std::string& name);

  // Puts these three in place of those that are there: tls.crt, tls.key and ca.crt.
  void Write(const TestCertificate& own, const std::string& authorities);

  std::string cert_file() const { return path_ + "/current/tls.crt"; }
  std::string key_file() const { return path_ + "/current/tls.key"; }
  std::string ca_file() const { return path_ + "/current/ca.crt"; }

 private:
  std::string path_;
  int version_ = 0;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_TESTING_TEST_CERTIFICATES_H_
