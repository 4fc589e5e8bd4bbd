#include "mcp_edge/catalog/yaml_tree.h"

#include <exception>
#include <sstream>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/mark.h"
#include "yaml-cpp/parser.h"

namespace mcp_edge {
namespace {

// Builds the tree from the parser's events. After the first failure it lets the rest of the file pass by.
class Builder final : public YAML::EventHandler {
 public:
  YamlNode TakeRoot() && { return std::move(root_); }

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
    if (NeedsName()) return Fail(mark, "a name is missing");
    Put(mark, YamlNode::Kind::kNull, "");
  }

  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
    if (IsOver(mark, anchor)) return;
    if (NeedsName()) return TakeName(mark, value);
    Put(mark, YamlNode::Kind::kText, value);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, anchor, YamlNode::Kind::kMapping);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A list or mapping that has not ended.
  struct Frame {
    YamlNode node;
    // Of a mapping: the name of the next value, once it is known, and all names so far.
    bool has_name = false;
    std::string name = {};
    int name_line = 0;
    absl::flat_hash_set<std::string> names = {};
  };

  void Fail(const YAML::Mark& mark, std::string what) {
    if (has_failed()) return;
    failure_line_ = mark.line + 1;
    failure_ = std::move(what);
  }

  // Whether to let this event pass by.
  bool IsOver(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) Fail(mark, "anchors are not allowed");
    if (++nodes_ > kMaxYamlNodes) Fail(mark, absl::StrCat("there may be at most ", kMaxYamlNodes, " values"));
    return has_failed();
  }

  bool NeedsName() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMapping && !open_.back().has_name;
  }

  void TakeName(const YAML::Mark& mark, const std::string& name) {
    Frame& frame = open_.back();
    if (!frame.names.insert(name).second) {
      return Fail(mark, absl::StrCat("the key ", name.substr(0, 80), " is there twice"));
    }
    frame.has_name = true;
    frame.name = name;
    frame.name_line = mark.line + 1;
  }

  void Put(const YAML::Mark& mark, YamlNode::Kind kind, const std::string& text) {
    Put(YamlNode{.kind = kind, .line = mark.line + 1, .text = text});
  }

  void Put(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind == YamlNode::Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else {
      frame.has_name = false;
      frame.node.members.push_back({std::move(frame.name), frame.name_line, std::move(node)});
    }
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (IsOver(mark, anchor)) return;
    if (NeedsName()) return Fail(mark, "a key must be a text");
    if (open_.size() == kMaxYamlDepth) {
      return Fail(mark, absl::StrCat("there may be at most ", kMaxYamlDepth, " levels"));
    }
    open_.push_back({.node = {.kind = kind, .line = mark.line + 1}});
  }

  void Close() {
    if (has_failed()) return;
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Put(std::move(node));
  }

  YamlNode root_;
  std::vector<Frame> open_;
  size_t nodes_ = 0;
  int documents_ = 0;
  int failure_line_ = 0;  // 0: none
  std::string failure_;
};

}  // namespace

const YamlMember* YamlNode::Find(absl::string_view name) const {
  for (const YamlMember& member : members) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

absl::Status YamlError(absl::string_view file_name, int line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(file_name, ":", line, ": ", what));
}

absl::StatusOr<YamlNode> ParseYaml(absl::string_view yaml, absl::string_view file_name) {
  if (!common::IsUtf8(yaml)) return absl::InvalidArgumentError(absl::StrCat(file_name, ": is not UTF-8"));
  Builder builder;
  try {
    std::istringstream stream{std::string(yaml)};
    YAML::Parser parser(stream);
    while (!builder.has_failed() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& exception) {
    if (!builder.has_failed()) return YamlError(file_name, exception.mark.line + 1, exception.msg);
  } catch (const std::exception& exception) {
    return absl::InvalidArgumentError(absl::StrCat(file_name, ": ", exception.what()));
  }
  if (builder.has_failed()) return YamlError(file_name, builder.failure_line(), builder.failure());
  return std::move(builder).TakeRoot();
}

}  // namespace mcp_edge
