#include "mcp_edge/transport/sse_endpoint.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "mcp_edge/dispatch/answers.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/transport/http_reply.h"
#include "mcp_edge/transport/legacy_messages.h"
#include "mcp_edge/transport/request_body.h"
#include "mcp_edge/transport/request_factory.h"
#include "mcp_edge/transport/session_stream.h"

namespace mcp_edge {
namespace {

constexpr char kSessionParameter[] = "sessionId";

// The session of a stream before `initialize` has settled anything.
std::shared_ptr<const SessionRecord> NewRecord(const std::string& principal_key) {
  auto record = std::make_shared<SessionRecord>();
  record->id = NewSessionId();
  record->principal_key = principal_key;
  record->version = ProtocolVersion::k2024_11_05;
  return record;
}

// Sends a response or what comes before it. A client that does not read its answers has no use for the session.
void Answer(Session& session, std::string message) {
  if (!session.Send(std::move(message))) session.End();
}

}  // namespace

struct SseEndpoint::Connection {
  explicit Connection(std::shared_ptr<const Principal> principal)
      : principal(std::move(principal)), session(NewRecord(this->principal->key)) {}

  const std::shared_ptr<const Principal> principal;
  Session session;
  absl::Mutex mutex;
  // What `initialize` settled; null before.
  std::shared_ptr<const SessionRecord> agreed ABSL_GUARDED_BY(mutex);
};

// A request that was taken, with the text that it points into.
struct SseEndpoint::Posted {
  std::shared_ptr<const Principal> principal;  // of this very request; its key is that of the connection
  RequestBody body;
  Message message;
  TraceContext trace;
  std::string request_id;
};

SseEndpoint::SseEndpoint(ProtectedResource resource, size_t max_body_bytes, size_t max_running,
                         const Collaborators& with)
    : resource_(std::move(resource)), max_body_bytes_(max_body_bytes), with_(with), running_(max_running) {}

SseEndpoint::~SseEndpoint() { CloseAll(); }

void SseEndpoint::Get(const httplib::Request& request, httplib::Response& response) {
  const std::shared_ptr<const Principal> principal = with_.authenticator.Authenticate(request, resource_, response);
  if (principal == nullptr) return;
  if (!ReadAccept(request).event_stream) {
    return ReplyError(response, "", {WireErrorKind::kNotAcceptable, "Accept text/event-stream", ""});
  }
  auto place = std::make_shared<Admission::Place>();
  if (const auto full = with_.admission.AdmitStream(principal->key, *place); full.has_value()) {
    return ReplyError(response, "", *full);
  }
  CurrentTrail().version = FeaturesOf(ProtocolVersion::k2024_11_05).name;
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Accel-Buffering", "no");
  response.set_chunked_content_provider(
      kEventStreamType, [this, place, principal, socket = CurrentTrail().socket](size_t, httplib::DataSink& sink) {
        const auto connection = std::make_shared<Connection>(principal);
        Session& session = connection->session;
        session.state().set_principal(principal);
        const std::string& id = session.record().id;
        bool closed = false;
        {
          absl::MutexLock lock(&mutex_);
          connections_.emplace(id, connection);
          closed = closed_;
        }
        const StreamReader reader(session.main_stream(), *session.main_stream()->Attach(std::nullopt));
        if (closed) session.End();
        {
          // The stream is the session: with the client gone, all that runs for it ends too.
          const auto watch = with_.disconnects.WatchSocket(socket, [&session, &reader] {
            session.End();
            reader.stream().Detach(reader.id());
          });
          const WritePart write = [&](absl::string_view part) { return sink.write(part.data(), part.size()); };
          if (write(EventText("endpoint", absl::StrCat("/messages?", kSessionParameter, "=", id)))) {
            WriteLoneStream({session, reader, socket, principal->StreamEndTime(with_.clock.Now())}, with_, write);
          }
        }
        {
          absl::MutexLock lock(&mutex_);
          connections_.erase(id);
        }
        session.End();
        sink.done();
        return true;
      });
}

void SseEndpoint::Post(const httplib::Request& request, httplib::Response& response,
                       const httplib::ContentReader& read_body) {
  auto place = std::make_shared<Admission::Place>();
  if (const auto full = with_.admission.AdmitRequest(*place); full.has_value()) return ReplyError(response, "", *full);
  const std::shared_ptr<const Principal> principal = with_.authenticator.Authenticate(request, resource_, response);
  if (principal == nullptr) return;
  if (const auto full = with_.admission.AssignRequest(principal->key, /*may_be_notice=*/true, *place);
      full.has_value()) {
    return ReplyError(response, "", *full);
  }
  const std::shared_ptr<Connection> connection = Find(request, *principal);
  if (connection == nullptr) {
    return ReplyError(response, "", {WireErrorKind::kSessionNotFound, "There is no such session: open /sse again", ""});
  }
  const auto posted = std::make_shared<Posted>();
  posted->principal = principal;
  connection->session.state().set_principal(principal);
  if (!ReadBody(request, read_body, max_body_bytes_, with_.bodies, response, posted->body)) return;
  absl::StatusOr<Body> body = ParseBody(posted->body.text);
  if (!body.ok()) {
    return ReplyError(response, "",
                      {WireErrorKind::kParseError, absl::StrCat("Parse error: ", body.status().message()), ""});
  }
  if (body->is_batch) {
    return ReplyError(response, "",
                      {WireErrorKind::kInvalidRequest, "Invalid request: no batches on this transport", ""});
  }
  posted->message = std::move(body->messages.front());
  posted->trace = ReadTraceContext(request, posted->message);
  posted->request_id = CurrentTrail().request_id;
  const Message& message = posted->message;
  if (message.kind == Message::Kind::kInvalid) {
    return ReplyError(response, message.id_json,
                      {WireErrorKind::kInvalidRequest, absl::StrCat("Invalid request: ", message.problem), ""});
  }
  TrailMessage(message, ProtocolVersion::k2024_11_05);
  if (message.kind == Message::Kind::kRequest) {
    if (const auto full = with_.admission.ConfirmRequest(*place); full.has_value()) {
      return ReplyError(response, message.id_json, *full);
    }
    // Later there is no status for it, only the stream.
    if (const auto shortage = with_.dispatcher.FindShortage({&message, 1}, *principal, posted->request_id);
        shortage != nullptr) {
      return with_.authenticator.ReplyShortage(resource_, *shortage, message.id_json, response);
    }
    const bool started =
        running_.Run([this, connection, posted, place = std::move(place)] { Run(*connection, *posted); });
    if (!started) {
      return ReplyError(response, message.id_json,
                        {WireErrorKind::kOverloaded, "The server is full; try again later", ""});
    }
  } else {
    HandleLegacyNotice(message, connection->session);
  }
  response.status = 202;
}

void SseEndpoint::Run(Connection& connection, const Posted& posted) {
  const Message& message = posted.message;
  Session& session = connection.session;
  if (message.method == "initialize") {
    auto record = std::make_shared<SessionRecord>();
    std::optional<RpcError> error = ReadInitialize(message, *record);
    const ProtocolVersion version = record->version;
    if (!error.has_value()) {
      absl::MutexLock lock(&connection.mutex);
      if (connection.agreed != nullptr) {
        error = {WireErrorKind::kInvalidRequest, "Invalid request: initialize was sent before", ""};
      } else {
        connection.agreed = std::move(record);
      }
    }
    if (error.has_value()) {
      return Answer(session, ErrorStep(message.id_json, *error).message);
    }
    return Answer(session, ResultResponse(message.id_json, with_.dispatcher.InitializeResult(version)));
  }
  std::shared_ptr<const SessionRecord> agreed;
  {
    absl::MutexLock lock(&connection.mutex);
    agreed = connection.agreed;
  }
  if (agreed == nullptr) agreed = NewRecord("");
  const RequestContext context = {posted.principal, agreed->version,   &agreed->client,
                                  posted.trace,     posted.request_id, &session.state()};
  const std::unique_ptr<Exchange> exchange = with_.dispatcher.Start(message, context, nullptr);
  const Session::Begun begun = session.Begin(message.id_json, [running = exchange.get()] { running->Cancel(); });
  if (begun != Session::Begun::kYes) {
    return Answer(session, ErrorStep(message.id_json, NotBegunError(begun)).message);
  }
  Step step;
  do {
    step = exchange->Next();
    // The id is free again before the client can know the response.
    if (step.last) session.Finish(message.id_json);
    // A cancelled request has no response.
    if (step.error != WireErrorKind::kCancelled && !step.message.empty()) Answer(session, std::move(step.message));
  } while (!step.last);
}

std::shared_ptr<SseEndpoint::Connection> SseEndpoint::Find(const httplib::Request& request,
                                                           const Principal& principal) {
  const std::string id = request.get_param_value(kSessionParameter);
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second->principal->key != principal.key) return nullptr;
  return found->second;
}

void SseEndpoint::ForEach(const std::function<void(Session&)>& visit) {
  std::vector<std::shared_ptr<Connection>> agreed;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, connection] : connections_) {
      absl::MutexLock connection_lock(&connection->mutex);
      if (connection->agreed != nullptr) agreed.push_back(connection);
    }
  }
  for (const std::shared_ptr<Connection>& connection : agreed) visit(connection->session);
}

void SseEndpoint::CloseAll() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  for (const auto& [id, connection] : connections_) connection->session.End();
}

}  // namespace mcp_edge
