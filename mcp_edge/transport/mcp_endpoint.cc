#include "mcp_edge/transport/mcp_endpoint.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/http/thread_memory.h"
#include "mcp_edge/session/event_id.h"
#include "mcp_edge/transport/batch_exchange.h"
#include "mcp_edge/transport/http_reply.h"
#include "mcp_edge/transport/legacy_messages.h"
#include "mcp_edge/transport/request_body.h"
#include "mcp_edge/transport/request_factory.h"
#include "mcp_edge/transport/session_stream.h"

namespace mcp_edge {
namespace {

constexpr char kListen[] = "subscriptions/listen";
constexpr char kSessionHeader[] = "Mcp-Session-Id";
// More messages than this in one array are nobody's honest wish.
constexpr size_t kMaxBatch = 100;

void ReplyInvalid(httplib::Response& response, absl::string_view id_json, absl::string_view problem) {
  ReplyError(response, id_json, {WireErrorKind::kInvalidRequest, absl::StrCat("Invalid request: ", problem), ""});
}

// Whether the version header names a version without sessions, in which GET and DELETE mean nothing.
bool NamesModernVersion(const httplib::Request& request) {
  const HeaderField header = ReadHeader(request, "MCP-Protocol-Version");
  if (!header.value.has_value()) return false;
  const std::optional<ProtocolVersion> version = VersionFromName(*header.value);
  return version.has_value() && FeaturesOf(*version).modern;
}

// Whether there is an answer to the message.
bool IsAnswered(const Message& message) {
  return message.kind == Message::Kind::kRequest || message.kind == Message::Kind::kInvalid;
}

void SetStreamHeaders(httplib::Response& response) {
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Accel-Buffering", "no");
}

}  // namespace

// One POST while it is worked on; shared with the stream that may follow the handler.
struct McpEndpoint::Call {
  ~Call() { Finish(); }

  void Finish() {
    watch = {};  // before what it would cancel goes
    if (session != nullptr && exchange != nullptr && !id_json.empty()) session->Finish(id_json);
    exchange.reset();
  }

  std::shared_ptr<Admission::Place> place;
  RequestBody body;  // what the messages point into
  std::shared_ptr<const Principal> principal;
  std::shared_ptr<Session> session;  // null in a modern call
  ClientDescription client;          // of a modern call
  std::string id_json;               // empty for a batch
  bool modern = false;
  Accepts accepts;
  std::unique_ptr<Exchange> exchange;
  DisconnectMonitor::Watch watch;
};

McpEndpoint::McpEndpoint(ProtectedResource resource, size_t max_body_bytes, size_t max_running,
                         const Collaborators& with)
    : resource_(std::move(resource)), max_body_bytes_(max_body_bytes), with_(with), running_(max_running) {}

void McpEndpoint::Post(const httplib::Request& request, httplib::Response& response,
                       const httplib::ContentReader& read_body) {
  const auto place = std::make_shared<Admission::Place>();
  CurrentTrail().held = place;  // until the answer is sent, be it a stream or not
  if (const auto full = with_.admission.AdmitRequest(*place); full.has_value()) return ReplyError(response, "", *full);
  auto call = std::make_shared<Call>();
  call->place = place;
  call->principal = with_.authenticator.Authenticate(request, resource_, response);
  if (call->principal == nullptr) return;
  // Only with a session are there answers that requests wait for.
  const bool may_be_notice = request.has_header(kSessionHeader);
  if (const auto full = with_.admission.AssignRequest(call->principal->key, may_be_notice, *place); full.has_value()) {
    return ReplyError(response, "", *full);
  }
  call->accepts = ReadAccept(request);
  if (!call->accepts.json && !call->accepts.event_stream) {
    return ReplyError(response, "",
                      {WireErrorKind::kNotAcceptable, "Accept application/json or text/event-stream, best both", ""});
  }
  if (!ReadBody(request, read_body, max_body_bytes_, with_.bodies, response, call->body)) return;
  absl::StatusOr<Body> body = ParseBody(call->body.text);
  if (!body.ok()) {
    return ReplyError(response, "",
                      {WireErrorKind::kParseError, absl::StrCat("Parse error: ", body.status().message()), ""});
  }
  if (std::any_of(body->messages.begin(), body->messages.end(), IsAnswered)) {
    if (const auto full = with_.admission.ConfirmRequest(*place); full.has_value()) {
      return ReplyError(response, "", *full);
    }
  }
  if (body->is_batch && NamesModernVersion(request)) {
    return ReplyInvalid(response, "", "this version has no batches");
  }
  if (body->is_batch) return PostLegacy(request, response, *std::move(body), std::move(call));
  Message& message = body->messages.front();
  const MirrorHeaders headers = ReadMirrorHeaders(request);
  const EraDecision decision = DecideEra(headers, message);
  if (decision.error.has_value()) return ReplyError(response, message.id_json, *decision.error, true);
  if (decision.era == Era::kModern) return PostModern(request, headers, response, message, std::move(call));
  PostLegacy(request, response, *std::move(body), std::move(call));
}

void McpEndpoint::PostModern(const httplib::Request& request, const MirrorHeaders& headers, httplib::Response& response,
                             const Message& message, std::shared_ptr<Call> call) {
  constexpr ProtocolVersion kVersion = ProtocolVersion::k2026_07_28;
  TrailMessage(message, kVersion);
  if (message.kind == Message::Kind::kInvalid) return ReplyInvalid(response, message.id_json, message.problem);
  if (message.kind == Message::Kind::kResponse) {
    return ReplyInvalid(response, message.id_json, "this version has no requests to the client");
  }
  if (const auto error = CheckModernEnvelope(headers, message); error.has_value()) {
    return ReplyError(response, message.id_json, *error, true);
  }
  if (message.kind == Message::Kind::kNotification) {
    response.status = 202;
    return;
  }
  call->modern = true;
  const bool listens = message.method == kListen;
  if (listens && !call->accepts.event_stream) {
    return ReplyError(response, message.id_json, {WireErrorKind::kNotAcceptable, "Accept text/event-stream", ""}, true);
  }
  if (listens) {
    // A stream for as long as the client wants: no work, and nothing to wait for at shutdown.
    Admission::Place stream;
    if (const auto full = with_.admission.AdmitStream(call->principal->key, stream); full.has_value()) {
      return ReplyError(response, message.id_json, *full, true);
    }
    *call->place = std::move(stream);
  }
  call->client = DescriptionFromMeta(message);
  call->id_json = message.id_json;
  const RequestContext context = {call->principal, kVersion, &call->client, ReadTraceContext(request, message),
                                  CurrentTrail().request_id};
  call->exchange =
      listens ? with_.listeners.Start(message, context) : with_.dispatcher.Start(message, context, &headers);
  Respond(response, std::move(call));
}

void McpEndpoint::PostLegacy(const httplib::Request& request, httplib::Response& response, Body body,
                             std::shared_ptr<Call> call) {
  if (!body.is_batch) {
    const Message& only = body.messages.front();
    if (only.kind == Message::Kind::kInvalid) return ReplyInvalid(response, only.id_json, only.problem);
    if (only.kind == Message::Kind::kRequest && only.method == "initialize") {
      // A session that has ended is no hindrance: clients begin anew after a 404.
      const HeaderField id = ReadHeader(request, kSessionHeader);
      if (id.value.has_value() && with_.sessions.Find(*id.value, call->principal->key).ok()) {
        return ReplyInvalid(response, only.id_json, "initialize opens a session, and this request names one");
      }
      return Initialize(only, *call, response);
    }
  }
  call->session = FindSession(request, call->principal, response);
  if (call->session == nullptr) return;
  const ProtocolVersion version = call->session->record().version;
  if (body.is_batch) {
    if (!FeaturesOf(version).batches) return ReplyInvalid(response, "", "this version has no batches");
    return PostBatch(request, response, std::move(body), std::move(call));
  }
  const Message& first = body.messages.front();
  TrailMessage(first, version);
  if (first.kind != Message::Kind::kRequest) {
    HandleLegacyNotice(first, *call->session);
    response.status = 202;
    return;
  }
  call->id_json = first.id_json;
  const RequestContext context = {call->principal,
                                  version,
                                  &call->session->record().client,
                                  ReadTraceContext(request, first),
                                  CurrentTrail().request_id,
                                  &call->session->state(),
                                  call->accepts.event_stream};
  std::unique_ptr<Exchange> exchange = with_.dispatcher.Start(first, context, nullptr);
  const Session::Begun begun = call->session->Begin(call->id_json, [running = exchange.get()] { running->Cancel(); });
  if (begun != Session::Begun::kYes) return ReplyError(response, first.id_json, NotBegunError(begun));
  call->exchange = std::move(exchange);
  Respond(response, std::move(call));
}

void McpEndpoint::Initialize(const Message& message, const Call& call, httplib::Response& response) {
  TrailMessage(message, kNewestLegacyVersion);
  SessionRecord record;
  if (std::optional<RpcError> error = ReadInitialize(message, record); error.has_value()) {
    return ReplyError(response, message.id_json, *error);
  }
  CurrentTrail().version = FeaturesOf(record.version).name;
  record.principal_key = call.principal->key;
  const ProtocolVersion version = record.version;
  const absl::StatusOr<std::shared_ptr<Session>> session = with_.sessions.Open(std::move(record));
  if (!session.ok()) {
    return ReplyError(response, message.id_json,
                      {WireErrorKind::kOverloaded, "No session can be opened now; try again later", ""});
  }
  (*session)->state().set_principal(call.principal);
  response.set_header(kSessionHeader, (*session)->record().id);
  ReplyJson(response, ResultResponse(message.id_json, with_.dispatcher.InitializeResult(version)));
}

void McpEndpoint::PostBatch(const httplib::Request& request, httplib::Response& response, Body body,
                            std::shared_ptr<Call> call) {
  if (body.messages.empty()) return ReplyInvalid(response, "", "the batch is empty");
  if (body.messages.size() > kMaxBatch) {
    return ReplyInvalid(response, "", absl::StrCat("the batch has more than ", kMaxBatch, " messages"));
  }
  BatchExchange::Requests requests;
  bool answers = false;
  for (const Message& message : body.messages) {
    answers |= IsAnswered(message);
    if (message.kind == Message::Kind::kRequest) TrailMessage(message, call->session->record().version);
    requests.traces.push_back(ReadTraceContext(request, message));
  }
  if (!answers) {
    for (const Message& message : body.messages) HandleLegacyNotice(message, *call->session);
    response.status = 202;
    return;
  }
  // None of them has a status of its own, so none is begun.
  if (const auto shortage = with_.dispatcher.FindShortage(body.messages, *call->principal, CurrentTrail().request_id);
      shortage != nullptr) {
    return with_.authenticator.ReplyShortage(resource_, *shortage, "", response);
  }
  requests.body = std::move(body);
  requests.principal = call->principal;
  requests.request_id = CurrentTrail().request_id;
  requests.can_stream = call->accepts.event_stream;
  call->exchange = std::make_unique<BatchExchange>(std::move(requests), *call->session, with_.dispatcher);
  Respond(response, std::move(call));
}

void McpEndpoint::Respond(httplib::Response& response, std::shared_ptr<Call> call) {
  if (call->modern) {
    // The client leaving is the only way to cancel (MCP 2026-07-28, cancellation).
    call->watch =
        with_.disconnects.WatchSocket(CurrentTrail().socket, [exchange = call->exchange.get()] { exchange->Cancel(); });
  }
  const Accepts accepts = call->accepts;
  // A call that says nothing for long becomes a stream, so that proxies and clients see that it is alive.
  std::optional<Step> first;
  if (!accepts.event_stream || call->exchange->Wait(with_.clock.Now() + with_.keep_alive_interval)) {
    first = call->exchange->Next();
    while (!first->last && !accepts.event_stream) first = call->exchange->Next();
  }
  // An error needs its status, whatever the client accepts.
  if (first.has_value() && first->last && (accepts.json || first->error.has_value())) {
    if (first->error == WireErrorKind::kInsufficientScope && first->shortage != nullptr) {
      return with_.authenticator.ReplyShortage(resource_, *first->shortage, call->id_json, response);
    }
    if (first->error.has_value()) {
      const WireError& wire = WireErrorOf(*first->error);
      response.status = call->modern ? wire.http_modern : wire.http_legacy;
      CurrentTrail().reason = std::string(wire.reason);
    }
    return ReplyJson(response, std::move(first->message));
  }
  if (call->modern) {
    RespondWithStream(response, std::move(call), std::move(first));
  } else {
    RespondWithSessionStream(response, std::move(call), std::move(first));
  }
}

// A stream that is written by the thread that waits for the steps, and that ends what runs when it breaks.
void McpEndpoint::RespondWithStream(httplib::Response& response, std::shared_ptr<Call> call,
                                    std::optional<Step> first) {
  SetStreamHeaders(response);
  response.set_chunked_content_provider(
      kEventStreamType, [call = std::move(call), first = std::move(first), &clock = with_.clock,
                         interval = with_.keep_alive_interval](size_t, httplib::DataSink& sink) mutable {
        const auto write = [&](absl::string_view part) { return sink.write(part.data(), part.size()); };
        while (true) {
          if (!first.has_value()) {
            if (!write(kKeepAlive)) return false;
            while (!call->exchange->Wait(clock.Now() + interval)) {
              ReleaseUnusedMemory();  // it lasts
              if (!write(kKeepAlive)) return false;
            }
            first = call->exchange->Next();
          }
          const Step step = *std::exchange(first, std::nullopt);
          // A cancelled request has no response.
          const bool says = step.error != WireErrorKind::kCancelled && !step.message.empty();
          if (says && !write(EventText("message", step.message))) return false;
          if (step.last) break;
          if (call->exchange->Wait(clock.Now() + interval)) first = call->exchange->Next();
        }
        call->Finish();
        sink.done();
        return true;
      });
}

// A stream that the client can resume: what runs goes on without it, on a thread of its own, and is not ended when the
// client leaves (MCP 2025-03-26, transports).
void McpEndpoint::RespondWithSessionStream(httplib::Response& response, std::shared_ptr<Call> call,
                                           std::optional<Step> first) {
  const std::shared_ptr<Session> session = call->session;
  const std::shared_ptr<EventStream> stream = session->OpenStream();
  // There before anything is written, so that the writer waits for it.
  auto reader = std::make_shared<StreamReader>(stream, *stream->Attach(std::nullopt));
  const std::string id_json = call->id_json;
  const bool started = running_.Run([call = std::move(call), stream, first = std::move(first)]() mutable {
    const bool closes = KnowsPolling(call->session->record().version);
    Step step = first.has_value() ? *std::move(first) : call->exchange->Next();
    while (!step.last) {
      if (step.close_retry.has_value()) {
        if (closes) stream->DismissReader(*step.close_retry);
      } else {
        stream->AppendWhenRead(std::move(step.message));
      }
      step = call->exchange->Next();
    }
    // The id is free again before the client can know the response.
    call->Finish();
    // A cancelled request has no response.
    if (step.error != WireErrorKind::kCancelled && !step.message.empty())
      stream->AppendWhenRead(std::move(step.message));
    stream->End();
  });
  if (!started) {
    return ReplyError(response, id_json, {WireErrorKind::kOverloaded, "The server is full; try again later", ""});
  }
  // What runs may do so to its end, so the stream outlives the token.
  SetStream(response, session, std::move(reader), absl::InfiniteFuture(), nullptr);
}

void McpEndpoint::SetStream(httplib::Response& response, std::shared_ptr<Session> session,
                            std::shared_ptr<StreamReader> reader, absl::Time end_time,
                            std::shared_ptr<Admission::Place> place) {
  SetStreamHeaders(response);
  response.set_chunked_content_provider(
      kEventStreamType, [this, session = std::move(session), reader = std::move(reader), end_time,
                         place = std::move(place), socket = CurrentTrail().socket](size_t, httplib::DataSink& sink) {
        const WritePart write = [&](absl::string_view part) { return sink.write(part.data(), part.size()); };
        WriteSessionStream({*session, *reader, socket, end_time}, with_, write);
        sink.done();
        return true;
      });
}

void McpEndpoint::Get(const httplib::Request& request, httplib::Response& response) {
  const std::shared_ptr<const Principal> principal = with_.authenticator.Authenticate(request, resource_, response);
  if (principal == nullptr) return;
  if (NamesModernVersion(request)) return ReplyMethodNotAllowed(response, "POST");
  if (!ReadAccept(request).event_stream) {
    return ReplyError(response, "", {WireErrorKind::kNotAcceptable, "Accept text/event-stream", ""});
  }
  std::shared_ptr<Session> session = FindSession(request, principal, response);
  if (session == nullptr) return;
  auto place = std::make_shared<Admission::Place>();
  if (const auto full = with_.admission.AdmitStream(principal->key, *place); full.has_value()) {
    return ReplyError(response, "", *full);
  }
  const HeaderField last_event = ReadHeader(request, "Last-Event-ID");
  std::shared_ptr<EventStream> stream = session->main_stream();
  std::optional<uint64_t> after;
  if (last_event.value.has_value()) {
    std::optional<EventId> id;
    if (!last_event.conflicting) id = ParseEventId(*last_event.value);
    if (id.has_value() && id->session_tag != SessionTag(session->record().id)) {
      return ReplyError(response, "",
                        {WireErrorKind::kSessionNotFound, "Last-Event-ID is not of a stream of this session", ""});
    }
    stream = id.has_value() ? session->FindStream(id->stream) : nullptr;
    if (id.has_value()) after = id->event;
  }
  std::optional<EventStream::Reader> place_in_stream;
  if (stream != nullptr) place_in_stream = stream->Attach(after);
  if (!place_in_stream.has_value()) {
    return ReplyError(response, "",
                      {WireErrorKind::kInvalidRequest,
                       "Last-Event-ID is not the id of an event that can be resumed from (any more)", ""});
  }
  SetStream(response, std::move(session), std::make_shared<StreamReader>(std::move(stream), *place_in_stream),
            principal->StreamEndTime(with_.clock.Now()), std::move(place));
}

void McpEndpoint::Delete(const httplib::Request& request, httplib::Response& response) {
  const std::shared_ptr<const Principal> principal = with_.authenticator.Authenticate(request, resource_, response);
  if (principal == nullptr) return;
  if (NamesModernVersion(request)) return ReplyMethodNotAllowed(response, "POST");
  const std::shared_ptr<Session> session = FindSession(request, principal, response);
  if (session == nullptr) return;
  if (!with_.sessions.End(*session).ok()) {
    return ReplyError(response, "", {WireErrorKind::kUnavailable, "The session cannot be ended now; try again", ""});
  }
  response.status = 204;
}

std::shared_ptr<Session> McpEndpoint::FindSession(const httplib::Request& request,
                                                  const std::shared_ptr<const Principal>& principal,
                                                  httplib::Response& response) {
  const HeaderField version = ReadHeader(request, "MCP-Protocol-Version");
  if (version.conflicting || (version.value.has_value() && !VersionFromName(*version.value).has_value())) {
    ReplyError(response, "", UnsupportedVersionError(*version.value));
    return nullptr;
  }
  const HeaderField id = ReadHeader(request, kSessionHeader);
  if (!id.value.has_value()) {
    ReplyError(
        response, "",
        {WireErrorKind::kSessionMissing, "Mcp-Session-Id is missing: send initialize first, or speak 2026-07-28", ""});
    return nullptr;
  }
  absl::StatusOr<std::shared_ptr<Session>> session = absl::NotFoundError("");
  if (!id.conflicting) session = with_.sessions.Find(*id.value, principal->key);
  if (session.ok()) {
    (*session)->state().set_principal(principal);
    return *std::move(session);
  }
  if (absl::IsUnavailable(session.status())) {
    ReplyError(response, "", {WireErrorKind::kUnavailable, "The session cannot be looked up now; try again", ""});
  } else {
    ReplyError(response, "", {WireErrorKind::kSessionNotFound, "There is no such session: send initialize again", ""});
  }
  return nullptr;
}

}  // namespace mcp_edge
