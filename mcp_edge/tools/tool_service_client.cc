#include "mcp_edge/tools/tool_service_client.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "grpc/byte_buffer.h"
#include "grpc/byte_buffer_reader.h"
#include "grpc/grpc.h"
#include "grpc/grpc_security.h"
#include "grpc/support/alloc.h"
#include "grpc/support/time.h"
#include "mcp_edge/assertion/principal_signer.h"
#include "mcp_edge/tools/bounded_message.h"
#include "mcp_edge/tools/grpc_channel.h"

// CallTool is the hot path, and grpc::ClientReader takes four rounds through the library where a unary call takes one:
// 60 microseconds of CPU time against 36. So calls use the C API underneath (grpc/grpc.h, public and stable): one batch
// sends the request and receives the first event, and one receives the end; with both, a call that has nothing but an
// outcome costs 42 microseconds. Measure with //mcp_edge/tools:tool_call_benchmark.

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::CallToolEvent;
using gatehouse::tool::v1::CallToolRequest;

// How long a service may take to end the stream after the outcome.
constexpr absl::Duration kEndTimeout = absl::Seconds(2);

gpr_timespec ToGrpcTime(absl::Time time) {
  if (time == absl::InfiniteFuture()) return gpr_inf_future(GPR_CLOCK_REALTIME);
  if (time == absl::InfinitePast()) return gpr_inf_past(GPR_CLOCK_REALTIME);
  const timespec spec = absl::ToTimespec(time);
  return {.tv_sec = spec.tv_sec, .tv_nsec = static_cast<int32_t>(spec.tv_nsec), .clock_type = GPR_CLOCK_REALTIME};
}

// A message as the library carries it.
grpc_byte_buffer* Serialize(const CallToolRequest& request) {
  grpc_slice slice = grpc_slice_malloc(request.ByteSizeLong());
  request.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(slice));
  grpc_byte_buffer* const buffer = grpc_raw_byte_buffer_create(&slice, 1);
  grpc_slice_unref(slice);
  return buffer;
}

bool ParseBytes(const grpc_slice& slice, CallToolEvent& event) {
  const auto size = static_cast<int>(GRPC_SLICE_LENGTH(slice));
  if (GRPC_SLICE_LENGTH(slice) > kCountedBytes) {
    google::protobuf::io::ArrayInputStream wire(GRPC_SLICE_START_PTR(slice), size);
    if (!HasFewParts(*CallToolEvent::descriptor(), wire)) return false;
  }
  return event.ParseFromArray(GRPC_SLICE_START_PTR(slice), size);
}

bool Parse(grpc_byte_buffer* buffer, CallToolEvent& event) {
  grpc_byte_buffer_reader reader;
  if (!grpc_byte_buffer_reader_init(&reader, buffer)) return false;
  const size_t length = grpc_byte_buffer_length(reader.buffer_out);
  grpc_slice* first = nullptr;
  bool parsed = false;
  if (length == 0) {
    event.Clear();
    parsed = true;
  } else if (grpc_byte_buffer_reader_peek(&reader, &first) && GRPC_SLICE_LENGTH(*first) == length) {
    parsed = ParseBytes(*first, event);
  } else {
    grpc_byte_buffer_reader_destroy(&reader);
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) return false;
    const grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);
    parsed = ParseBytes(whole, event);
    grpc_slice_unref(whole);
  }
  grpc_byte_buffer_reader_destroy(&reader);
  return parsed;
}

bool IsOutcome(const CallToolEvent& event) { return event.has_result() || event.has_input_required(); }

}  // namespace

// The channel, and the completion queues that are free. Lives until its last call has ended.
class ToolServiceClient::Connection {
 public:
  Connection(const std::string& target, const common::GrpcSecurity* security) {
    grpc_init();
    const grpc_channel_args arguments = arguments_.c_channel_args();
    grpc_channel_credentials* const credentials =
        security == nullptr ? grpc_insecure_credentials_create() : security->CoreCredentialsForTarget(target);
    channel_ = grpc_channel_create(target.c_str(), credentials, &arguments);
    grpc_channel_credentials_release(credentials);
    call_tool_ = grpc_channel_register_call(channel_, "/gatehouse.tool.v1.ToolService/CallTool", nullptr, nullptr);
  }

  ~Connection() {
    for (grpc_completion_queue* const queue : free_queues_) DestroyQueue(queue);
    grpc_channel_destroy(channel_);
    grpc_shutdown();
  }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Takes a queue that holds nothing.
  grpc_completion_queue* AcquireQueue() {
    {
      absl::MutexLock lock(&mutex_);
      if (!free_queues_.empty()) {
        grpc_completion_queue* const queue = free_queues_.back();
        free_queues_.pop_back();
        return queue;
      }
    }
    return grpc_completion_queue_create_for_pluck(nullptr);
  }

  // Gives back one that holds nothing.
  void ReleaseQueue(grpc_completion_queue* queue) {
    {
      absl::MutexLock lock(&mutex_);
      if (free_queues_.size() < kMaxFreeQueues) {
        free_queues_.push_back(queue);
        return;
      }
    }
    DestroyQueue(queue);
  }

  grpc_call* CreateCall(grpc_completion_queue* queue, absl::Time deadline) {
    return grpc_channel_create_registered_call(channel_, nullptr, GRPC_PROPAGATE_DEFAULTS, queue, call_tool_,
                                               ToGrpcTime(deadline), nullptr);
  }

 private:
  static constexpr size_t kMaxFreeQueues = 64;

  static void DestroyQueue(grpc_completion_queue* queue) {
    grpc_completion_queue_shutdown(queue);
    grpc_completion_queue_destroy(queue);
  }

  // Calls have a connection of their own: on one that they share with the catalogue's stream, the threads that gRPC
  // keeps for such streams would wake at every answer too.
  static grpc::ChannelArguments CallArguments() {
    grpc::ChannelArguments arguments = MakeChannelArguments(Health::kWatched);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return arguments;
  }

  const grpc::ChannelArguments arguments_ = CallArguments();
  grpc_channel* channel_;
  void* call_tool_;
  absl::Mutex mutex_;
  std::vector<grpc_completion_queue*> free_queues_ ABSL_GUARDED_BY(mutex_);
};

namespace {

class GrpcToolCall final : public ToolCall {
 public:
  GrpcToolCall(std::shared_ptr<ToolServiceClient::Connection> connection, const CallToolRequest& request,
               absl::Time deadline, const TraceContext& trace_context)
      : connection_(std::move(connection)), queue_(connection_->AcquireQueue()) {
    call_ = connection_->CreateCall(queue_, deadline);
    grpc_metadata_array_init(&initial_metadata_);
    grpc_metadata_array_init(&trailing_metadata_);
    AddMetadata("traceparent", trace_context.traceparent);
    AddMetadata("tracestate", trace_context.tracestate);
    AddMetadata("baggage", trace_context.baggage);
    request_ = Serialize(request);

    std::array<grpc_op, 5> ops = {};
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[0].data.send_initial_metadata.count = metadata_count_;
    ops[0].data.send_initial_metadata.metadata = metadata_.data();
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = request_;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &initial_metadata_;
    ops[4] = ReceiveMessage();
    StartBatch(ops.data(), ops.size());
  }

  ~GrpcToolCall() override {
    if (pending_) {
      Cancel();
      Pluck(absl::InfiniteFuture());
    }
    ClearMessage();
    if (has_status_) {
      grpc_slice_unref(status_details_);
      gpr_free(const_cast<char*>(error_string_));
    }
    for (size_t i = 0; i < metadata_count_; ++i) grpc_slice_unref(metadata_[i].value);
    grpc_metadata_array_destroy(&initial_metadata_);
    grpc_metadata_array_destroy(&trailing_metadata_);
    grpc_byte_buffer_destroy(request_);
    grpc_call_unref(call_);
    connection_->ReleaseQueue(queue_);
  }

  absl::StatusOr<CallToolEvent> Next() override {
    if (ended_) return absl::FailedPreconditionError("the call has ended");
    Wait(absl::InfiniteFuture());
    received_ = false;
    if (message_ == nullptr) {  // the end, without an outcome
      ended_ = true;
      grpc_op op = ReceiveStatus();
      StartBatch(&op, 1);
      Pluck(absl::InfiniteFuture());
      const absl::Status status = TakeStatus();
      return status.ok() ? absl::InternalError("the tool service ended the call without an outcome") : status;
    }
    absl::StatusOr<CallToolEvent> event(absl::in_place);
    const bool parsed = Parse(message_, *event);
    ClearMessage();
    if (!parsed) return Broken("the tool service sent an event that cannot be decoded, or one of too many parts");
    if (event->event_case() == CallToolEvent::EVENT_NOT_SET) return Broken("the tool service sent an empty event");
    if (IsOutcome(*event)) {
      const absl::Status end = ExpectEnd();
      if (!end.ok()) return end;
    }
    return event;
  }

  bool Wait(absl::Time until) override {
    if (received_ || ended_) return true;
    if (!pending_) {
      grpc_op op = ReceiveMessage();
      StartBatch(&op, 1);
    }
    received_ = Pluck(until);
    return received_;
  }

  void Cancel() override { grpc_call_cancel(call_, nullptr); }

 private:
  static void* Tag() { return reinterpret_cast<void*>(1); }

  void AddMetadata(const char* key, const std::string& value) {
    if (value.empty()) return;
    grpc_metadata& entry = metadata_[metadata_count_++];
    entry.key = grpc_slice_from_static_string(key);
    entry.value = grpc_slice_from_copied_buffer(value.data(), value.size());
  }

  grpc_op ReceiveMessage() {
    grpc_op op = {};
    op.op = GRPC_OP_RECV_MESSAGE;
    op.data.recv_message.recv_message = &message_;
    return op;
  }

  grpc_op ReceiveStatus() {
    has_status_ = true;
    grpc_op op = {};
    op.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    op.data.recv_status_on_client.trailing_metadata = &trailing_metadata_;
    op.data.recv_status_on_client.status = &status_code_;
    op.data.recv_status_on_client.status_details = &status_details_;
    op.data.recv_status_on_client.error_string = &error_string_;
    return op;
  }

  void StartBatch(const grpc_op* ops, size_t count) {
    if (const grpc_call_error error = grpc_call_start_batch(call_, ops, count, Tag(), nullptr); error != GRPC_CALL_OK) {
      // Says that this file uses the library wrongly, whatever happens outside.
      std::fprintf(stderr, "grpc_call_start_batch: %s\n", grpc_call_error_to_string(error));
      std::abort();
    }
    pending_ = true;
  }

  // Waits for the batch under way. False when `deadline` passes first.
  bool Pluck(absl::Time deadline) {
    const grpc_event event = grpc_completion_queue_pluck(queue_, Tag(), ToGrpcTime(deadline), nullptr);
    if (event.type == GRPC_QUEUE_TIMEOUT) return false;
    pending_ = false;
    return true;
  }

  // After the outcome: nothing more, and OK.
  absl::Status ExpectEnd() {
    ended_ = true;
    // One batch for both: it completes only at the end of the stream, or never if the service sends more than one
    // further event; hence the time limit.
    const std::array<grpc_op, 2> ops = {ReceiveMessage(), ReceiveStatus()};
    StartBatch(ops.data(), ops.size());
    if (!Pluck(absl::Now() + kEndTimeout)) {
      Cancel();
      Pluck(absl::InfiniteFuture());
      return absl::InternalError("the tool service did not end the call after its outcome");
    }
    if (message_ != nullptr) return absl::InternalError("the tool service sent an event after the outcome");
    return TakeStatus();
  }

  absl::Status Broken(absl::string_view what) {
    ended_ = true;
    Cancel();
    return absl::InternalError(what);
  }

  absl::Status TakeStatus() const {
    if (status_code_ == GRPC_STATUS_OK) return absl::OkStatus();
    return absl::Status(static_cast<absl::StatusCode>(status_code_),
                        absl::string_view(reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(status_details_)),
                                          GRPC_SLICE_LENGTH(status_details_)));
  }

  void ClearMessage() {
    grpc_byte_buffer_destroy(message_);
    message_ = nullptr;
  }

  const std::shared_ptr<ToolServiceClient::Connection> connection_;
  grpc_completion_queue* const queue_;
  grpc_call* call_;
  grpc_byte_buffer* request_;
  std::array<grpc_metadata, 3> metadata_ = {};
  size_t metadata_count_ = 0;
  grpc_metadata_array initial_metadata_;
  grpc_metadata_array trailing_metadata_;
  grpc_byte_buffer* message_ = nullptr;
  grpc_status_code status_code_ = GRPC_STATUS_UNKNOWN;
  grpc_slice status_details_ = {};
  const char* error_string_ = nullptr;
  bool has_status_ = false;  // the three above were asked for
  bool pending_ = false;     // a batch is under way
  bool received_ = false;    // a message, or the end, that Next() has not looked at
  bool ended_ = false;
};

}  // namespace

ToolServiceClient::ToolServiceClient(std::string name, std::string target, PrincipalSigner* signer,
                                     const common::GrpcSecurity* security)
    : name_(std::move(name)),
      target_(std::move(target)),
      signer_(signer),
      connection_(std::make_shared<Connection>(target_, security)),
      channel_(MakeChannel(target_, security)) {}

ToolServiceClient::~ToolServiceClient() = default;

std::unique_ptr<ToolCall> ToolServiceClient::StartCall(CallToolRequest& request, absl::Time deadline,
                                                       const TraceContext& trace_context) const {
  if (request.has_context()) Vouch(*request.mutable_context());
  return std::make_unique<GrpcToolCall>(connection_, request, deadline, trace_context);
}

void ToolServiceClient::Vouch(gatehouse::tool::v1::CallContext& context) const {
  if (signer_ == nullptr || !context.has_principal()) return;
  gatehouse::tool::v1::Principal& principal = *context.mutable_principal();
  principal.clear_assertion();  // that of an earlier round
  principal.set_assertion(signer_->Sign(principal, name_));
}

}  // namespace mcp_edge
