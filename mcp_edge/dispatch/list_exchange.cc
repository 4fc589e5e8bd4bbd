#include "mcp_edge/dispatch/list_exchange.h"

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/log.h"
#include "mcp_edge/catalog/validation.h"
#include "mcp_edge/dispatch/answers.h"
#include "mcp_edge/dispatch/scope_check.h"
#include "mcp_edge/protocol/list_rendering.h"
#include "mcp_edge/tools/unary_call.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

constexpr size_t kMaxServiceCursor = 1024;  // as tool.proto says

Step BadCursorStep(absl::string_view id_json) {
  return ErrorStep(id_json,
                   {WireErrorKind::kInvalidParams, "cursor is not one that was given out, or it has expired", ""});
}

// One page that tool services give.
class ServicePage final : public Exchange {
 public:
  // `first`: where in `sources` it begins, with `cursor` of that service.
  ServicePage(std::vector<const ResourceSource*> sources, size_t first, std::string cursor, const Message& message,
              const RequestContext& context, std::shared_ptr<const CatalogSnapshot> snapshot, CatalogLists& lists,
              const CacheTerms& cache, ListTerms terms, const common::Clock& clock)
      : sources_(std::move(sources)),
        snapshot_(std::move(snapshot)),
        lists_(lists),
        cache_(cache),
        terms_(std::move(terms)),
        clock_(clock),
        id_json_(message.id_json),
        principal_(context.principal),
        version_(context.version),
        trace_(context.trace),
        source_(first),
        cursor_(std::move(cursor)) {}

  bool Wait(absl::Time until) override { return !Started() || call_->Wait(until); }

  Step Next() override {
    for (; source_ < sources_.size(); ++source_, cursor_.clear()) {
      if (!Started()) return CancelledStep();
      const absl::StatusOr<tool::ListResourcesResponse> response = call_->Take();
      if (cancelled_) return CancelledStep();
      {
        absl::MutexLock lock(&mutex_);
        call_.reset();
      }
      if (!response.ok()) {
        // The cursor came from this service, which knows it no more.
        if (absl::IsInvalidArgument(response.status()) && !cursor_.empty()) return BadCursorStep(id_json_);
        LogFailure(absl::StatusCodeToString(response.status().code()), response.status().message());
        if (absl::IsDeadlineExceeded(response.status()) || clock_.Now() >= page_end_time_) {
          return ResultStep(id_json_, CatalogLists::ResourcePage("", NextServiceCursor(), version_, cache_));
        }
        continue;
      }
      const std::string elements = Elements(*response);
      const std::string next = NextCursor(response->next_cursor());
      const bool more_of_this = !response->next_cursor().empty() && !next.empty();
      // Nothing to show of this service, and time to ask another.
      if (elements.empty() && !more_of_this && clock_.Now() < page_end_time_) continue;
      return ResultStep(id_json_, CatalogLists::ResourcePage(elements, next, version_, cache_));
    }
    return ResultStep(id_json_, CatalogLists::ResourcePage("", "", version_, cache_));
  }

  void Cancel() override {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    if (call_ != nullptr) call_->Cancel();
  }

 private:
  Step CancelledStep() const { return ErrorStep(id_json_, {WireErrorKind::kCancelled, "cancelled", ""}); }

  const ToolServiceClient& service() const { return *sources_[source_]->service; }

  // Asks the service whose turn it is, if that has not been done. False: it was cancelled before.
  bool Started() {
    if (call_ != nullptr) return true;
    absl::MutexLock lock(&mutex_);
    if (cancelled_) return false;
    const absl::Time deadline = clock_.Now() + terms_.timeout;
    if (page_end_time_ == absl::InfinitePast()) page_end_time_ = deadline;
    tool::ListResourcesRequest request;
    *request.mutable_context() = terms_.call_context;
    request.set_cursor(cursor_);
    request.set_page_size(static_cast<int>(lists_.page_size()));
    call_ = StartUnaryCall(service(), std::move(request), deadline, trace_);
    return true;
  }

  // The good ones of the page, rendered. Of those that are too many the rest is lost.
  std::string Elements(const tool::ListResourcesResponse& response) const {
    std::string elements;
    int refused = 0;
    std::string first_reason;
    for (int i = 0; i < response.resources_size(); ++i) {
      const std::string reason = static_cast<size_t>(i) < lists_.page_size() ? Append(response.resources(i), elements)
                                                                             : "the page has too many";
      if (!reason.empty() && refused++ == 0) first_reason = reason;
    }
    if (refused > 0) {
      common::Log(common::Severity::kWarning, "listed_resources_refused",
                  {{"tool_service", service().name()},
                   {"request_id", terms_.call_context.request_id()},
                   {"count", absl::StrCat(refused)},
                   {"reason", first_reason}});
    }
    return elements;
  }

  // Adds the resource, or says why not.
  std::string Append(const tool::Resource& resource, std::string& elements) const {
    const std::shared_ptr<ToolServiceClient>& service = sources_[source_]->service;
    const absl::StatusOr<ResourceEntry> entry = ValidateResource(resource, service);
    if (!entry.ok()) return std::string(entry.status().message());
    const std::string& uri = entry->resource.uri();
    if (snapshot_->FindResource(uri) != nullptr) return absl::StrCat(uri, " is in a catalogue already");
    if (!entry->required_scopes.empty()) return absl::StrCat(uri, " needs scopes; give those to a template");
    const std::optional<CatalogSnapshot::ResourceReader> reader = snapshot_->FindReader(uri);
    if (!reader.has_value() || reader->service != service.get()) {
      return absl::StrCat(uri, " has no prefix and fits no template of this service");
    }
    if (terms_.hide_without_scope && !MayRead(*snapshot_, *principal_, uri)) return "";
    absl::StrAppend(&elements, elements.empty() ? "" : ",", RenderResource(entry->resource, version_));
    return "";
  }

  // The cursor that follows the page at which the service said `service_cursor`.
  std::string NextCursor(absl::string_view service_cursor) const {
    if (!service_cursor.empty() && service_cursor.size() <= kMaxServiceCursor && service_cursor != cursor_) {
      return lists_.CursorFor({service().name(), std::string(service_cursor)}, principal_->key);
    }
    if (!service_cursor.empty()) LogFailure("INVALID_CURSOR", "next_cursor is too long, or is that of the same page");
    return NextServiceCursor();
  }

  // The cursor of the first page of the service after this one; empty after the last.
  std::string NextServiceCursor() const {
    if (source_ + 1 >= sources_.size()) return "";
    return lists_.CursorFor({sources_[source_ + 1]->service->name(), ""}, principal_->key);
  }

  void LogFailure(absl::string_view code, absl::string_view reason) const {
    common::Log(common::Severity::kWarning, "list_resources_failed",
                {{"tool_service", service().name()},
                 {"request_id", terms_.call_context.request_id()},
                 {"code", code},
                 {"reason", reason}});
  }

  const std::vector<const ResourceSource*> sources_;
  const std::shared_ptr<const CatalogSnapshot> snapshot_;  // keeps what sources_ points to
  CatalogLists& lists_;
  const CacheTerms cache_;
  const ListTerms terms_;
  const common::Clock& clock_;
  const std::string id_json_;
  const std::shared_ptr<const Principal> principal_;
  const ProtocolVersion version_;
  const TraceContext trace_;
  size_t source_;
  std::string cursor_;
  absl::Time page_end_time_ = absl::InfinitePast();
  absl::Mutex mutex_;
  // Written by the thread of Next(), with the mutex held; read there without.
  std::unique_ptr<UnaryCall<tool::ListResourcesResponse>> call_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

std::unique_ptr<Exchange> StartList(ListKind kind, const Message& message, const RequestContext& context,
                                    std::shared_ptr<const CatalogSnapshot> snapshot, CatalogLists& lists,
                                    const CacheTerms& cache, ListTerms terms, const common::Clock& clock) {
  std::string cursor;
  if (const auto found = message.params.find("cursor"); found != message.params.end()) {
    // No cursor that was given out is empty.
    if (found->is_string()) cursor = found->get_ref<const std::string&>();
    if (cursor.empty()) return AnswerWith(BadCursorStep(message.id_json));
  }
  const Principal* const visible_to = terms.hide_without_scope ? context.principal.get() : nullptr;
  CatalogLists::Page page =
      lists.GetPage(kind, *snapshot, context.version, cursor, context.principal->key, cache, visible_to);
  if (const auto* result = std::get_if<std::string>(&page)) {
    return AnswerWith(ResultStep(message.id_json, *result));
  }
  if (auto* place = std::get_if<CatalogLists::ServicePlace>(&page)) {
    std::vector<const ResourceSource*> sources = ListingSources(*snapshot);
    for (size_t i = 0; i < sources.size(); ++i) {
      if (sources[i]->service->name() != place->service) continue;
      return std::make_unique<ServicePage>(std::move(sources), i, std::move(place->cursor), message, context,
                                           std::move(snapshot), lists, cache, std::move(terms), clock);
    }
  }
  return AnswerWith(BadCursorStep(message.id_json));
}

}  // namespace mcp_edge
