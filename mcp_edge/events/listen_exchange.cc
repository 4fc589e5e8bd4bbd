#include "mcp_edge/events/listen_exchange.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/json_text.h"
#include "mcp_edge/dispatch/answers.h"
#include "mcp_edge/dispatch/scope_check.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/rpc_errors.h"
#include "mcp_edge/session/resource_set.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr char kSubscriptionId[] = "io.modelcontextprotocol/subscriptionId";

// The lists whose changes can be asked for: the key in the filter, the notification.
struct ListKind {
  Event::Kind kind;
  absl::string_view filter;
  absl::string_view method;
};
constexpr ListKind kLists[] = {
    {Event::Kind::kToolsChanged, "toolsListChanged", "notifications/tools/list_changed"},
    {Event::Kind::kPromptsChanged, "promptsListChanged", "notifications/prompts/list_changed"},
    {Event::Kind::kResourcesChanged, "resourcesListChanged", "notifications/resources/list_changed"},
};
constexpr size_t kListCount = std::size(kLists);

// What a request asks for.
struct Filter {
  bool lists[kListCount] = {};
  std::vector<std::string> resources;
  bool names_tasks = false;
  std::vector<std::string> tasks;
};

RpcError BadFilter(absl::string_view what) {
  return {WireErrorKind::kInvalidParams, absl::StrCat("params.notifications", what), ""};
}

std::variant<std::vector<std::string>, RpcError> ReadNames(const json& filter, const char* key) {
  std::vector<std::string> names;
  const auto found = filter.find(key);
  if (found == filter.end()) return names;
  if (!found->is_array()) return BadFilter(absl::StrCat(".", key, " must be an array of strings"));
  if (found->size() > Listeners::kMaxNamed) {
    return BadFilter(absl::StrCat(".", key, " has more than ", Listeners::kMaxNamed, " elements"));
  }
  for (const json& name : *found) {
    if (!name.is_string()) return BadFilter(absl::StrCat(".", key, " must be an array of strings"));
    // What is too long to be kept names nothing that there is.
    const std::string& text = name.get_ref<const std::string&>();
    if (text.size() <= ResourceSet::kMaxUriBytes) names.push_back(text);
  }
  return names;
}

std::variant<Filter, RpcError> ReadFilter(const json& params) {
  Filter filter;
  const auto found = params.find("notifications");
  if (found == params.end() || !found->is_object()) return BadFilter(" must be an object");
  for (size_t i = 0; i < kListCount; ++i) {
    const auto wanted = found->find(std::string(kLists[i].filter));
    if (wanted == found->end()) continue;
    if (!wanted->is_boolean()) return BadFilter(absl::StrCat(".", kLists[i].filter, " must be a boolean"));
    filter.lists[i] = wanted->get<bool>();
  }
  auto resources = ReadNames(*found, "resourceSubscriptions");
  if (auto* error = std::get_if<RpcError>(&resources)) return std::move(*error);
  filter.resources = std::get<0>(std::move(resources));
  filter.names_tasks = found->contains("taskIds");
  auto tasks = ReadNames(*found, "taskIds");
  if (auto* error = std::get_if<RpcError>(&tasks)) return std::move(*error);
  filter.tasks = std::get<0>(std::move(tasks));
  return filter;
}

void AppendNames(absl::string_view key, const std::vector<std::string>& names, std::string& members) {
  if (names.empty()) return;
  absl::StrAppend(&members, members.empty() ? "\"" : ",\"", key, "\":[");
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) members += ',';
    common::AppendJsonString(names[i], members);
  }
  members += ']';
}

}  // namespace

class Listeners::Listener final : public Exchange {
 public:
  Listener(Listeners& owner, Filter filter, const Message& message, const RequestContext& context)
      : owner_(owner),
        principal_(context.principal),
        id_json_(message.id_json),
        meta_(absl::StrCat("\"_meta\":{\"", kSubscriptionId, "\":", message.id_json, "}")),
        end_time_(context.principal->StreamEndTime(owner.clock_.Now())) {
    std::string honoured;
    for (size_t i = 0; i < kListCount; ++i) {
      lists_[i] = filter.lists[i];
      if (lists_[i]) absl::StrAppend(&honoured, honoured.empty() ? "\"" : ",\"", kLists[i].filter, "\":true");
    }
    std::vector<std::string> resources;
    std::vector<std::string> refused;
    absl::flat_hash_set<std::string> seen;
    for (std::string& uri : filter.resources) {
      if (!seen.insert(uri).second) continue;
      const bool honoured = MayRead(*owner_.catalog_.Current(), *principal_, uri) && resources_.Add(uri);
      (honoured ? resources : refused).push_back(std::move(uri));
    }
    AppendNames("resourceSubscriptions", resources, honoured);
    std::vector<std::string> tasks;
    for (std::string& id : filter.tasks) {
      if (owner_.tasks_ == nullptr || !owner_.tasks_->Owns(id, *principal_)) {
        refused.push_back(std::move(id));
      } else if (tasks_.insert(id).second) {
        tasks.push_back(std::move(id));
      }
    }
    Audit(resources, tasks, refused, context.request_id);
    AppendNames("taskIds", tasks, honoured);
    acknowledgement_ = NotificationText("notifications/subscriptions/acknowledged",
                                        absl::StrCat("{", meta_, ",\"notifications\":{", honoured, "}}"));
    subscription_ = owner_.bus_.Subscribe([this](const Event& event) { Take(event); });
    absl::MutexLock lock(&owner_.mutex_);
    owner_.open_.insert(this);
    if (owner_.closed_) End();
  }

  ~Listener() override {
    subscription_.reset();
    absl::MutexLock lock(&owner_.mutex_);
    owner_.open_.erase(this);
  }

  bool Wait(absl::Time until) override {
    if (!acknowledgement_.empty()) return true;
    absl::MutexLock lock(&mutex_);
    const auto ready = [this]()
                           ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return cancelled_ || ended_ || !waiting_.empty(); };
    if (mutex_.AwaitWithDeadline(absl::Condition(&ready), std::min(until, end_time_))) return true;
    return owner_.clock_.Now() >= end_time_;
  }

  Step Next() override {
    Step step;
    step.last = false;
    if (!acknowledgement_.empty()) {
      step.message = std::exchange(acknowledgement_, "");
      return step;
    }
    while (true) {
      const bool ready = Wait(absl::InfiniteFuture());
      std::optional<Change> change;
      {
        absl::MutexLock lock(&mutex_);
        if (cancelled_) {
          step.last = true;
          step.error = WireErrorKind::kCancelled;
          return step;
        }
        // What was waiting when the end came is still told.
        if (!waiting_.empty() && owner_.clock_.Now() < end_time_) {
          change = std::move(waiting_.front());
          waiting_.pop_front();
          waiting_bytes_ -= change->key.size();
          waiting_keys_.erase(change->key);
        } else if (ready) {
          step.last = true;
        }
      }
      if (step.last) {
        step.message = ResultResponse(id_json_, FinalResult());
        return step;
      }
      if (!change.has_value()) continue;
      step.message = Render(*change);
      if (!step.message.empty()) return step;
    }
  }

  void Cancel() override {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
  }

  // Lets what waits be told, then the response.
  void End() {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }

 private:
  // One line for what is honoured, and one for what is not.
  void Audit(const std::vector<std::string>& resources, const std::vector<std::string>& tasks,
             const std::vector<std::string>& refused, const std::string& request_id) const {
    if (owner_.audit_ == nullptr) return;
    Decision decision = {.principal = principal_.get(), .method = "subscriptions/listen", .request_id = request_id};
    std::string honoured = absl::StrJoin(resources, " ");
    if (!resources.empty() && !tasks.empty()) honoured += ' ';
    absl::StrAppend(&honoured, absl::StrJoin(tasks, " "));
    decision.name = honoured;
    owner_.audit_->Record(decision);
    if (refused.empty()) return;
    const std::string others = absl::StrJoin(refused, " ");
    decision.name = others;
    decision.outcome = Decision::Outcome::kRefused;
    decision.reason = "not_honoured";
    owner_.audit_->Record(decision);
  }

  // A change that the client is to hear of. Equal keys are the same list, resource or task.
  struct Change {
    Event::Kind kind = Event::Kind::kToolsChanged;
    std::string key;
  };

  static std::string KeyOf(const Event& event) {
    switch (event.kind) {
      case Event::Kind::kResourceUpdated:
        return absl::StrCat("r", event.uri);
      case Event::Kind::kTaskChanged:
        return absl::StrCat("t", event.task_id);
      default:
        return absl::StrCat("l", static_cast<int>(event.kind));
    }
  }

  bool Wants(const Event& event) const {
    switch (event.kind) {
      case Event::Kind::kResourceUpdated:
        return resources_.Covers(event.uri);
      case Event::Kind::kTaskChanged:
        return tasks_.contains(event.task_id);
      default:
        for (size_t i = 0; i < kListCount; ++i) {
          if (kLists[i].kind == event.kind) return lists_[i];
        }
        return false;
    }
  }

  // Called by the bus. What Wants reads does not change.
  void Take(const Event& event) {
    if (!Wants(event)) return;
    Change change = {event.kind, KeyOf(event)};
    absl::MutexLock lock(&mutex_);
    // What a change has led to is looked up when it is told, so the newest of equal ones says no more than the first.
    if (cancelled_ || ended_ || !waiting_keys_.insert(change.key).second) return;
    waiting_bytes_ += change.key.size();
    waiting_.push_back(std::move(change));
    if (waiting_.size() <= kMaxWaiting && waiting_bytes_ <= kMaxWaitingBytes) return;
    owner_.metrics_.listeners_dropped_total.Increment();
    waiting_.clear();
    waiting_keys_.clear();
    waiting_bytes_ = 0;
    ended_ = true;
  }

  // The notification, or nothing if the client may not hear of it any more.
  std::string Render(const Change& change) const {
    if (change.kind == Event::Kind::kResourceUpdated) {
      const std::string uri = change.key.substr(1);
      if (!MayRead(*owner_.catalog_.Current(), *principal_, uri)) return "";
      std::string params = absl::StrCat("{", meta_, ",\"uri\":");
      common::AppendJsonString(uri, params);
      params += '}';
      return NotificationText("notifications/resources/updated", params);
    }
    if (change.kind == Event::Kind::kTaskChanged) {
      const std::optional<std::string> task = owner_.tasks_->Notification(change.key.substr(1), *principal_);
      if (!task.has_value()) return "";
      return NotificationText("notifications/tasks", absl::StrCat("{", meta_, ",", absl::string_view(*task).substr(1)));
    }
    for (const ListKind& list : kLists) {
      if (list.kind == change.kind) return NotificationText(list.method, absl::StrCat("{", meta_, "}"));
    }
    return "";
  }

  // With the subscription's id beside what every result has in `_meta`.
  std::string FinalResult() const {
    constexpr char kMeta[] = "\"_meta\":{";
    std::string result = RenderResult("", ProtocolVersion::k2026_07_28);
    const size_t meta = result.find(kMeta);
    if (meta == std::string::npos) return RenderResult(meta_, ProtocolVersion::k2026_07_28);
    result.insert(meta + sizeof(kMeta) - 1, absl::StrCat("\"", kSubscriptionId, "\":", id_json_, ","));
    return result;
  }

  Listeners& owner_;
  const std::shared_ptr<const Principal> principal_;
  const std::string id_json_;
  const std::string meta_;  // the member of all params
  const absl::Time end_time_;
  bool lists_[kListCount] = {};
  ResourceSet resources_;
  absl::flat_hash_set<std::string> tasks_;
  std::string acknowledgement_;  // until it was given; used by the thread of Next()
  absl::Mutex mutex_;
  std::deque<Change> waiting_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> waiting_keys_ ABSL_GUARDED_BY(mutex_);  // of waiting_
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<EventBus::Subscription> subscription_;  // last: it calls Take
};

std::unique_ptr<Exchange> Listeners::Start(const Message& message, const RequestContext& context) {
  std::variant<Filter, RpcError> filter = ReadFilter(message.params);
  if (const auto* error = std::get_if<RpcError>(&filter)) return AnswerWith(ErrorStep(message.id_json, *error));
  if (std::get<Filter>(filter).names_tasks && !context.client->capabilities.tasks) {
    return AnswerWith(ErrorStep(message.id_json, MissingCapabilityError(kTasksCapability)));
  }
  return std::make_unique<Listener>(*this, std::get<Filter>(std::move(filter)), message, context);
}

void Listeners::CloseAll() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  for (Listener* listener : open_) listener->End();
}

size_t Listeners::size() const {
  absl::MutexLock lock(&mutex_);
  return open_.size();
}

}  // namespace mcp_edge
