#include "mcp_edge/rpc/http2_session.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

// What arrives is taken from the connection as a whole at once: only streams hold their peers back.
constexpr int kConnectionWindowBytes = 16 << 20;
// Frames that wait to be sent, besides two for each stream.
constexpr size_t kMaxWaitingFrames = 2000;
constexpr char kUserAgent[] = "gatehouse-edge";

// Of a call that can only fail when memory is at an end, or when this file uses the library wrongly.
void Check(int result, const char* what) {
  if (result == 0) return;
  std::fprintf(stderr, "%s: %s\n", what, nghttp2_strerror(result));
  std::abort();
}

// `flags`: kept out of the compression's table if its values are new each time.
nghttp2_nv Field(absl::string_view name, absl::string_view value, uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          static_cast<uint8_t>(flags | NGHTTP2_NV_FLAG_NO_COPY_NAME)};
}

}  // namespace

struct Http2Session::Callbacks {
  static Http2Session& Self(void* user_data) { return *static_cast<Http2Session*>(user_data); }

  static Entry* Of(nghttp2_session* session, int32_t stream_id) {
    return static_cast<Entry*>(nghttp2_session_get_stream_user_data(session, stream_id));
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t /*flags*/, void* /*user_data*/) {
    Entry* const entry = Of(session, frame->hd.stream_id);
    if (entry == nullptr) return 0;
    entry->header_bytes += name_size + value_size;
    if (entry->header_bytes > kMaxHeaderBytes) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
    entry->stream->OnHeader({reinterpret_cast<const char*>(name), name_size},
                            {reinterpret_cast<const char*>(value), value_size});
    return 0;
  }

  // A push was never allowed, also if the peer has not taken note of that yet.
  static int OnBeginHeaders(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* /*user_data*/) {
    return frame->hd.type == NGHTTP2_PUSH_PROMISE ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int OnData(nghttp2_session* session, uint8_t /*flags*/, int32_t stream_id, const uint8_t* data, size_t size,
                    void* user_data) {
    nghttp2_session_consume_connection(session, size);
    Entry* const entry = Of(session, stream_id);
    if (entry == nullptr) return 0;
    Self(user_data).Touch(*entry);
    const size_t consumed = entry->stream->OnData({reinterpret_cast<const char*>(data), size});
    if (consumed > 0) nghttp2_session_consume_stream(session, stream_id, consumed);
    return 0;
  }

  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
    Http2Session& self = Self(user_data);
    const bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_SETTINGS:
        if (!is_ack) self.ready_ = true;
        break;
      case NGHTTP2_PING:
        if (is_ack) ++self.pongs_;
        break;
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA: {
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) break;
        Entry* const entry = Of(session, frame->hd.stream_id);
        if (entry == nullptr) break;
        self.Touch(*entry);
        entry->stream->OnEnd();
        if (entry->sent < entry->request->body.size()) {  // the peer has no use for the rest
          nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_CANCEL);
        }
        break;
      }
      default:
        break;
    }
    return 0;
  }

  static int OnFrameNotSent(nghttp2_session* session, const nghttp2_frame* frame, int /*error*/, void* /*user_data*/) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (Entry* const entry = Of(session, frame->hd.stream_id); entry != nullptr) entry->unsent = true;
    return 0;
  }

  static int OnStreamClosed(nghttp2_session* /*session*/, int32_t stream_id, uint32_t error_code, void* user_data) {
    Http2Session& self = Self(user_data);
    const auto found = self.streams_.find(stream_id);
    if (found == self.streams_.end()) return 0;
    self.CloseNow(stream_id, error_code, found->second->unsent || error_code == NGHTTP2_REFUSED_STREAM);
    return 0;
  }

  static ssize_t ReadBody(nghttp2_session* /*session*/, int32_t /*stream_id*/, uint8_t* out, size_t size,
                          uint32_t* flags, nghttp2_data_source* source, void* /*user_data*/) {
    Entry& entry = *static_cast<Entry*>(source->ptr);
    const std::string& body = entry.request->body;
    const size_t taken = std::min(size, body.size() - entry.sent);
    std::memcpy(out, body.data() + entry.sent, taken);
    entry.sent += taken;
    if (entry.sent == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }
};

Http2Session::Http2Session() {
  nghttp2_session_callbacks* callbacks = nullptr;
  Check(nghttp2_session_callbacks_new(&callbacks), "nghttp2_session_callbacks_new");
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::OnBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::OnData);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::OnFrame);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Callbacks::OnFrameNotSent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::OnStreamClosed);
  nghttp2_option* option = nullptr;
  Check(nghttp2_option_new(&option), "nghttp2_option_new");
  nghttp2_option_set_no_auto_window_update(option, 1);
  const int created = nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  Check(created, "nghttp2_session_client_new2");
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindowBytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxHeaderBytes},
  };
  Check(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings)), "nghttp2_submit_settings");
  Check(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindowBytes),
        "nghttp2_session_set_local_window_size");
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

int32_t Http2Session::Open(const Http2Request& request, std::shared_ptr<Http2Stream> stream) {
  if (closing()) return -1;
  std::vector<nghttp2_nv> fields;
  fields.reserve(8 + request.metadata.size());
  fields.push_back(Field(":method", "POST"));
  fields.push_back(Field(":scheme", request.scheme));
  fields.push_back(Field(":path", request.path));
  fields.push_back(Field(":authority", request.authority));
  fields.push_back(Field("te", "trailers"));
  fields.push_back(Field("content-type", "application/grpc"));
  fields.push_back(Field("user-agent", kUserAgent));
  if (!request.timeout.empty()) fields.push_back(Field("grpc-timeout", request.timeout, NGHTTP2_NV_FLAG_NO_INDEX));
  for (const auto& [name, value] : request.metadata) fields.push_back(Field(name, value, NGHTTP2_NV_FLAG_NO_INDEX));

  auto entry = std::make_unique<Entry>();
  entry->stream = std::move(stream);
  entry->request = &request;
  nghttp2_data_provider body = {};
  body.source.ptr = entry.get();
  body.read_callback = Callbacks::ReadBody;
  const int32_t stream_id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &body, entry.get());
  if (stream_id > 0) streams_.emplace(stream_id, std::move(entry));
  return stream_id;
}

void Http2Session::Reset(int32_t stream_id) {
  const auto found = streams_.find(stream_id);
  if (found == streams_.end() || found->second->reset) return;
  found->second->reset = true;
  ++unclosed_resets_;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_CANCEL);
}

void Http2Session::Consume(int32_t stream_id, size_t bytes) {
  if (streams_.contains(stream_id)) nghttp2_session_consume_stream(session_, stream_id, bytes);
}

void Http2Session::Ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

void Http2Session::CloseNow(int32_t stream_id, uint32_t error_code, bool refused) {
  const auto found = streams_.find(stream_id);
  const std::unique_ptr<Entry> entry = std::move(found->second);
  streams_.erase(found);
  nghttp2_session_set_stream_user_data(session_, stream_id, nullptr);
  Touch(*entry);
  std::erase(touched_entries_, entry.get());
  if (entry->reset) --unclosed_resets_;
  entry->stream->OnClosed(error_code, refused);
}

void Http2Session::RefuseUnsent() {
  std::vector<int32_t> unsent;
  for (const auto& [stream_id, entry] : streams_) {
    if (!HasBegun(stream_id)) unsent.push_back(stream_id);
  }
  for (const int32_t stream_id : unsent) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_CANCEL);  // it stays unsent
    CloseNow(stream_id, NGHTTP2_REFUSED_STREAM, true);
  }
}

void Http2Session::Abandon() {
  while (!streams_.empty()) {
    const int32_t stream_id = streams_.begin()->first;
    const bool has_begun = HasBegun(stream_id);
    CloseNow(stream_id, has_begun ? kConnectionLost : uint32_t{NGHTTP2_REFUSED_STREAM}, !has_begun);
  }
}

absl::Status Http2Session::Receive(absl::string_view bytes) {
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) {
    return absl::UnavailableError(
        absl::StrCat("what the service sent is not HTTP/2: ", nghttp2_strerror(static_cast<int>(taken))));
  }
  if (nghttp2_session_get_outbound_queue_size(session_) > kMaxWaitingFrames + 2 * streams_.size()) {
    return absl::UnavailableError("the service makes more answers necessary than it takes");
  }
  return absl::OkStatus();
}

void Http2Session::TakeOutput(std::string& output) {
  while (output.size() < kMaxOutputBytes) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size <= 0) return;
    output.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  }
}

void Http2Session::Touch(Entry& entry) {
  if (entry.touched) return;
  entry.touched = true;
  touched_.push_back(entry.stream);
  touched_entries_.push_back(&entry);
}

std::vector<std::shared_ptr<Http2Stream>> Http2Session::TakeTouched() {
  for (Entry* const entry : touched_entries_) entry->touched = false;
  touched_entries_.clear();
  return std::exchange(touched_, {});
}

bool Http2Session::closing() const { return nghttp2_session_check_request_allowed(session_) == 0; }

bool Http2Session::done() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

}  // namespace mcp_edge
