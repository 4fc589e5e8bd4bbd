#include "mcp_edge/catalog/tool_services_file.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/grpc_security.h"
#include "common/read_file.h"
#include "mcp_edge/catalog/yaml_tree.h"
#include "mcp_edge/tools/grpc_channel.h"

namespace mcp_edge {
namespace {

using Kind = YamlNode::Kind;

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr size_t kMaxServices = 1000;

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", text.substr(0, 80), "\""); }

// Interprets the tree. After the first failure nothing that it returns is of use.
class Reader {
 public:
  explicit Reader(absl::string_view file_name) : file_name_(file_name) {}

  const absl::Status& status() const { return status_; }

  void ReadFile(const YamlNode& root, ToolServicesFile& file) {
    if (root.kind == Kind::kText) return Fail(root.line, "needs the key tool_services, a list; got a text");
    if (root.kind == Kind::kList) return Fail(root.line, "a list is not allowed here");
    for (const YamlMember& member : root.members) {
      if (member.name == "tool_services") {
        for (const YamlNode& item : Items(member.value, member.name)) ReadService(item, file.services);
      } else if (member.name == "implied_scopes") {
        ReadHierarchy(member, file.implied_scopes);
      } else {
        Fail(member.line,
             absl::StrCat("unknown key ", Quoted(member.name), "; there are tool_services and implied_scopes"));
      }
    }
    if (root.Find("tool_services") == nullptr) Fail(root.line, "needs the key tool_services, a list");
  }

 private:
  void Fail(int line, absl::string_view what) { status_.Update(YamlError(file_name_, line, what)); }

  // What a list holds; nothing after the key is an empty list.
  const std::vector<YamlNode>& Items(const YamlNode& node, absl::string_view key) {
    if (node.kind == Kind::kText) {
      Fail(node.line, absl::StrCat(key, " needs a list, got the text ", Quoted(node.text)));
    } else if (node.kind == Kind::kMapping) {
      Fail(node.line, "a mapping is not allowed here");
    }
    return node.items;
  }

  const std::vector<YamlMember>& Members(const YamlNode& node, absl::string_view what) {
    if (node.kind == Kind::kText) {
      Fail(node.line, absl::StrCat(what, ", got the text ", Quoted(node.text)));
    } else if (node.kind == Kind::kList) {
      Fail(node.line, "a list is not allowed here");
    } else if (node.kind == Kind::kNull) {
      Fail(node.line, absl::StrCat(what, ", got nothing"));
    }
    return node.members;
  }

  std::string Text(const YamlMember& member) {
    switch (member.value.kind) {
      case Kind::kText:
        return member.value.text;
      case Kind::kNull:
        Fail(member.value.line, absl::StrCat(member.name, " needs a text, got nothing"));
        break;
      case Kind::kList:
        Fail(member.value.line, "a list is not allowed here");
        break;
      case Kind::kMapping:
        Fail(member.value.line, "a mapping is not allowed here");
        break;
    }
    return "";
  }

  void ReadService(const YamlNode& node, std::vector<ToolServiceConfig>& services) {
    const std::vector<YamlMember>& members = Members(node, "a tool service needs name and target");
    ToolServiceConfig service;
    std::map<std::string, int> lines;
    for (const YamlMember& member : members) {
      lines[member.name] = member.value.line;
      if (member.name == "name") {
        service.name = Text(member);
      } else if (member.name == "target") {
        service.target = Text(member);
      } else if (member.name == "prefix") {
        service.prefix = Text(member);
      } else if (member.name == "required_scopes") {
        ReadRequiredScopes(member.value, service.required_scopes);
      } else {
        Fail(member.line, absl::StrCat("unknown key ", Quoted(member.name),
                                       " of a tool service; there are name, target, prefix and required_scopes"));
      }
    }
    for (const char* key : {"name", "target"}) {
      if (lines.count(key) == 0) Fail(node.line, absl::StrCat("the tool service has no ", key));
    }
    if (!status_.ok()) return;
    const std::string& name = service.name;
    if (name.empty() || name.size() > 63 || !std::all_of(name.begin(), name.end(), [](char c) {
          return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
        })) {
      Fail(lines["name"], absl::StrCat("name needs 1 to 63 characters of [a-z0-9-], got ", Quoted(name)));
    }
    if (const auto [first, inserted] = names_.emplace(name, lines["name"]); !inserted) {
      Fail(lines["name"], absl::StrCat("name \"", name, "\" is taken by that of line ", first->second));
    }
    if (const absl::Status status = CheckTarget(service.target); !status.ok()) {
      Fail(lines["target"], absl::StrCat("target ", status.message()));
    }
    const std::string& prefix = service.prefix;
    if (prefix.size() > 32 || !std::all_of(prefix.begin(), prefix.end(), [](char c) {
          return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
        })) {
      Fail(lines["prefix"], absl::StrCat("prefix needs up to 32 characters of [A-Za-z0-9_.-], got ", Quoted(prefix)));
    }
    if (services.size() == kMaxServices) {
      Fail(node.line, absl::StrCat("there may be at most ", kMaxServices, " tool services"));
    }
    if (status_.ok()) services.push_back(std::move(service));
  }

  void ReadRequiredScopes(const YamlNode& node, RequiredScopes& required) {
    const YamlNode* for_all = nullptr;
    for (const YamlMember& member : Members(node, "required_scopes needs tools, prompts, resources or \"*\"")) {
      if (member.name == "*") {
        for_all = &member.value;
        continue;
      }
      ScopeOverrides* const kind = member.name == "tools"       ? &required.tools
                                   : member.name == "prompts"   ? &required.prompts
                                   : member.name == "resources" ? &required.resources
                                                                : nullptr;
      if (kind == nullptr) {
        return Fail(member.line, absl::StrCat("unknown key ", Quoted(member.name),
                                              " of required_scopes; there are tools, prompts, resources and \"*\""));
      }
      for (const YamlMember& entry : Members(member.value, absl::StrCat(member.name, " needs names"))) {
        (*kind)[entry.name] = ReadSets(entry.value, entry.name);
      }
    }
    if (for_all == nullptr) return;
    const std::vector<ScopeSet> sets = ReadSets(*for_all, "*");
    for (ScopeOverrides* const kind : {&required.tools, &required.prompts, &required.resources}) {
      kind->emplace("*", sets);
    }
  }

  std::vector<ScopeSet> ReadSets(const YamlNode& node, absl::string_view name) {
    std::vector<ScopeSet> sets;
    if (node.kind == Kind::kNull) {
      Fail(node.line, absl::StrCat(Quoted(name), " needs a list of sets; [] asks for no scope"));
      return sets;
    }
    for (const YamlNode& item : Items(node, Quoted(name))) {
      if (item.kind != Kind::kList) {
        Fail(item.line, absl::StrCat("the sets of ", Quoted(name),
                                     " are lists, any of which is enough: write [[first, with, these], [or, these]]"));
        return sets;
      }
      if (item.items.empty()) Fail(item.line, "a set of scopes is empty, so that it would ask for nothing");
      sets.push_back(ReadScopes(item));
    }
    if (sets.size() > static_cast<size_t>(kMaxScopeSets)) {
      Fail(node.line, absl::StrCat("there may be at most ", kMaxScopeSets, " scope sets"));
    }
    return sets;
  }

  ScopeSet ReadScopes(const YamlNode& list) {
    ScopeSet scopes;
    for (const YamlNode& item : list.items) {
      if (item.kind != Kind::kText || !IsScopeToken(item.text)) {
        Fail(item.line, absl::StrCat(Quoted(item.text),
                                     " is no scope: those are 1 to 256 printable characters without "
                                     "spaces, quotes and backslashes"));
      }
      scopes.push_back(item.text);
    }
    if (scopes.size() > static_cast<size_t>(kMaxScopesInSet)) {
      Fail(list.line, absl::StrCat("a set may have at most ", kMaxScopesInSet, " scopes"));
    }
    return scopes;
  }

  void ReadHierarchy(const YamlMember& member, ScopeHierarchy& hierarchy) {
    if (member.value.kind == Kind::kNull) return;
    std::map<std::string, std::vector<std::string>> implied;
    for (const YamlMember& entry : Members(member.value, "implied_scopes needs scopes")) {
      if (!IsScopeToken(entry.name)) Fail(entry.line, absl::StrCat(Quoted(entry.name), " is no scope"));
      std::vector<std::string>& scopes = implied[entry.name];
      for (const YamlNode& item : Items(entry.value, entry.name)) {
        if (item.kind != Kind::kText || !IsScopeToken(item.text)) {
          Fail(item.line, absl::StrCat(Quoted(item.text), " is no scope"));
        }
        scopes.push_back(item.text);
      }
    }
    absl::StatusOr<ScopeHierarchy> created = ScopeHierarchy::Create(implied);
    if (created.ok()) {
      hierarchy = *std::move(created);
    } else {
      Fail(member.line, absl::StrCat("implied_scopes: ", created.status().message()));
    }
  }

  const absl::string_view file_name_;
  absl::Status status_;
  std::map<std::string, int> names_;  // of services, and the line of each
};

}  // namespace

absl::StatusOr<ToolServicesFile> ParseToolServices(absl::string_view yaml, absl::string_view file_name) {
  if (yaml.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_name, ": may have at most ", kMaxFileBytes, " bytes, got ", yaml.size()));
  }
  const absl::StatusOr<YamlNode> root = ParseYaml(yaml, file_name);
  if (!root.ok()) return root.status();
  ToolServicesFile file;
  Reader reader(file_name);
  reader.ReadFile(*root, file);
  if (!reader.status().ok()) return reader.status();
  file.content = std::string(yaml);
  return file;
}

absl::Status CheckTargets(const std::vector<ToolServiceConfig>& services, const common::GrpcSecurity& security) {
  for (const ToolServiceConfig& service : services) {
    if (const absl::Status status = security.CheckTarget(service.target); !status.ok()) {
      return absl::Status(status.code(), absl::StrCat("tool service ", service.name, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadToolServicesFile(const std::string& file_name) {
  return common::ReadFile("the tool services file", file_name, kMaxFileBytes);
}

absl::StatusOr<ToolServicesFile> LoadToolServicesFile(const std::string& file_name) {
  const absl::StatusOr<std::string> content = ReadToolServicesFile(file_name);
  if (!content.ok()) return content.status();
  return ParseToolServices(*content, file_name);
}

}  // namespace mcp_edge
