#include "tool_service/sdk/service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace tool_service {
namespace {

// The limits of tool.proto.
constexpr size_t kMaxTools = 10'000;
constexpr size_t kMaxCatalogBytes = 8 << 20;
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxDescriptionBytes = 16 << 10;
constexpr size_t kMaxSchemaBytes = 256 << 10;
constexpr int kMaxSchemaDepth = 64;
constexpr size_t kMaxInstructionsBytes = 4 << 10;
constexpr size_t kTagBytes = 6;  // a field's tag and length in the encoded catalogue, at most

constexpr char kNoArgumentsSchema[] = R"({"type":"object","additionalProperties":false})";

absl::Status CheckName(absl::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
      });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a tool's name must be 1 to 64 characters of [A-Za-z0-9_.-], got \"", name, "\""));
}

// `text` must be a JSON object of bounded size and depth, and have "type":"object" at its root if it is a schema.
absl::Status CheckJsonObject(absl::string_view tool, absl::string_view field, absl::string_view text, bool is_schema) {
  if (text.empty()) return absl::OkStatus();
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("tool \"", tool, "\": ", field, " ", why));
  };
  if (text.size() > kMaxSchemaBytes) {
    return refuse(absl::StrCat("must have at most ", kMaxSchemaBytes, " bytes, has ", text.size()));
  }
  int depth = 0;
  const nlohmann::json json = nlohmann::json::parse(
      text.data(), text.data() + text.size(),
      [&](int level, nlohmann::json::parse_event_t, nlohmann::json&) {
        depth = std::max(depth, level);
        return true;
      },
      /*allow_exceptions=*/false);
  if (!json.is_object()) return refuse("must be a JSON object");
  if (depth > kMaxSchemaDepth) {
    return refuse(absl::StrCat("must be at most ", kMaxSchemaDepth, " levels deep, is ", depth));
  }
  if (is_schema) {
    const auto type = json.find("type");
    if (type == json.end() || *type != "object") return refuse(R"(must have "type":"object" at its root)");
  }
  return absl::OkStatus();
}

absl::Status CheckTool(const Tool& tool) {
  if (const absl::Status status = CheckName(tool.name()); !status.ok()) return status;
  if (tool.description().size() > kMaxDescriptionBytes) {
    return absl::InvalidArgumentError(absl::StrCat("tool \"", tool.name(), "\": description must have at most ",
                                                   kMaxDescriptionBytes, " bytes, has ", tool.description().size()));
  }
  for (const auto& [field, text, is_schema] :
       {std::tuple<absl::string_view, absl::string_view, bool>("input_schema_json", tool.input_schema_json(), true),
        {"output_schema_json", tool.output_schema_json(), true},
        {"meta_json", tool.meta_json(), false},
        {"required_client_capabilities_json", tool.required_client_capabilities_json(), false}}) {
    const absl::Status status = CheckJsonObject(tool.name(), field, text, is_schema);
    if (!status.ok()) return status;
  }
  for (const auto& set : tool.required_scopes()) {
    if (set.scopes().empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("tool \"", tool.name(), "\": a set of required_scopes must name at least one scope"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Service::AddTool(Tool tool, Handler handler, Execution execution) {
  const absl::Status status = Remember(TryAddTool(std::move(tool), std::move(handler), execution));
  if (status.ok()) Changed();
  return status;
}

absl::Status Service::TryAddTool(Tool tool, Handler handler, Execution execution) {
  if (tool.input_schema_json().empty()) tool.set_input_schema_json(kNoArgumentsSchema);
  if (absl::Status status = CheckTool(tool); !status.ok()) return status;
  if (handler == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("tool \"", tool.name(), "\" has no handler"));
  }
  absl::MutexLock lock(&mutex_);
  const std::string name = tool.name();
  const size_t bytes = catalog_bytes_ + tool.ByteSizeLong() + kTagBytes;
  if (bytes + rest_.ByteSizeLong() > kMaxCatalogBytes || tools_.size() >= kMaxTools) {
    return absl::ResourceExhaustedError(absl::StrCat("tool \"", name, "\" does not fit: a catalogue has at most ",
                                                     kMaxTools, " tools and ", kMaxCatalogBytes, " bytes"));
  }
  const auto [at, is_new] = tools_.try_emplace(name);
  if (!is_new) return absl::AlreadyExistsError(absl::StrCat("there are two tools named \"", name, "\""));
  at->second = std::make_shared<const RegisteredTool>(RegisteredTool{std::move(tool), std::move(handler), execution});
  order_.push_back(name);
  catalog_bytes_ = bytes;
  return absl::OkStatus();
}

absl::Status Service::RemoveTool(absl::string_view name) {
  {
    absl::MutexLock lock(&mutex_);
    const auto found = tools_.find(name);
    if (found == tools_.end()) return absl::NotFoundError(absl::StrCat("there is no tool named \"", name, "\""));
    catalog_bytes_ -= found->second->tool.ByteSizeLong() + kTagBytes;
    tools_.erase(found);
    order_.erase(std::find(order_.begin(), order_.end(), name));
  }
  Changed();
  return absl::OkStatus();
}

absl::Status Service::SetInstructions(absl::string_view instructions) {
  if (instructions.size() > kMaxInstructionsBytes) {
    return Remember(absl::InvalidArgumentError(
        absl::StrCat("instructions must have at most ", kMaxInstructionsBytes, " bytes, have ", instructions.size())));
  }
  {
    absl::MutexLock lock(&mutex_);
    rest_.set_instructions(instructions.data(), instructions.size());
  }
  Changed();
  return absl::OkStatus();
}

void Service::SetCacheHint(CacheHint hint) {
  {
    absl::MutexLock lock(&mutex_);
    *rest_.mutable_cache_hint() = std::move(hint);
  }
  Changed();
}

absl::Status Service::startup_status() const {
  absl::MutexLock lock(&mutex_);
  return startup_status_;
}

absl::Status Service::Remember(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  startup_status_.Update(status);
  return status;
}

std::shared_ptr<const Catalog> Service::catalog() const {
  absl::MutexLock lock(&mutex_);
  if (catalog_ == nullptr) {
    auto catalog = std::make_shared<Catalog>(rest_);
    for (const std::string& name : order_) *catalog->add_tools() = tools_.at(name)->tool;
    catalog_ = std::move(catalog);
  }
  return catalog_;
}

std::shared_ptr<const RegisteredTool> Service::Find(absl::string_view name) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = tools_.find(name);
  return found == tools_.end() ? nullptr : found->second;
}

void Service::Watch(std::weak_ptr<CatalogWatcher> watcher) {
  absl::MutexLock lock(&mutex_);
  watchers_.erase(std::remove_if(watchers_.begin(), watchers_.end(), [](const auto& each) { return each.expired(); }),
                  watchers_.end());
  watchers_.push_back(std::move(watcher));
}

void Service::Changed() {
  std::vector<std::shared_ptr<CatalogWatcher>> watchers;
  {
    absl::MutexLock lock(&mutex_);
    catalog_ = nullptr;
    for (const auto& each : watchers_) {
      if (auto watcher = each.lock()) watchers.push_back(std::move(watcher));
    }
  }
  for (const auto& watcher : watchers) watcher->OnCatalogChanged();
}

}  // namespace tool_service
