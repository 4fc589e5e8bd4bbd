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
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "mcp_edge/catalog/merge.h"
#include "mcp_edge/catalog/tool_services_file.h"
#include "mcp_edge/catalog/validation.h"
#include "mcp_edge/tools/tool_service_client.h"

namespace mcp_edge {
namespace {

using common::Log;
using common::Severity;
using gatehouse::tool::v1::WatchCatalogRequest;
using CatalogMessage = gatehouse::tool::v1::Catalog;

// A stream is opened anew after this time even if nothing happens on it, so that a connection that is dead without
// anybody having noticed does not hide changes for ever.
constexpr absl::Duration kMaxWatchAge = absl::Minutes(10);
// What arrives within this time is published together: a hundred services that answer at the start make a few
// snapshots, not a hundred.
constexpr absl::Duration kPublishDelay = absl::Milliseconds(20);
// Refused entries that are logged one by one; the rest of a catalogue is only counted.
constexpr size_t kMaxRefusalsLogged = 20;

// What the streams tell the watcher's thread.
class Mailbox {
 public:
  struct Message {
    uint64_t watch_id;
    // A catalogue that arrived, or how the stream ended.
    std::optional<CatalogMessage> catalog;
    absl::Status end_status;
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

// One catalogue stream. Holds at most one catalogue: the next is read only after Continue(), so that a service that
// sends faster than the edge takes is held back by flow control. Its end is a message; only then may it be destroyed.
class Watch final : public grpc::ClientReadReactor<CatalogMessage> {
 public:
  Watch(uint64_t id, std::shared_ptr<ToolServiceClient> client, absl::Duration max_age, Mailbox& mailbox)
      : id_(id), client_(std::move(client)), mailbox_(mailbox), open_time_(absl::Now()) {
    context_.set_deadline(absl::ToChronoTime(open_time_ + max_age));
    client_->stub().async()->WatchCatalog(&context_, &request_, this);
    AddHold();  // for Continue(), which is called from outside
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
    mailbox_.Put({.watch_id = id_, .catalog = std::move(catalog_), .end_status = absl::OkStatus()});
    catalog_ = CatalogMessage();
  }

  void OnDone(const grpc::Status& status) override {
    mailbox_.Put(
        {.watch_id = id_,
         .catalog = std::nullopt,
         .end_status = absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message())});
  }

 private:
  const uint64_t id_;
  const std::shared_ptr<ToolServiceClient> client_;
  Mailbox& mailbox_;
  const absl::Time open_time_;
  grpc::ClientContext context_;
  const WatchCatalogRequest request_;
  CatalogMessage catalog_;
};

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
  // The last catalogue that could be used: encoded, and what clients may see of it.
  std::optional<std::string> encoded;
  CatalogContents contents;
  size_t refused = 0;
  // See ToolServiceState.
  bool connected = false;
  bool answered = false;
  std::string last_error;
  // That of the failure that was logged last, since the service was connected.
  std::optional<absl::StatusCode> last_code;
};

class ThreadedCatalogWatcher final : public CatalogWatcher {
 public:
  ThreadedCatalogWatcher(const CatalogWatcherOptions& options, std::string file_content,
                         std::vector<ToolServiceConfig> configs, Catalog& catalog, CatalogMetrics& metrics)
      : options_(options),
        catalog_(catalog),
        metrics_(metrics),
        start_time_(absl::Now()),
        file_content_(std::move(file_content)) {
    ApplyConfigs(std::move(configs));
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
      OpenWatches(now);
      if (std::optional<Mailbox::Message> message = mailbox_.Take(NextTime()); message.has_value()) {
        Handle(*std::move(message));
      }
    }
    // Each stream says that it has ended before it is destroyed.
    for (const auto& [id, watch] : watches_) watch->Cancel();
    while (!watches_.empty()) Drop(mailbox_.TakeLast());
  }

  absl::Time NextTime() const {
    absl::Time next = std::min(next_poll_time_, publish_time_);
    for (const Service& service : services_) {
      if (service.watch_id == 0) next = std::min(next, service.next_open_time);
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
      absl::StatusOr<std::vector<ToolServiceConfig>> configs = ParseToolServices(*content, options_.file_name);
      status = configs.status();
      if (configs.ok()) {
        Forgive();
        file_content_ = *std::move(content);
        Log(Severity::kInfo, "tool_services_file_read", {{"services", configs->size()}});
        ApplyConfigs(*std::move(configs));
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
      service.config = std::move(config);
      if (moved) {
        // Its tools stay listed until the new place answers; calls go there at once.
        AbandonWatch(service);
        service.client = std::make_shared<ToolServiceClient>(service.config.name, service.config.target);
        service.connected = false;
        service.answered = false;
        service.last_error = "has not answered yet";
        service.last_code.reset();
        service.backoff = absl::ZeroDuration();
        service.next_open_time = absl::InfinitePast();
      }
      if ((moved || renamed) && service.encoded.has_value()) Revalidate(service);
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
      if (service.watch_id != 0 || service.next_open_time > now) continue;
      service.watch_id = next_watch_id_++;
      service.watch_answered = false;
      watches_[service.watch_id] =
          std::make_unique<Watch>(service.watch_id, service.client, kMaxWatchAge * Jitter(), mailbox_);
    }
  }

  // Its end will be a message that no service waits for.
  void AbandonWatch(Service& service) {
    if (const auto watch = watches_.find(service.watch_id); watch != watches_.end()) watch->second->Cancel();
    service.watch_id = 0;
  }

  void Handle(Mailbox::Message message) {
    const auto service = std::find_if(services_.begin(), services_.end(), [&message](const Service& candidate) {
      return candidate.watch_id == message.watch_id;
    });
    if (service == services_.end()) return Drop(message);
    if (message.catalog.has_value()) {
      HandleCatalog(*service, *message.catalog);
      watches_[message.watch_id]->Continue();
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
    } else {
      watches_.erase(message.watch_id);
    }
  }

  void HandleCatalog(Service& service, const CatalogMessage& message) {
    if (!service.connected) {
      Log(Severity::kInfo, "tool_service_connected",
          {{"service", service.config.name}, {"target", service.config.target}});
    }
    service.watch_answered = true;
    service.connected = true;
    service.answered = true;
    service.last_error.clear();
    service.last_code.reset();
    service.backoff = absl::ZeroDuration();
    std::string encoded = message.SerializeAsString();
    if (service.encoded == encoded) return;
    if (!TakeCatalog(service, message)) return;
    service.encoded = std::move(encoded);
    publish_time_ = std::min(publish_time_, absl::Now() + kPublishDelay);
  }

  // Validates `message` and makes it the catalogue of `service`. False when it cannot be used at all.
  bool TakeCatalog(Service& service, const CatalogMessage& message) {
    absl::StatusOr<ValidatedCatalog> validated = ValidateCatalog(message, service.config.prefix, service.client);
    if (!validated.ok()) {
      metrics_.refused_invalid_total.Increment();
      Log(Severity::kError, "catalog_refused",
          {{"service", service.config.name}, {"reason", validated.status().message()}});
      return false;
    }
    service.contents = std::move(validated->contents);
    service.refused = validated->refused.size();
    metrics_.refused_invalid_total.Increment(static_cast<double>(service.refused));
    size_t logged = 0;
    for (const RefusedEntry& refused : validated->refused) {
      if (++logged > kMaxRefusalsLogged) break;
      LogRefusal(refused.kind, service.config.name, refused.name, refused.reason);
    }
    if (service.refused > kMaxRefusalsLogged) {
      Log(Severity::kWarning, "catalog_entries_refused",
          {{"service", service.config.name}, {"entries", service.refused}});
    }
    return true;
  }

  // "tool_refused", "resource_refused" and so on.
  static void LogRefusal(absl::string_view kind, const std::string& service, const std::string& name,
                         const std::string& reason) {
    Log(Severity::kWarning, absl::StrCat(kind, "_refused"), {{"service", service}, {kind, name}, {"reason", reason}});
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
          {{"service", service.config.name}, {"target", service.config.target}, {"reason", error}});
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
  const absl::Time start_time_;
  Mailbox mailbox_;

  // Used by the thread only, once it runs.
  std::mt19937 random_{std::random_device()()};
  std::string file_content_;
  absl::Status file_status_;
  absl::Time publish_time_ = absl::InfiniteFuture();  // when there is something to publish
  absl::Time next_poll_time_ = absl::Now() + options_.poll_interval;
  std::vector<Service> services_;  // in file order
  std::map<uint64_t, std::unique_ptr<Watch>> watches_;
  uint64_t next_watch_id_ = 1;
  std::set<DuplicateEntry> duplicates_;

  mutable absl::Mutex ready_mutex_;
  bool ready_ ABSL_GUARDED_BY(ready_mutex_) = false;
  bool any_answered_ ABSL_GUARDED_BY(ready_mutex_) = false;
  std::string waiting_for_ ABSL_GUARDED_BY(ready_mutex_);

  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CatalogWatcher>> CatalogWatcher::Start(const CatalogWatcherOptions& options,
                                                                      Catalog& catalog, CatalogMetrics& metrics) {
  absl::StatusOr<std::string> content = ReadToolServicesFile(options.file_name);
  if (!content.ok()) return content.status();
  absl::StatusOr<std::vector<ToolServiceConfig>> configs = ParseToolServices(*content, options.file_name);
  if (!configs.ok()) return configs.status();
  return std::make_unique<ThreadedCatalogWatcher>(options, *std::move(content), *std::move(configs), catalog, metrics);
}

}  // namespace mcp_edge
