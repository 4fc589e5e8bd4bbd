#include "tool_service/sdk/skill.h"

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"
#include "tool_service/sdk/content.h"

namespace tool_service {
namespace {

using Json = nlohmann::ordered_json;  // keeps the order of the keys

constexpr int kMaxDepth = 32;
constexpr char kManifest[] = "SKILL.md";

// The value of a plain scalar (YAML 1.2, section 10.3.2, core schema).
Json PlainScalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  int64_t integer;
  if (absl::SimpleAtoi(text, &integer)) return integer;
  const bool is_number = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || c == 'e' || c == 'E';
  });
  double number;
  if (is_number && absl::SimpleAtod(text, &number)) return number;
  return text;
}

// Nothing: it is too deep, or has keys that are no text.
std::optional<Json> ToJson(const YAML::Node& node, int depth) {
  if (depth > kMaxDepth) return std::nullopt;
  if (node.IsScalar()) return node.Tag() == "!" ? Json(node.Scalar()) : PlainScalar(node.Scalar());
  if (node.IsSequence()) {
    Json array = Json::array();
    for (const YAML::Node& each : node) {
      std::optional<Json> value = ToJson(each, depth + 1);
      if (!value.has_value()) return std::nullopt;
      array.push_back(*std::move(value));
    }
    return array;
  }
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& each : node) {
      std::optional<Json> value = ToJson(each.second, depth + 1);
      if (!each.first.IsScalar() || !value.has_value()) return std::nullopt;
      object[each.first.Scalar()] = *std::move(value);
    }
    return object;
  }
  return Json(nullptr);
}

absl::StatusOr<Json> ReadFrontMatter(absl::string_view text) {
  const absl::Status malformed = absl::InvalidArgumentError(
      "SKILL.md must begin with front matter: a YAML mapping between two lines that are \"---\"");
  if (!absl::ConsumePrefix(&text, "---\n")) return malformed;
  const size_t end = text.find("\n---\n");
  if (end == absl::string_view::npos) return malformed;
  try {  // of yaml-cpp, which has no other form
    const YAML::Node node = YAML::Load(std::string(text.substr(0, end)));
    if (!node.IsMap()) return malformed;
    std::optional<Json> json = ToJson(node, 0);
    if (!json.has_value()) return malformed;
    return *std::move(json);
  } catch (const YAML::Exception& exception) {
    return absl::InvalidArgumentError(absl::StrCat("the front matter of SKILL.md is no YAML: ", exception.what()));
  }
}

std::string Sha256(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

absl::StatusOr<SkillBundle> MakeSkill(absl::string_view directory, const std::vector<SkillSource>& files) {
  SkillBundle bundle;
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("skill \"", directory, "\": ", why));
  };
  for (const SkillSource& file : files) {
    if (file.path.empty() || file.path.front() == '/' || absl::StrContains(absl::StrCat("/", file.path, "/"), "/../")) {
      return refuse(absl::StrCat("\"", file.path, "\" is not below its directory"));
    }
    const std::string uri = absl::StrCat(directory, "/", file.path);
    ResourceContents contents = absl::StartsWith(file.mime_type, "text/")
                                    ? TextContents(uri, file.contents, file.mime_type)
                                    : BinaryContents(uri, file.contents, file.mime_type);
    if (!bundle.contents.emplace(uri, std::move(contents)).second) {
      return refuse(absl::StrCat("there are two files \"", file.path, "\""));
    }
    auto& entry = *bundle.skill.add_files();
    entry.set_uri(uri);
    entry.set_sha256(Sha256(file.contents));
    entry.set_size(static_cast<int64_t>(file.contents.size()));
    entry.set_mime_type(file.mime_type);
    if (file.path != kManifest) continue;
    const absl::StatusOr<Json> front_matter = ReadFrontMatter(file.contents);
    if (!front_matter.ok()) return refuse(front_matter.status().message());
    bundle.skill.set_uri(uri);
    bundle.skill.set_frontmatter_json(front_matter->dump(-1, ' ', false, Json::error_handler_t::replace));
    bundle.manifest.set_uri(uri);
    bundle.manifest.set_name(TextOf(*front_matter, "name"));
    bundle.manifest.set_description(TextOf(*front_matter, "description"));
    bundle.manifest.set_mime_type(file.mime_type);
    bundle.manifest.set_size(static_cast<int64_t>(file.contents.size()));
  }
  if (bundle.skill.uri().empty()) return refuse("there is no SKILL.md among its files");
  return bundle;
}

}  // namespace tool_service
