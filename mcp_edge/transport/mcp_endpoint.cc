#include "mcp_edge/transport/mcp_endpoint.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/jsonrpc/json_reader.h"
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
// No further request of a batch is run once the responses are larger than this.
constexpr size_t kMaxBatchAnswerBytes = 8 << 20;

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

}  // namespace

// One POST while it is worked on; shared with the stream that may follow the handler.
struct McpEndpoint::Call {
  ~Call() { Finish(); }

  void Finish() {
    watch = {};  // before what it would cancel goes
    if (session != nullptr && exchange != nullptr) session->Finish(id_json);
    exchange.reset();
  }

  std::shared_ptr<Admission::Place> place;
  std::string body;  // what the messages point into
  std::shared_ptr<const Principal> principal;
  std::shared_ptr<Session> session;  // null in a modern call
  ClientDescription client;          // of a modern call
  std::string id_json;
  bool modern = false;
  std::unique_ptr<Exchange> exchange;
  DisconnectMonitor::Watch watch;
};

McpEndpoint::McpEndpoint(ProtectedResource resource, size_t max_body_bytes, const Collaborators& with)
    : resource_(std::move(resource)), max_body_bytes_(max_body_bytes), with_(with) {}

void McpEndpoint::Post(const httplib::Request& request, httplib::Response& response,
                       const httplib::ContentReader& read_body) {
  const auto place = std::make_shared<Admission::Place>();
  CurrentTrail().held = place;  // until the answer is sent, be it a stream or not
  if (const auto full = with_.admission.AdmitRequest(*place); full.has_value()) return ReplyError(response, "", *full);
  auto call = std::make_shared<Call>();
  call->place = place;
  call->principal = with_.authenticator.Authenticate(request, resource_, response);
  if (call->principal == nullptr) return;
  if (const auto full = with_.admission.AssignRequest(call->principal->key, *place); full.has_value()) {
    return ReplyError(response, "", *full);
  }
  const Accepts accepts = ReadAccept(request);
  if (!accepts.json && !accepts.event_stream) {
    return ReplyError(response, "",
                      {WireErrorKind::kNotAcceptable, "Accept application/json or text/event-stream, best both", ""});
  }
  if (!ReadBody(request, read_body, max_body_bytes_, response, call->body)) return;
  absl::StatusOr<Body> body = ParseBody(call->body);
  if (!body.ok()) {
    return ReplyError(response, "",
                      {WireErrorKind::kParseError, absl::StrCat("Parse error: ", body.status().message()), ""});
  }
  if (body->is_batch && NamesModernVersion(request)) {
    return ReplyInvalid(response, "", "this version has no batches");
  }
  if (body->is_batch) return PostLegacy(request, response, *std::move(body), std::move(call));
  Message& message = body->messages.front();
  const EraDecision decision = DecideEra(ReadMirrorHeaders(request), message);
  if (decision.error.has_value()) return ReplyError(response, message.id_json, *decision.error, true);
  if (decision.era == Era::kModern) return PostModern(request, response, std::move(message), std::move(call));
  PostLegacy(request, response, *std::move(body), std::move(call));
}

void McpEndpoint::PostModern(const httplib::Request& request, httplib::Response& response, Message message,
                             std::shared_ptr<Call> call) {
  constexpr ProtocolVersion kVersion = ProtocolVersion::k2026_07_28;
  TrailMessage(message, kVersion);
  if (message.kind == Message::Kind::kInvalid) return ReplyInvalid(response, message.id_json, message.problem);
  if (message.kind == Message::Kind::kResponse) {
    return ReplyInvalid(response, message.id_json, "this version has no requests to the client");
  }
  const MirrorHeaders headers = ReadMirrorHeaders(request);
  if (const auto error = CheckModernEnvelope(headers, message); error.has_value()) {
    return ReplyError(response, message.id_json, *error, true);
  }
  if (message.kind == Message::Kind::kNotification) {
    response.status = 202;
    return;
  }
  call->modern = true;
  const bool listens = message.method == kListen;
  if (listens && !ReadAccept(request).event_stream) {
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
  Respond(request, response, std::move(call));
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
  call->session = FindSession(request, *call->principal, response);
  if (call->session == nullptr) return;
  const ProtocolVersion version = call->session->record().version;
  if (body.is_batch) {
    if (!FeaturesOf(version).batches) return ReplyInvalid(response, "", "this version has no batches");
    return RunBatch(request, response, body, *call);
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
                                  ReadAccept(request).event_stream};
  std::unique_ptr<Exchange> exchange = with_.dispatcher.Start(first, context, nullptr);
  const Session::Begun begun = call->session->Begin(call->id_json, [running = exchange.get()] { running->Cancel(); });
  if (begun != Session::Begun::kYes) return ReplyError(response, first.id_json, NotBegunError(begun));
  call->exchange = std::move(exchange);
  Respond(request, response, std::move(call));
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
  response.set_header(kSessionHeader, (*session)->record().id);
  ReplyJson(response, ResultResponse(message.id_json, with_.dispatcher.InitializeResult(version)));
}

void McpEndpoint::RunBatch(const httplib::Request& request, httplib::Response& response, const Body& body, Call& call) {
  // MCP 2025-03-26, transports. Requests run one after the other; what they say before their responses is left out.
  if (body.messages.empty()) return ReplyInvalid(response, "", "the batch is empty");
  if (body.messages.size() > kMaxBatch) {
    return ReplyInvalid(response, "", absl::StrCat("the batch has more than ", kMaxBatch, " messages"));
  }
  std::vector<std::string> responses;
  size_t bytes = 0;
  for (const Message& message : body.messages) {
    bytes += responses.empty() ? 0 : responses.back().size();
    if (bytes > kMaxBatchAnswerBytes && message.kind == Message::Kind::kRequest) {
      responses.push_back(ErrorResponse(message.id_json, WireErrorOf(WireErrorKind::kInternal).json_rpc,
                                        "The responses before this one are too large; send it by itself"));
      bytes -= responses.back().size();
      continue;
    }
    if (message.kind == Message::Kind::kInvalid || message.method == "initialize") {
      responses.push_back(
          ErrorResponse(message.id_json, WireErrorOf(WireErrorKind::kInvalidRequest).json_rpc,
                        absl::StrCat("Invalid request: ", message.problem.empty() ? "initialize has no place in a batch"
                                                                                  : message.problem)));
      continue;
    }
    if (message.kind != Message::Kind::kRequest) {
      HandleLegacyNotice(message, *call.session);
      continue;
    }
    TrailMessage(message, call.session->record().version);
    const RequestContext context = {call.principal,
                                    call.session->record().version,
                                    &call.session->record().client,
                                    ReadTraceContext(request, message),
                                    CurrentTrail().request_id,
                                    &call.session->state(),
                                    /*can_stream=*/false};
    const std::unique_ptr<Exchange> exchange = with_.dispatcher.Start(message, context, nullptr);
    responses.push_back(RunToResponse(*call.session, message.id_json, *exchange));
  }
  if (responses.empty()) {
    response.status = 202;
    return;
  }
  ReplyJson(response, absl::StrCat("[", absl::StrJoin(responses, ","), "]"));
}

void McpEndpoint::Respond(const httplib::Request& request, httplib::Response& response, std::shared_ptr<Call> call) {
  if (call->modern) {
    // The client leaving is the only way to cancel (MCP 2026-07-28, cancellation).
    call->watch =
        with_.disconnects.WatchSocket(CurrentTrail().socket, [exchange = call->exchange.get()] { exchange->Cancel(); });
  }
  const Accepts accepts = ReadAccept(request);
  // A call that says nothing for long becomes a stream, so that proxies and clients see that it is alive.
  std::optional<Step> first;
  if (!accepts.event_stream || call->exchange->Wait(with_.clock.Now() + with_.keep_alive_interval)) {
    first = call->exchange->Next();
    while (!first->last && !accepts.event_stream) first = call->exchange->Next();
  }
  // An error needs its status, whatever the client accepts.
  if (first.has_value() && first->last && (accepts.json || first->error.has_value())) {
    if (first->error.has_value()) {
      const WireError& wire = WireErrorOf(*first->error);
      response.status = call->modern ? wire.http_modern : wire.http_legacy;
      CurrentTrail().reason = std::string(wire.reason);
      if (*first->error == WireErrorKind::kInsufficientScope) {
        with_.authenticator.AddScopeChallenge(resource_, first->needed_scopes, response);
      }
    }
    return ReplyJson(response, std::move(first->message));
  }
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Accel-Buffering", "no");
  response.set_chunked_content_provider(kEventStreamType, [call = std::move(call), first = std::move(first),
                                                           &clock = with_.clock, interval = with_.keep_alive_interval](
                                                              size_t, httplib::DataSink& sink) mutable {
    // A modern client that left has cancelled; a legacy one has not, and its call runs to the end.
    const auto write = [&](absl::string_view part) { return sink.write(part.data(), part.size()) || !call->modern; };
    while (true) {
      if (!first.has_value()) {
        if (!write(kKeepAlive)) return false;
        while (!call->exchange->Wait(clock.Now() + interval)) {
          if (!write(kKeepAlive)) return false;
        }
        first = call->exchange->Next();
      }
      const Step step = *std::exchange(first, std::nullopt);
      // A cancelled request has no response.
      if (step.error != WireErrorKind::kCancelled && !step.message.empty() &&
          !write(EventText("message", step.message)))
        return false;
      if (step.last) break;
      if (call->exchange->Wait(clock.Now() + interval)) first = call->exchange->Next();
    }
    call->Finish();
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
  std::shared_ptr<Session> session = FindSession(request, *principal, response);
  if (session == nullptr) return;
  if (request.has_header("Last-Event-ID")) {
    return ReplyError(response, "",
                      {WireErrorKind::kInvalidRequest, "Last-Event-ID is not the id of an event of this server", ""});
  }
  auto place = std::make_shared<Admission::Place>();
  if (const auto full = with_.admission.AdmitStream(principal->key, *place); full.has_value()) {
    return ReplyError(response, "", *full);
  }
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Accel-Buffering", "no");
  response.set_chunked_content_provider(
      kEventStreamType, [this, place, session, end_time = principal->expire_time, socket = CurrentTrail().socket](
                            size_t, httplib::DataSink& sink) {
        const uint64_t stream = session->OpenStream();
        const auto watch = with_.disconnects.WatchSocket(socket, [&] { session->CloseStream(stream); });
        const WritePart write = [&](absl::string_view part) { return sink.write(part.data(), part.size()); };
        if (write(kKeepAlive)) WriteSessionStream(*session, stream, end_time, with_, write);
        sink.done();
        return true;
      });
}

void McpEndpoint::Delete(const httplib::Request& request, httplib::Response& response) {
  const std::shared_ptr<const Principal> principal = with_.authenticator.Authenticate(request, resource_, response);
  if (principal == nullptr) return;
  if (NamesModernVersion(request)) return ReplyMethodNotAllowed(response, "POST");
  const std::shared_ptr<Session> session = FindSession(request, *principal, response);
  if (session == nullptr) return;
  if (!with_.sessions.End(*session).ok()) {
    return ReplyError(response, "", {WireErrorKind::kUnavailable, "The session cannot be ended now; try again", ""});
  }
  response.status = 204;
}

std::shared_ptr<Session> McpEndpoint::FindSession(const httplib::Request& request, const Principal& principal,
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
  if (!id.conflicting) session = with_.sessions.Find(*id.value, principal.key);
  if (session.ok()) return *std::move(session);
  if (absl::IsUnavailable(session.status())) {
    ReplyError(response, "", {WireErrorKind::kUnavailable, "The session cannot be looked up now; try again", ""});
  } else {
    ReplyError(response, "", {WireErrorKind::kSessionNotFound, "There is no such session: send initialize again", ""});
  }
  return nullptr;
}

}  // namespace mcp_edge
