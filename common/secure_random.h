// Randomness that nobody can guess.

#ifndef GATEHOUSE_COMMON_SECURE_RANDOM_H_
#define GATEHOUSE_COMMON_SECURE_RANDOM_H_

#include <cstddef>
#include <string>

namespace common {

// Bytes from the system's secure random source. Without one there is no safe way on: the process is then aborted.
std::string SecureRandomBytes(size_t count);

// A name that cannot be guessed: 256 bits, as kUnguessableIdLength characters of base64url.
inline constexpr size_t kUnguessableIdLength = 43;
std::string UnguessableId();

}  // namespace common

#endif  // GATEHOUSE_COMMON_SECURE_RANDOM_H_
