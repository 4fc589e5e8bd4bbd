// The input is what a service that means harm sends over a connection on which two calls run; its first byte says in
// what pieces it arrives. Whatever it is, each stream hears of its end once and of nothing after that, and what is to
// be sent is bounded.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "mcp_edge/rpc/grpc_wire.h"
#include "mcp_edge/rpc/http2_session.h"

namespace {

constexpr size_t kMaxMessageBytes = 1 << 20;

class Stream final : public mcp_edge::Http2Stream {
 public:
  ~Stream() override {
    if (!closed_) std::abort();
  }

  void OnHeader(absl::string_view name, absl::string_view value) override {
    CheckOpen();
    header_bytes_ += name.size() + value.size();
    if (header_bytes_ > mcp_edge::Http2Session::kMaxHeaderBytes) std::abort();
    mcp_edge::DecodeStatusMessage(value);
    mcp_edge::DecodeStatusCode(value);
  }
  size_t OnData(absl::string_view bytes) override {
    CheckOpen();
    if (broken_) return bytes.size();
    const absl::Status status = reader_.Add(bytes, [](std::string& message) {
      if (message.size() > kMaxMessageBytes) std::abort();
    });
    broken_ = !status.ok();
    return bytes.size() / 2;
  }
  void OnEnd() override { CheckOpen(); }
  void OnClosed(uint32_t /*error_code*/, bool /*refused*/) override {
    CheckOpen();
    closed_ = true;
  }
  void Wake() override {}

 private:
  void CheckOpen() const {
    if (closed_) std::abort();
  }

  mcp_edge::MessageReader reader_{kMaxMessageBytes};
  size_t header_bytes_ = 0;
  bool broken_ = false;
  bool closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = 1 + data[0];
  absl::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  mcp_edge::Http2Request request;
  request.scheme = "http";
  request.authority = "localhost";
  request.path = "/test.Service/Method";
  request.body = std::string(100'000, 'x');  // more than a peer takes before it has said so
  mcp_edge::Http2Session session;
  session.Open(request, std::make_shared<Stream>());
  const int32_t second = session.Open(request, std::make_shared<Stream>());
  std::string output;
  while (!input.empty() && !session.done()) {
    if (!session.Receive(input.substr(0, piece)).ok()) break;
    input.remove_prefix(std::min(piece, input.size()));
    output.clear();
    session.TakeOutput(output);
    if (output.size() > mcp_edge::Http2Session::kMaxOutputBytes + (32 << 10)) std::abort();
    for (const auto& stream : session.TakeTouched()) stream->Wake();
    session.Consume(second, 10);
  }
  session.Reset(second);
  session.TakeOutput(output);
  session.Abandon();
  if (session.streams() != 0) std::abort();
  return 0;
}
