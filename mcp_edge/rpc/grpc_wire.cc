#include "mcp_edge/rpc/grpc_wire.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/message_lite.h"

namespace mcp_edge {
namespace {

constexpr size_t kPrefixBytes = 5;
constexpr int64_t kMaxTimeout = 99'999'999;  // eight digits
// Memory is taken as a message arrives, not as its length claims.
constexpr size_t kMaxReserve = 64 << 10;

void WriteLength(size_t length, char* out) {
  for (int i = 3; i >= 0; --i) {
    out[i] = static_cast<char>(length & 0xff);
    length >>= 8;
  }
}

size_t ReadLength(absl::string_view prefix) {
  size_t length = 0;
  for (size_t i = 1; i < kPrefixBytes; ++i) length = length << 8 | static_cast<unsigned char>(prefix[i]);
  return length;
}

}  // namespace

std::string FrameMessage(const google::protobuf::MessageLite& message) {
  const size_t length = message.ByteSizeLong();
  std::string framed(kPrefixBytes + length, '\0');
  WriteLength(length, &framed[1]);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(&framed[kPrefixBytes]));
  return framed;
}

std::string EncodeTimeout(absl::Duration timeout) {
  if (timeout == absl::InfiniteDuration()) return "";
  struct Unit {
    absl::Duration length;
    char name;
  };
  static constexpr std::array<Unit, 6> kUnits = {{{absl::Nanoseconds(1), 'n'},
                                                  {absl::Microseconds(1), 'u'},
                                                  {absl::Milliseconds(1), 'm'},
                                                  {absl::Seconds(1), 'S'},
                                                  {absl::Minutes(1), 'M'},
                                                  {absl::Hours(1), 'H'}}};
  timeout = std::max(timeout, absl::Nanoseconds(1));
  for (const Unit& unit : kUnits) {
    const int64_t count = timeout / unit.length;
    if (count <= kMaxTimeout) return absl::StrCat(count, absl::string_view(&unit.name, 1));
  }
  return absl::StrCat(kMaxTimeout, "H");
}

std::string DecodeStatusMessage(absl::string_view value) {
  const auto digit = [](char c) -> int {
    if (absl::ascii_isdigit(c)) return c - '0';
    const char lower = absl::ascii_tolower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  std::string message;
  message.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '%' && i + 2 < value.size() && digit(value[i + 1]) >= 0 && digit(value[i + 2]) >= 0) {
      message.push_back(static_cast<char>(digit(value[i + 1]) << 4 | digit(value[i + 2])));
      i += 2;
    } else {
      message.push_back(value[i]);
    }
  }
  return message;
}

absl::StatusCode DecodeStatusCode(absl::string_view value) {
  int code = 0;
  if (!absl::SimpleAtoi(value, &code) || code < 0 || code > static_cast<int>(absl::StatusCode::kUnauthenticated)) {
    return absl::StatusCode::kUnknown;
  }
  return static_cast<absl::StatusCode>(code);
}

absl::StatusCode StatusCodeForHttp(int http_status) {
  switch (http_status) {
    case 400:
      return absl::StatusCode::kInternal;
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnknown;
  }
}

absl::StatusCode StatusCodeForReset(uint32_t error_code) {
  switch (error_code) {
    case 0x7:  // REFUSED_STREAM
      return absl::StatusCode::kUnavailable;
    case 0x8:  // CANCEL
      return absl::StatusCode::kCancelled;
    case 0xb:  // ENHANCE_YOUR_CALM
      return absl::StatusCode::kResourceExhausted;
    case 0xc:  // INADEQUATE_SECURITY
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status MessageReader::Add(absl::string_view bytes, absl::FunctionRef<void(std::string& message)> on_message) {
  while (!bytes.empty() || (in_message_ && missing_ == 0)) {
    if (!in_message_) {
      absl::string_view prefix = bytes;
      if (!head_.empty() || bytes.size() < kPrefixBytes) {
        const size_t taken = std::min(kPrefixBytes - head_.size(), bytes.size());
        head_.append(bytes.data(), taken);
        bytes.remove_prefix(taken);
        if (head_.size() < kPrefixBytes) return absl::OkStatus();
        prefix = head_;
      } else {
        bytes.remove_prefix(kPrefixBytes);
      }
      if (prefix[0] != 0) return absl::InternalError("the service sent a compressed message");
      missing_ = ReadLength(prefix);
      if (missing_ > max_bytes_) {
        return absl::ResourceExhaustedError(
            absl::StrCat("the service sent a message of ", missing_, " bytes; it may have at most ", max_bytes_));
      }
      head_.clear();
      in_message_ = true;
      message_.reserve(std::min(missing_, kMaxReserve));
    }
    const size_t taken = std::min(missing_, bytes.size());
    message_.append(bytes.data(), taken);
    bytes.remove_prefix(taken);
    missing_ -= taken;
    if (missing_ > 0) return absl::OkStatus();
    in_message_ = false;
    on_message(message_);
    message_.clear();
  }
  return absl::OkStatus();
}

}  // namespace mcp_edge
