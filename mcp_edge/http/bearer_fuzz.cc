// Whatever the header says, a token that is taken is one, and a challenge is a single, well-quoted line.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "mcp_edge/http/bearer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view value(reinterpret_cast<const char*>(data), size);
  const mcp_edge::BearerToken bearer = mcp_edge::ReadBearerToken({value}, false);
  if (bearer.form == mcp_edge::BearerToken::Form::kPresent) {
    if (bearer.token.empty() || bearer.token.size() > mcp_edge::kMaxTokenBytes) std::abort();
    for (const char c : bearer.token) {
      if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == ',') std::abort();
    }
  }
  const std::string challenge = mcp_edge::WriteChallenge({"invalid_token", std::string(value), "", ""});
  if (challenge.find_first_of("\r\n\\") != std::string::npos) std::abort();
  if (std::count(challenge.begin(), challenge.end(), '"') % 2 != 0) std::abort();
  return 0;
}
