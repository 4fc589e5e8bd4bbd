#include "common/secure_random.h"

#include <openssl/rand.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "common/log.h"

namespace common {

std::string SecureRandomBytes(size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    Log(Severity::kError, "random_source_failed");
    FlushLog();
    std::abort();
  }
  return bytes;
}

std::string UnguessableId() { return absl::WebSafeBase64Escape(SecureRandomBytes(32)); }

}  // namespace common
