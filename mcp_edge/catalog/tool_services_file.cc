#include "mcp_edge/catalog/tool_services_file.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <map>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "common/read_file.h"
#include "mcp_edge/tools/grpc_channel.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/mark.h"
#include "yaml-cpp/parser.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxServices = 1000;

// Builds the list from the parser's events, so that nothing is expanded or kept that has no place in it. After the
// first failure it lets the rest of the file pass by.
class Handler final : public YAML::EventHandler {
 public:
  std::vector<ToolServiceConfig> TakeServices() && { return std::move(services_); }
  bool has_list() const { return has_list_; }

  // Whether the file breaks a rule: on which line, and which one.
  bool has_failed() const { return failure_line_ > 0; }
  int failure_line() const { return failure_line_; }
  const std::string& failure() const { return failure_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Fail(mark, "there may be only one document");
  }
  void OnDocumentEnd() override {}

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Fail(mark, "aliases are not allowed"); }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (IsOver(mark, anchor)) return;
    if (place_ == Place::kListOfServices) {  // "tool_services:" and nothing after it
      has_list_ = true;
      place_ = Place::kKeyOfTop;
    } else if (place_ == Place::kValueOfService) {
      Fail(mark, absl::StrCat(key_, " needs a text, got nothing"));
    } else {
      Fail(mark, "a name is missing");
    }
  }

  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    if (IsOver(mark, anchor)) return;
    switch (place_) {
      case Place::kTop:
        return Fail(mark, "needs the key tool_services, a list; got a text");
      case Place::kKeyOfTop:
        if (value != "tool_services") {
          return Fail(mark, absl::StrCat("unknown key ", Quoted(value), "; tool_services is the only one"));
        }
        if (has_list_) return Fail(mark, "the key tool_services is there twice");
        place_ = Place::kListOfServices;
        return;
      case Place::kListOfServices:
        return Fail(mark, absl::StrCat("tool_services needs a list, got the text ", Quoted(value)));
      case Place::kService:
        return Fail(mark, absl::StrCat("a tool service needs name and target, got the text ", Quoted(value)));
      case Place::kKeyOfService:
        if (value != "name" && value != "target" && value != "prefix") {
          return Fail(mark, absl::StrCat("unknown key ", Quoted(value),
                                         " of a tool service; there are name, target and prefix"));
        }
        if (!values_.emplace(value, Value{}).second) {
          return Fail(mark, absl::StrCat("the key ", value, " is there twice in one tool service"));
        }
        key_ = value;
        place_ = Place::kValueOfService;
        return;
      case Place::kValueOfService:
        values_[key_] = {.text = value, .mark = mark};
        place_ = Place::kKeyOfService;
        return;
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (IsOver(mark, anchor)) return;
    if (place_ != Place::kListOfServices) return Fail(mark, "a list is not allowed here");
    has_list_ = true;
    place_ = Place::kService;
  }

  void OnSequenceEnd() override { place_ = Place::kKeyOfTop; }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (IsOver(mark, anchor)) return;
    if (place_ == Place::kTop) {
      place_ = Place::kKeyOfTop;
    } else if (place_ == Place::kService) {
      values_.clear();
      service_mark_ = mark;
      place_ = Place::kKeyOfService;
    } else {
      Fail(mark, "a mapping is not allowed here");
    }
  }

  void OnMapEnd() override {
    if (has_failed() || place_ != Place::kKeyOfService) return;
    AddService();
    place_ = Place::kService;
  }

 private:
  // What comes next.
  enum class Place { kTop, kKeyOfTop, kListOfServices, kService, kKeyOfService, kValueOfService };

  struct Value {
    std::string text;
    YAML::Mark mark;
  };

  static std::string Quoted(absl::string_view text) { return absl::StrCat("\"", text.substr(0, 80), "\""); }

  void Fail(const YAML::Mark& mark, std::string what) {
    if (has_failed()) return;
    failure_line_ = mark.line + 1;
    failure_ = std::move(what);
  }

  // Whether to let this event pass by.
  bool IsOver(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) Fail(mark, "anchors are not allowed");
    return has_failed();
  }

  void AddService() {
    for (const char* key : {"name", "target"}) {
      if (values_.count(key) == 0) return Fail(service_mark_, absl::StrCat("the tool service has no ", key));
    }
    const Value& name = values_["name"];
    if (name.text.empty() || name.text.size() > 63 || !std::all_of(name.text.begin(), name.text.end(), [](char c) {
          return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
        })) {
      return Fail(name.mark, absl::StrCat("name needs 1 to 63 characters of [a-z0-9-], got ", Quoted(name.text)));
    }
    if (const auto [first, inserted] = names_.emplace(name.text, name.mark.line + 1); !inserted) {
      return Fail(name.mark, absl::StrCat("name \"", name.text, "\" is taken by that of line ", first->second));
    }
    const Value& target = values_["target"];
    if (const absl::Status status = CheckTarget(target.text); !status.ok()) {
      return Fail(target.mark, absl::StrCat("target ", status.message()));
    }
    const Value& prefix = values_["prefix"];
    if (prefix.text.size() > 32 || !std::all_of(prefix.text.begin(), prefix.text.end(), [](char c) {
          return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
        })) {
      return Fail(prefix.mark,
                  absl::StrCat("prefix needs up to 32 characters of [A-Za-z0-9_.-], got ", Quoted(prefix.text)));
    }
    if (services_.size() == kMaxServices) {
      return Fail(service_mark_, absl::StrCat("there may be at most ", kMaxServices, " tool services"));
    }
    services_.push_back({.name = name.text, .target = target.text, .prefix = prefix.text});
  }

  Place place_ = Place::kTop;
  bool has_list_ = false;
  int documents_ = 0;
  int failure_line_ = 0;  // 0: none
  std::string failure_;
  std::string key_;
  std::map<std::string, Value> values_;
  YAML::Mark service_mark_;
  std::map<std::string, int> names_;  // and the line of each
  std::vector<ToolServiceConfig> services_;
};

}  // namespace

absl::StatusOr<std::vector<ToolServiceConfig>> ParseToolServices(absl::string_view yaml, absl::string_view file_name) {
  const auto invalid = [file_name](int line, absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(file_name, ":", line, ": ", what));
  };
  if (yaml.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_name, ": may have at most ", kMaxFileBytes, " bytes, got ", yaml.size()));
  }
  if (!common::IsUtf8(yaml)) return absl::InvalidArgumentError(absl::StrCat(file_name, ": is not UTF-8"));
  Handler handler;
  try {
    std::istringstream stream{std::string(yaml)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(handler);
    if (!handler.has_failed() && !handler.has_list()) return invalid(1, "needs the key tool_services, a list");
    if (!handler.has_failed()) parser.HandleNextDocument(handler);
  } catch (const YAML::Exception& exception) {
    if (!handler.has_failed()) return invalid(exception.mark.line + 1, exception.msg);
  } catch (const std::exception& exception) {
    return absl::InvalidArgumentError(absl::StrCat(file_name, ": ", exception.what()));
  }
  if (handler.has_failed()) return invalid(handler.failure_line(), handler.failure());
  return std::move(handler).TakeServices();
}

absl::StatusOr<std::string> ReadToolServicesFile(const std::string& file_name) {
  return common::ReadFile("the tool services file", file_name, kMaxFileBytes);
}

absl::StatusOr<ToolServicesFile> LoadToolServicesFile(const std::string& file_name) {
  absl::StatusOr<std::string> content = ReadToolServicesFile(file_name);
  if (!content.ok()) return content.status();
  absl::StatusOr<std::vector<ToolServiceConfig>> services = ParseToolServices(*content, file_name);
  if (!services.ok()) return services.status();
  return ToolServicesFile{.content = *std::move(content), .services = *std::move(services)};
}

}  // namespace mcp_edge
