#include "mcp_edge/catalog/catalog_watcher.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/client_callback.h"
#include "mcp_edge/catalog/merge.h"
#include "mcp_edge/catalog/scope_overrides.h"
#include "mcp_edge/catalog/tool_services_file.h"
#include "mcp_edge/catalog/validation.h"
#include "mcp_edge/tools/bounded_message.h"
#include "mcp_edge/tools/tool_service_client.h"

namespace mcp_edge {
namespace {

using common::Log;
using common::Severity;
using gatehouse::tool::v1::ResourceUpdated;
using gatehouse::tool::v1::WatchCatalogRequest;
using gatehouse::tool::v1::WatchResourcesRequest;
using CatalogMessage = gatehouse::tool::v1::Catalog;

// A stream is opened anew after this time even if nothing happens on it, so that a connection that is dead without
// anybody having noticed does not hide changes for ever.
constexpr absl::Duration kMaxWatchAge = absl::Minutes(10);
// What arrives within this time is published together: a hundred services that answer at the start make a few
// snapshots, not a hundred.
constexpr absl::Duration kPublishDelay = absl::Milliseconds(20);

// A service whose catalogue keeps changing is taken note of at once for the first catalogues, and then no more often
// than this, until it has been quiet. Clients still hear of each change within half a second.
constexpr int kCatalogsAtOnce = 2;
constexpr absl::Duration kCatalogInterval = absl::Milliseconds(250);
constexpr absl::Duration kCatalogQuiet = absl::Seconds(10);
// What is read meanwhile, so that the newest catalogue is the one that counts then; each is taken for a little longer
// than it is.
constexpr size_t kMaxWaitingBytes = 1 << 20;
constexpr size_t kWaitingOverhead = 1 << 10;

// How often the updates that one service told of are published, and how many messages it may send meanwhile.
constexpr absl::Duration kUpdateInterval = absl::Milliseconds(50);
constexpr size_t kMaxUpdates = 200;

// What the streams tell the watcher's thread.
class Mailbox {
 public:
  struct Message {
    uint64_t watch_id;
    // One of: a catalogue that arrived; there are updates to be taken; how the stream ended.
    std::optional<CatalogMessage> catalog = std::nullopt;
    bool has_updates = false;
    absl::Status end_status = absl::OkStatus();
  };

  void Put(Message message) {
    absl::MutexLock lock(&mutex_);
    messages_.push_back(std::move(message));
  }

  // Waits for a message until `deadline`, or until Stop(). Nothing: neither came.
  std::optional<Message> Take(absl::Time deadline) {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithDeadline(absl::Condition(this, &Mailbox::HasNews), deadline);
    if (stopped_ || messages_.empty()) return std::nullopt;
    return TakeFirst();
  }

  // Waits for a message, whatever happens.
  Message TakeLast() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &Mailbox::HasMessage));
    return TakeFirst();
  }

  void Stop() {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  bool stopped() const {
    absl::MutexLock lock(&mutex_);
    return stopped_;
  }

 private:
  bool HasNews() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopped_ || !messages_.empty(); }
  bool HasMessage() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !messages_.empty(); }
  Message TakeFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Message message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }

  mutable absl::Mutex mutex_;
  std::deque<Message> messages_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// One catalogue stream. Holds at most one catalogue: the next is read only after Continue(), so that a service that
// sends faster than the edge takes is held back by flow control. Its end is a message; only then may it be destroyed.
class Watch final : public grpc::ClientBidiReactor<WatchCatalogRequest, Bounded<CatalogMessage>> {
 public:
  Watch(uint64_t id, std::shared_ptr<ToolServiceClient> client, absl::Duration max_age, Mailbox& mailbox)
      : id_(id), client_(std::move(client)), mailbox_(mailbox), open_time_(absl::Now()) {
    context_.set_deadline(absl::ToChronoTime(open_time_ + max_age));
    CatalogStub(client_->channel()).PrepareBidiStreamingCall(&context_, kWatchCatalog, {}, this);
    AddHold();  // for Continue(), which is called from outside
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&catalog_);
    StartCall();
  }

  absl::Time open_time() const { return open_time_; }

  // Reads on. Called once after each catalogue.
  void Continue() { StartRead(&catalog_); }

  // Makes the stream end soon.
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    if (catalog_.flaw != nullptr) {
      refusal_ = absl::InternalError(absl::StrCat("it sent a catalogue that ", catalog_.flaw));
      context_.TryCancel();
      return RemoveHold();
    }
    CatalogMessage catalog;
    catalog.Swap(&catalog_.message);
    mailbox_.Put({.watch_id = id_, .catalog = std::move(catalog)});  // the next one may be read from here on
  }

  void OnDone(const grpc::Status& status) override {
    mailbox_.Put({.watch_id = id_, .end_status = refusal_.ok() ? ToAbsl(status) : refusal_});
  }

 private:
  // The method has one request, but only this kind of stub lets its caller say how answers are read.
  using CatalogStub = grpc::TemplatedGenericStub<WatchCatalogRequest, Bounded<CatalogMessage>>;
  static constexpr char kWatchCatalog[] = "/gatehouse.tool.v1.ToolService/WatchCatalog";

  const uint64_t id_;
  const std::shared_ptr<ToolServiceClient> client_;
  Mailbox& mailbox_;
  const absl::Time open_time_;
  grpc::ClientContext context_;
  const WatchCatalogRequest request_;
  Bounded<CatalogMessage> catalog_;
  absl::Status refusal_;  // why the stream is ended from here
};

// One stream of updates. Gathers their URIs until they are taken, at most kMaxUpdates messages; further ones are read
// only then. Its end is a message; only then may it be destroyed.
class UpdateWatch final : public grpc::ClientBidiReactor<WatchResourcesRequest, Bounded<ResourceUpdated>> {
 public:
  UpdateWatch(uint64_t id, std::shared_ptr<ToolServiceClient> client, absl::Duration max_age, Mailbox& mailbox)
      : id_(id), client_(std::move(client)), mailbox_(mailbox), open_time_(absl::Now()) {
    context_.set_deadline(absl::ToChronoTime(open_time_ + max_age));
    UpdateStub(client_->channel()).PrepareBidiStreamingCall(&context_, kWatchResources, {}, this);
    AddHold();  // for Take(), which is called from outside
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&update_);
    StartCall();
  }

  absl::Time open_time() const { return open_time_; }

  // The URIs since the last time, each once. There will be a message when there are more.
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mutex_);
    ReadOn();
    messages_ = 0;
    known_.clear();
    return std::move(uris_);
  }

  // Makes the stream end soon.
  void Cancel() {
    context_.TryCancel();
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    ReadOn();  // the end is only seen by reading
  }

  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    if (update_.flaw != nullptr) {
      refusal_ = absl::InternalError(absl::StrCat("it sent news of a resource that ", update_.flaw));
      context_.TryCancel();
      return RemoveHold();
    }
    bool tell = false;
    bool read_on = false;
    {
      absl::MutexLock lock(&mutex_);
      // A URI that is too long to be one is told too, so that it is refused and counted; but it is not kept.
      std::string uri = update_.message.uri().substr(0, kMaxUriKept);
      if (known_.insert(uri).second) uris_.push_back(std::move(uri));
      tell = messages_++ == 0 && !cancelled_;
      read_on = messages_ < kMaxUpdates || cancelled_;
      waiting_ = !read_on;
    }
    if (tell) mailbox_.Put({.watch_id = id_, .has_updates = true});
    if (read_on) StartRead(&update_);
  }

  void OnDone(const grpc::Status& status) override {
    mailbox_.Put({.watch_id = id_, .end_status = refusal_.ok() ? ToAbsl(status) : refusal_});
  }

 private:
  // As that of a Watch.
  using UpdateStub = grpc::TemplatedGenericStub<WatchResourcesRequest, Bounded<ResourceUpdated>>;
  static constexpr char kWatchResources[] = "/gatehouse.tool.v1.ToolService/WatchResources";
  static constexpr size_t kMaxUriKept = (2 << 10) + 1;

  void ReadOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!waiting_) return;
    waiting_ = false;
    StartRead(&update_);
  }

  const uint64_t id_;
  const std::shared_ptr<ToolServiceClient> client_;
  Mailbox& mailbox_;
  const absl::Time open_time_;
  grpc::ClientContext context_;
  const WatchResourcesRequest request_;
  Bounded<ResourceUpdated> update_;  // of the stream while it reads
  absl::Status refusal_;             // why the stream is ended from here
  absl::Mutex mutex_;
  std::vector<std::string> uris_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> known_ ABSL_GUARDED_BY(mutex_);
  size_t messages_ ABSL_GUARDED_BY(mutex_) = 0;   // since they were taken
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;  // reads nothing until they are
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

// Whether `service` reads `uri` according to the catalogue, or a resource above it (ResourceUpdated.uri).
bool ReadsOrHolds(const CatalogSnapshot& snapshot, const ToolServiceClient& service, absl::string_view uri) {
  if (!CheckResourceUri(uri).ok()) return false;
  const auto reader = snapshot.FindReader(uri);
  if (reader.has_value()) return reader->service != nullptr && reader->service->name() == service.name();
  for (size_t slash = uri.rfind('/'); slash != absl::string_view::npos && slash > 0;
       slash = uri.rfind('/', slash - 1)) {
    for (const size_t length : {slash + 1, slash}) {
      const ResourceEntry* const above = snapshot.FindResource(uri.substr(0, length));
      if (above != nullptr) return above->service != nullptr && above->service->name() == service.name();
    }
  }
  return false;
}

// What is known of one service of the file.
struct Service {
  ToolServiceConfig config;
  std::shared_ptr<ToolServiceClient> client;
  // The stream that is open, 0: none.
  uint64_t watch_id = 0;
  // Whether that one has brought a catalogue.
  bool watch_answered = false;
  // When to open the next one, if none is open.
  absl::Time next_open_time = absl::InfinitePast();
  absl::Duration backoff = absl::ZeroDuration();
  // The stream of updates that is open, 0: none; and when to open the next one.
  uint64_t update_watch_id = 0;
  absl::Time next_update_open_time = absl::InfinitePast();
  absl::Duration update_backoff = absl::ZeroDuration();
  // When to publish what it told, and when that was done last.
  absl::Time update_publish_time = absl::InfiniteFuture();
  absl::Time last_update_publish_time = absl::InfinitePast();
  // The last catalogue that could be used: encoded, and what clients may see of it.
  std::optional<std::string> encoded;
  CatalogContents contents;
  size_t refused = 0;
  // What was refused of its last catalogue, or why all of it was; for the log.
  std::set<std::string> refusals;
  // What `config` says of scopes of entries that it does not have; for the log.
  std::set<std::pair<absl::string_view, std::string>> unknown_names;
  // How many different catalogues came since it was quiet, when the last one was taken, and when to take the next.
  int catalogs = 0;
  absl::Time last_catalog_time = absl::InfinitePast();
  absl::Time next_catalog_time = absl::InfinitePast();
  // The newest one that came too soon; how much came so; and whether nothing more is read until it is taken.
  std::optional<CatalogMessage> waiting;
  size_t waiting_bytes = 0;
  bool reading_paused = false;
  // See ToolServiceState.
  bool connected = false;
  bool answered = false;
  std::string last_error;
  // That of the failure that was logged last, since the service was connected.
  std::optional<absl::StatusCode> last_code;
};

class ThreadedCatalogWatcher final : public CatalogWatcher {
 public:
  ThreadedCatalogWatcher(const CatalogWatcherOptions& options, ToolServicesFile file, Catalog& catalog,
                         CatalogMetrics& metrics, EventBus& events)
      : options_(options),
        catalog_(catalog),
        metrics_(metrics),
        events_(events),
        start_time_(absl::Now()),
        file_content_(std::move(file.content)) {
    ApplyFile(std::move(file));
    ReportStates();
    thread_ = std::thread([this] { Run(); });
  }

  ~ThreadedCatalogWatcher() override {
    mailbox_.Stop();
    thread_.join();
  }

  absl::Status Ready() const override {
    absl::MutexLock lock(&ready_mutex_);
    if (ready_) return absl::OkStatus();
    if (any_answered_ && absl::Now() - start_time_ >= options_.first_answer_timeout) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("tool services that have not answered yet: ", waiting_for_));
  }

 private:
  void Run() {
    while (!mailbox_.stopped()) {
      const absl::Time now = absl::Now();
      if (now >= next_poll_time_) {
        PollFile();
        next_poll_time_ = now + options_.poll_interval;
      }
      if (now >= publish_time_) Publish();
      TakeWaitingCatalogs(now);
      OpenWatches(now);
      PublishUpdates(now);
      if (std::optional<Mailbox::Message> message = mailbox_.Take(NextTime()); message.has_value()) {
        Handle(*std::move(message));
      }
    }
    // Each stream says that it has ended before it is destroyed.
    for (Service& service : services_) AbandonWatch(service);
    for (const auto& [id, watch] : watches_) watch->Cancel();
    for (const auto& [id, watch] : update_watches_) watch->Cancel();
    while (!watches_.empty() || !update_watches_.empty()) Drop(mailbox_.TakeLast());
  }

  absl::Time NextTime() const {
    absl::Time next = std::min(next_poll_time_, publish_time_);
    for (const Service& service : services_) {
      if (service.watch_id == 0) next = std::min(next, service.next_open_time);
      if (WantsUpdateWatch(service)) next = std::min(next, service.next_update_open_time);
      next = std::min(next, service.update_publish_time);
      if (service.waiting.has_value()) next = std::min(next, service.next_catalog_time);
    }
    return next;
  }

  // --- the file ------------------------------------------------------------------------------------------------------

  // Compares the content, not the time: that also sees a file that was swapped under a symbolic link (as Kubernetes
  // does with a ConfigMap) or changed twice within a tick.
  void PollFile() {
    absl::StatusOr<std::string> content = ReadToolServicesFile(options_.file_name);
    absl::Status status = content.status();
    if (content.ok()) {
      if (*content == file_content_) return Forgive();
      absl::StatusOr<ToolServicesFile> file = ParseToolServices(*content, options_.file_name);
      status = file.status();
      if (status.ok() && options_.security != nullptr) status = CheckTargets(file->services, *options_.security);
      if (status.ok()) {
        Forgive();
        file_content_ = *std::move(content);
        Log(Severity::kInfo, "tool_services_file_read", {{"services", file->services.size()}});
        ApplyFile(*std::move(file));
        Publish();
        return;
      }
    }
    if (status == file_status_) return;
    file_status_ = status;
    metrics_.file_refused_total.Increment();
    Log(Severity::kError, "tool_services_file_refused", {{"reason", status.message()}});
  }

  // The file is as it was when it was read last.
  void Forgive() { file_status_ = absl::OkStatus(); }

  void ApplyFile(ToolServicesFile file) {
    scope_hierarchy_ = std::make_shared<const ScopeHierarchy>(std::move(file.implied_scopes));
    ApplyConfigs(std::move(file.services));
  }

  // Brings `services_` in line with the file. A service is known by its name.
  void ApplyConfigs(std::vector<ToolServiceConfig> configs) {
    std::vector<Service> services;
    for (ToolServiceConfig& config : configs) {
      const auto known = std::find_if(services_.begin(), services_.end(),
                                      [&config](const Service& service) { return service.config.name == config.name; });
      Service service;
      if (known != services_.end()) {
        service = std::move(*known);
        services_.erase(known);
      }
      const bool moved = service.client == nullptr || service.config.target != config.target;
      const bool renamed = service.config.prefix != config.prefix;
      const bool rescoped = service.config.required_scopes != config.required_scopes;
      if (rescoped) service.unknown_names.clear();
      service.config = std::move(config);
      if (moved) {
        // Its tools stay listed until the new place answers; calls go there at once.
        AbandonWatch(service);
        service.client = std::make_shared<ToolServiceClient>(service.config.name, service.config.target,
                                                             options_.signer, options_.security);
        service.catalogs = 0;
        service.next_catalog_time = absl::InfinitePast();
        service.connected = false;
        service.answered = false;
        service.last_error = "has not answered yet";
        service.last_code.reset();
        service.backoff = absl::ZeroDuration();
        service.next_open_time = absl::InfinitePast();
      }
      if ((moved || renamed || rescoped) && service.encoded.has_value()) Revalidate(service);
      services.push_back(std::move(service));
    }
    for (Service& gone : services_) AbandonWatch(gone);
    services_ = std::move(services);
  }

  void Revalidate(Service& service) {
    CatalogMessage message;
    message.ParseFromString(*service.encoded);
    TakeCatalog(service, message);
  }

  // --- the streams ---------------------------------------------------------------------------------------------------

  void OpenWatches(absl::Time now) {
    for (Service& service : services_) {
      if (service.watch_id == 0 && service.next_open_time <= now) {
        service.watch_id = next_watch_id_++;
        service.watch_answered = false;
        watches_[service.watch_id] =
            std::make_unique<Watch>(service.watch_id, service.client, kMaxWatchAge * Jitter(), mailbox_);
      }
      if (WantsUpdateWatch(service) && service.next_update_open_time <= now) {
        service.update_watch_id = next_watch_id_++;
        update_watches_[service.update_watch_id] =
            std::make_unique<UpdateWatch>(service.update_watch_id, service.client, kMaxWatchAge * Jitter(), mailbox_);
      }
    }
  }

  // Only services that are there, and have something that may change.
  static bool WantsUpdateWatch(const Service& service) {
    const CatalogContents& contents = service.contents;
    return service.update_watch_id == 0 && service.connected &&
           !(contents.resources.empty() && contents.resource_templates.empty() && contents.resource_sources.empty() &&
             contents.skills.empty());
  }

  // Its end will be a message that no service waits for.
  void AbandonWatch(Service& service) {
    if (const auto watch = watches_.find(service.watch_id); watch != watches_.end()) watch->second->Cancel();
    ForgetWaiting(service);
    service.watch_id = 0;
    const auto update_watch = update_watches_.find(service.update_watch_id);
    if (update_watch != update_watches_.end()) update_watch->second->Cancel();
    service.update_watch_id = 0;
    service.update_publish_time = absl::InfiniteFuture();
  }

  void Handle(Mailbox::Message message) {
    if (update_watches_.count(message.watch_id) > 0) return HandleUpdates(message);
    const auto service = std::find_if(services_.begin(), services_.end(), [&message](const Service& candidate) {
      return candidate.watch_id == message.watch_id;
    });
    if (service == services_.end()) return Drop(message);
    if (message.catalog.has_value()) {
      HandleCatalog(*service, *std::move(message.catalog));
    } else {
      HandleEnd(*service, *watches_[message.watch_id], message.end_status);
      watches_.erase(message.watch_id);
    }
    if (publish_time_ == absl::InfiniteFuture()) ReportStates();  // otherwise together with what they are about
  }

  // A message of a stream that nobody needs any more.
  void Drop(const Mailbox::Message& message) {
    if (message.catalog.has_value()) {
      watches_[message.watch_id]->Continue();
    } else if (!message.has_updates) {
      watches_.erase(message.watch_id);
      update_watches_.erase(message.watch_id);
    }
  }

  // --- updates of resources ------------------------------------------------------------------------------------------

  void HandleUpdates(const Mailbox::Message& message) {
    const auto service = std::find_if(services_.begin(), services_.end(), [&message](const Service& candidate) {
      return candidate.update_watch_id == message.watch_id;
    });
    if (service == services_.end()) return Drop(message);
    if (message.has_updates) {
      service->update_publish_time = std::max(absl::Now(), service->last_update_publish_time + kUpdateInterval);
      return;
    }
    TakeUpdates(*service);  // what it told before it ended
    HandleUpdatesEnd(*service, update_watches_[message.watch_id]->open_time(), message.end_status);
    update_watches_.erase(message.watch_id);
  }

  void HandleUpdatesEnd(Service& service, absl::Time open_time, const absl::Status& status) {
    const absl::Time now = absl::Now();
    service.update_watch_id = 0;
    service.update_publish_time = absl::InfiniteFuture();
    if (status.code() == absl::StatusCode::kUnimplemented) {
      service.next_update_open_time = absl::InfiniteFuture();  // until HandleCatalog hears of it anew
      return;
    }
    const bool lasted = now - open_time >= options_.max_backoff;
    service.update_backoff =
        lasted ? options_.min_backoff
               : std::min(std::max(service.update_backoff * 2, options_.min_backoff), options_.max_backoff);
    service.next_update_open_time = now + service.update_backoff * Jitter();
  }

  void PublishUpdates(absl::Time now) {
    for (Service& service : services_) {
      if (service.update_publish_time > now) continue;
      service.update_publish_time = absl::InfiniteFuture();
      service.last_update_publish_time = now;
      TakeUpdates(service);
    }
  }

  void TakeUpdates(const Service& service) {
    const auto snapshot = catalog_.Current();
    for (std::string& uri : update_watches_[service.update_watch_id]->Take()) {
      if (!ReadsOrHolds(*snapshot, *service.client, uri)) {
        metrics_.updates_refused_total.Increment();
        continue;
      }
      metrics_.updates_published_total.Increment();
      events_.Publish({.kind = Event::Kind::kResourceUpdated, .uri = std::move(uri)});
    }
  }

  // --- catalogues ----------------------------------------------------------------------------------------------------

  void HandleCatalog(Service& service, CatalogMessage message) {
    if (!service.connected) {
      Log(Severity::kInfo, "tool_service_connected",
          {{"tool_service", service.config.name}, {"target", service.config.target}});
    }
    const bool first_of_stream = !service.watch_answered;
    if (first_of_stream) service.next_update_open_time = absl::Now();  // it may have been replaced meanwhile
    service.watch_answered = true;
    service.connected = true;
    service.answered = true;
    service.last_error.clear();
    service.last_code.reset();
    service.backoff = absl::ZeroDuration();

    const absl::Time now = absl::Now();
    if (now < service.next_catalog_time) {
      service.waiting_bytes += message.ByteSizeLong() + kWaitingOverhead;
      service.waiting = std::move(message);
      service.reading_paused = service.waiting_bytes >= kMaxWaitingBytes;
    } else {
      UseCatalog(service, message, first_of_stream, now);
    }
    if (!service.reading_paused) watches_[service.watch_id]->Continue();
  }

  void TakeWaitingCatalogs(absl::Time now) {
    for (Service& service : services_) {
      if (!service.waiting.has_value() || now < service.next_catalog_time) continue;
      const CatalogMessage message = *std::move(service.waiting);
      ForgetWaiting(service);
      UseCatalog(service, message, /*first_of_stream=*/false, now);
    }
  }

  // Reads on, if that was put off.
  void ForgetWaiting(Service& service) {
    service.waiting.reset();
    service.waiting_bytes = 0;
    if (std::exchange(service.reading_paused, false)) watches_[service.watch_id]->Continue();
  }

  // Makes `message` the catalogue of `service`, if it is another one.
  void UseCatalog(Service& service, const CatalogMessage& message, bool first_of_stream, absl::Time now) {
    service.waiting.reset();  // older than this one
    service.waiting_bytes = 0;
    std::string encoded = message.SerializeAsString();
    const bool changed = service.encoded != encoded;
    if (!changed && first_of_stream) return;  // the usual beginning of a further stream
    if (now - service.last_catalog_time >= kCatalogQuiet) service.catalogs = 0;
    service.last_catalog_time = now;
    const bool at_once = ++service.catalogs <= kCatalogsAtOnce;
    service.next_catalog_time = now + (at_once ? absl::ZeroDuration() : kCatalogInterval);
    if (!changed || !TakeCatalog(service, message)) return;
    service.encoded = std::move(encoded);
    publish_time_ = std::min(publish_time_, absl::Now() + kPublishDelay);
  }

  // Validates `message` and makes it the catalogue of `service`. False when it cannot be used at all.
  bool TakeCatalog(Service& service, const CatalogMessage& message) {
    absl::StatusOr<ValidatedCatalog> validated = ValidateCatalog(message, service.config.prefix, service.client);
    if (!validated.ok()) {
      metrics_.refused_invalid_total.Increment();
      std::set<std::string> refusals = {validated.status().ToString()};
      if (service.refusals == refusals) return false;  // said before
      service.refusals = std::move(refusals);
      Log(Severity::kError, "catalog_refused",
          {{"tool_service", service.config.name}, {"reason", validated.status().message()}});
      return false;
    }
    service.contents = std::move(validated->contents);
    OverrideScopes(service);
    service.refused = validated->refused_count;
    metrics_.refused_invalid_total.Increment(static_cast<double>(service.refused));
    std::set<std::string> refusals;
    bool news = false;
    for (const RefusedEntry& refused : validated->refused) {
      std::string text = absl::StrCat(refused.kind, "\n", refused.name, "\n", refused.reason);
      if (service.refusals.count(text) == 0) {
        news = true;
        LogRefusal(refused.kind, service.config.name, refused.name, refused.reason);
      }
      refusals.insert(std::move(text));
    }
    service.refusals = std::move(refusals);
    if (news && service.refused > kMaxRefusedKept) {
      Log(Severity::kWarning, "catalog_entries_refused",
          {{"tool_service", service.config.name}, {"entries", service.refused}});
    }
    return true;
  }

  // What the operator says of scopes counts. A name that the service does not have (yet) is no reason to stop.
  static void OverrideScopes(Service& service) {
    const auto unknown = OverrideRequiredScopes(service.config.required_scopes, service.contents);
    for (const auto& [kind, name] : unknown) {
      if (service.unknown_names.count({kind, name}) > 0) continue;  // said before
      Log(Severity::kWarning, "required_scopes_unused",
          {{"tool_service", service.config.name},
           {"kind", kind},
           {"name", name},
           {"reason", "the tool services file says what scopes it needs, but the service has none of this name"}});
    }
    service.unknown_names = {unknown.begin(), unknown.end()};
  }

  // "tool_refused", "resource_refused" and so on.
  static void LogRefusal(absl::string_view kind, const std::string& service, const std::string& name,
                         const std::string& reason) {
    Log(Severity::kWarning, absl::StrCat(kind, "_refused"),
        {{"tool_service", service}, {kind, name}, {"reason", reason}});
  }

  void HandleEnd(Service& service, const Watch& watch, const absl::Status& status) {
    const absl::Time now = absl::Now();
    service.watch_id = 0;
    const bool lasted = now - watch.open_time() >= options_.min_backoff;
    if (service.watch_answered && lasted) {
      // The regular end: the server retires its connections by their age, or shuts down and another takes over. Nothing
      // is wrong unless the next attempt fails.
      service.next_open_time = now + options_.min_backoff * Jitter();
      return;
    }
    service.backoff = std::min(std::max(service.backoff * 2, options_.min_backoff), options_.max_backoff);
    service.next_open_time = now + service.backoff * Jitter();
    if (service.watch_answered) return;  // it serves, but ends its streams too soon: only slow down
    metrics_.watch_failures_total.Increment();
    std::string error = status.ok() ? "ended the stream without a catalogue" : status.ToString();
    if (service.connected || service.last_code != status.code()) {
      Log(Severity::kWarning, "tool_service_away",
          {{"tool_service", service.config.name}, {"target", service.config.target}, {"reason", error}});
    }
    service.connected = false;
    service.last_error = std::move(error);
    service.last_code = status.code();
  }

  // In [0.5, 1): so that many edges do not come back at the same moment.
  double Jitter() { return std::uniform_real_distribution<double>(0.5, 1)(random_); }

  // --- the result ----------------------------------------------------------------------------------------------------

  void Publish() {
    publish_time_ = absl::InfiniteFuture();
    std::vector<MergeSource> sources;
    for (const Service& service : services_) sources.push_back({service.config.name, &service.contents});
    MergedCatalog merged = MergeCatalogs(sources);
    std::set<DuplicateEntry> duplicates(merged.duplicates.begin(), merged.duplicates.end());
    for (const DuplicateEntry& duplicate : duplicates) {
      if (duplicates_.count(duplicate) > 0) continue;  // said before
      metrics_.refused_duplicate_total.Increment();
      LogRefusal(duplicate.kind, duplicate.service, duplicate.name,
                 absl::StrCat("the name is taken by ", duplicate.taken_by));
    }
    duplicates_ = std::move(duplicates);
    merged.contents.scope_hierarchy = scope_hierarchy_;
    const size_t tools = merged.contents.tools.size();
    metrics_.tools.Set(static_cast<double>(tools));
    if (catalog_.Publish(std::move(merged.contents))) {
      metrics_.changes_total.Increment();
      Log(Severity::kInfo, "catalog_changed", {{"tools", tools}});
    }
    ReportStates();
  }

  void ReportStates() {
    std::vector<ToolServiceState> states;
    std::string waiting_for;
    size_t connected = 0;
    size_t answered = 0;
    std::map<absl::string_view, std::pair<size_t, size_t>>
        duplicates;  // by service: all of them, and the tools among them
    for (const DuplicateEntry& duplicate : duplicates_) {
      ++duplicates[duplicate.service].first;
      if (duplicate.kind == "tool") ++duplicates[duplicate.service].second;
    }
    for (const Service& service : services_) {
      ToolServiceState& state = states.emplace_back();
      state.name = service.config.name;
      state.target = service.config.target;
      state.connected = service.connected;
      state.answered = service.answered;
      state.last_error = service.last_error;
      state.tools = service.contents.tools.size() - duplicates[service.config.name].second;
      state.refused = service.refused + duplicates[service.config.name].first;
      connected += service.connected ? 1 : 0;
      answered += service.answered ? 1 : 0;
      if (!service.answered) {
        absl::StrAppend(&waiting_for, waiting_for.empty() ? "" : "; ", service.config.name, " at ",
                        service.config.target, ": ", service.last_error);
      }
    }
    metrics_.services_configured.Set(static_cast<double>(services_.size()));
    metrics_.services_connected.Set(static_cast<double>(connected));
    catalog_.SetServiceStates(std::move(states));
    absl::MutexLock lock(&ready_mutex_);
    any_answered_ = any_answered_ || answered > 0;
    ready_ = ready_ || answered == services_.size() ||
             (any_answered_ && absl::Now() - start_time_ >= options_.first_answer_timeout);
    waiting_for_ = std::move(waiting_for);
  }

  const CatalogWatcherOptions options_;
  Catalog& catalog_;
  CatalogMetrics& metrics_;
  EventBus& events_;
  const absl::Time start_time_;
  Mailbox mailbox_;

  // Used by the thread only, once it runs.
  std::mt19937 random_{std::random_device()()};
  std::string file_content_;
  absl::Status file_status_;
  std::shared_ptr<const ScopeHierarchy> scope_hierarchy_;
  absl::Time publish_time_ = absl::InfiniteFuture();  // when there is something to publish
  absl::Time next_poll_time_ = absl::Now() + options_.poll_interval;
  std::vector<Service> services_;  // in file order
  std::map<uint64_t, std::unique_ptr<Watch>> watches_;
  std::map<uint64_t, std::unique_ptr<UpdateWatch>> update_watches_;  // with ids of their own
  uint64_t next_watch_id_ = 1;
  std::set<DuplicateEntry> duplicates_;

  mutable absl::Mutex ready_mutex_;
  bool ready_ ABSL_GUARDED_BY(ready_mutex_) = false;
  bool any_answered_ ABSL_GUARDED_BY(ready_mutex_) = false;
  std::string waiting_for_ ABSL_GUARDED_BY(ready_mutex_);

  std::thread thread_;
};

}  // namespace

std::unique_ptr<CatalogWatcher> CatalogWatcher::Start(const CatalogWatcherOptions& options, ToolServicesFile file,
                                                      Catalog& catalog, CatalogMetrics& metrics, EventBus& events) {
  return std::make_unique<ThreadedCatalogWatcher>(options, std::move(file), catalog, metrics, events);
}

}  // namespace mcp_edge
