#include "common/token_digest.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace common {
namespace {

// To look the algorithm up costs more than to use it, and so does a new context: one for each thread that asks.
EVP_MD_CTX* ThreadContext() {
  struct Owner {
    Owner() : context(EVP_MD_CTX_new()) {}
    ~Owner() { EVP_MD_CTX_free(context); }
    EVP_MD_CTX* const context;
  };
  thread_local const Owner owner;
  return owner.context;
}

}  // namespace

TokenDigest DigestToken(absl::string_view token, absl::string_view resource) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* const context = ThreadContext();
  TokenDigest digest;
  const bool done = sha256 != nullptr && context != nullptr && EVP_DigestInit_ex2(context, sha256, nullptr) == 1 &&
                    EVP_DigestUpdate(context, token.data(), token.size()) == 1 &&
                    EVP_DigestUpdate(context, "\0", 1) == 1 &&
                    EVP_DigestUpdate(context, resource.data(), resource.size()) == 1 &&
                    EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1;
  // Only without memory. A digest that is none would let tokens pass for one another.
  if (!done) std::abort();
  return digest;
}

}  // namespace common
