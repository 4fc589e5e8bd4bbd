#include "mcp_edge/schema/schema_compiler.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "mcp_edge/schema/uri_reference.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr char kDialect[] = "https://json-schema.org/draft/2020-12/schema";
// The base URI of a schema that has no absolute $id. Nothing is ever fetched, so it only has to be one.
constexpr char kDefaultBase[] = "schema:/";
// Of the URI of a schema, and of all that one schema has: each is kept in full, where a relative $id takes a few bytes.
constexpr size_t kMaxUriBytes = 2 << 10;
constexpr size_t kMaxUriBytesInAll = 256 << 10;
// Values of an enum that are shown to people.
constexpr size_t kMaxValuesShown = 8;

struct TypeName {
  absl::string_view name;
  JsonType type;
};
constexpr TypeName kTypeNames[] = {
    {"null", kNull},     {"boolean", kBoolean}, {"object", kObject},   {"array", kArray},
    {"number", kNumber}, {"string", kString},   {"integer", kInteger},
};

bool IsAnchor(absl::string_view text) {
  return !text.empty() && (absl::ascii_isalpha(text[0]) || text[0] == '_') &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.'; });
}

// The reference tokens of a JSON pointer that begins with "/" (RFC 6901, section 4).
std::vector<std::string> PointerTokens(absl::string_view pointer) {
  std::vector<std::string> tokens;
  for (const absl::string_view token : absl::StrSplit(pointer.substr(1), '/')) {
    tokens.push_back(absl::StrReplaceAll(absl::StrReplaceAll(token, {{"~1", "/"}}), {{"~0", "~"}}));
  }
  return tokens;
}

const json* Step(const json& value, const std::string& token) {
  if (value.is_object()) {
    const auto member = value.find(token);
    return member == value.end() ? nullptr : &*member;
  }
  uint32_t index = 0;
  const bool is_index = value.is_array() && std::all_of(token.begin(), token.end(), absl::ascii_isdigit) &&
                        absl::SimpleAtoi(token, &index) && index < value.size();
  return is_index ? &value[index] : nullptr;
}

class Compiler {
 public:
  explicit Compiler(const SchemaLimits& limits) : limits_(limits) {}

  absl::StatusOr<SchemaGraph> Compile(const json& schema) {
    SchemaResource& resource = AddResource(kDefaultBase, schema);
    by_uri_.emplace(resource.base_uri, &resource);
    graph_.root = Add(schema, &resource, JsonPlace());
    // A reference may lead to a schema under a keyword that nobody knows, which is only compiled then; and that may
    // hold further references.
    while (!references_.empty() && status_.ok()) {
      const Reference reference = std::move(references_.back());
      references_.pop_back();
      Resolve(reference);
    }
    if (status_.ok()) CheckCircles();
    if (!status_.ok()) return status_;
    for (SchemaResource& done : graph_.resources) {
      done.json = nullptr;
      done.base_uri = std::string();
      done.anchors = {};
    }
    return std::move(graph_);
  }

 private:
  struct Reference {
    SchemaNode* node;
    const SchemaResource* resource;
    std::string uri;
    bool dynamic;
  };

  // The first error stays.
  void Fail(const JsonPlace& place, absl::string_view keyword, absl::string_view problem) {
    if (!status_.ok()) return;
    std::string where = place.ToPointer();
    if (!keyword.empty()) absl::StrAppend(&where, "/", keyword);
    if (where.size() > 200) where = absl::StrCat("...", where.substr(where.size() - 197));
    status_ = absl::InvalidArgumentError(absl::StrCat(where, where.empty() ? "" : ": ", problem));
  }

  SchemaResource& AddResource(std::string base_uri, const json& schema) {
    SchemaResource& resource = graph_.resources.emplace_back();
    resource.base_uri = std::move(base_uri);
    resource.json = &schema;
    return resource;
  }

  // --- one schema ----------------------------------------------------------------------------------------------------

  // The node of `schema`, made once. Recursion is as deep as the text, which the reader of the text bounds.
  SchemaNode* Add(const json& schema, SchemaResource* resource, const JsonPlace& place) {
    if (const auto known = nodes_.find(&schema); known != nodes_.end()) return known->second;
    SchemaNode& node = graph_.nodes.emplace_back();
    ++limits_.subschemas_in_all;
    node.resource = resource;
    nodes_.emplace(&schema, &node);
    if (resource->root == nullptr) resource->root = &node;
    if (graph_.nodes.size() > limits_.subschemas) {
      Fail(place, "", absl::StrCat("there may be at most ", limits_.subschemas, " subschemas"));
    }
    if (!status_.ok()) return &node;
    if (schema.is_boolean()) {
      node.accepts_nothing = !schema.get<bool>();
      node.accepts_anything = !node.accepts_nothing;
      return &node;
    }
    if (!schema.is_object()) {
      Fail(place, "", "a schema must be an object or a boolean");
      return &node;
    }
    Keywords keywords(*this, schema, node, place);
    keywords.Take();
    return &node;
  }

  // The keywords of one schema.
  class Keywords {
   public:
    Keywords(Compiler& compiler, const json& schema, SchemaNode& node, const JsonPlace& place)
        : compiler_(compiler), schema_(schema), node_(node), place_(place) {}

    void Take() {
      TakeIdentifiers();
      TakeDefinitions();
      TakeReferences();
      TakeInPlace();
      TakeObject();
      TakeArray();
      TakeNumber();
      TakeString();
      TakeValue();
      node_.accepts_anything = node_.types == kAnyType && node_.value.empty() && node_.in_place == nullptr &&
                               node_.object == nullptr && node_.array == nullptr && node_.number == nullptr &&
                               node_.string == nullptr;
    }

   private:
    const json* Get(const char* keyword) const {
      const auto member = schema_.find(keyword);
      return member == schema_.end() ? nullptr : &*member;
    }

    void Fail(const char* keyword, absl::string_view problem) { compiler_.Fail(place_, keyword, problem); }

    template <typename Rules>
    static Rules& Make(std::unique_ptr<Rules>& rules) {
      if (rules == nullptr) rules = std::make_unique<Rules>();
      return *rules;
    }

    SchemaResource* resource() const { return const_cast<SchemaResource*>(node_.resource); }

    const json* GetString(const char* keyword) {
      const json* const value = Get(keyword);
      if (value == nullptr || value->is_string()) return value;
      Fail(keyword, "must be a string");
      return nullptr;
    }

    const json* GetNumber(const char* keyword) {
      const json* const value = Get(keyword);
      if (value == nullptr || value->is_number()) return value;
      Fail(keyword, "must be a number");
      return nullptr;
    }

    // Whether the keyword is there, and then its value.
    bool GetCount(const char* keyword, size_t& count) {
      const json* const value = Get(keyword);
      if (value == nullptr) return false;
      const long double number = value->is_number() ? NumberOf(*value) : -1;
      if (number < 0 || number != std::floor(number)) {
        Fail(keyword, "must be a non-negative integer");
        return false;
      }
      count = number >= static_cast<long double>(SIZE_MAX) ? SIZE_MAX : static_cast<size_t>(number);
      return true;
    }

    bool GetStrings(const char* keyword, const json& value, std::vector<std::string>& strings) {
      absl::flat_hash_set<std::string> seen;
      if (!value.is_array()) {
        Fail(keyword, "must be an array of strings");
        return false;
      }
      for (const json& element : value) {
        if (!element.is_string() || !seen.insert(element.get<std::string>()).second) {
          Fail(keyword, "must be an array of strings, each of them once");
          return false;
        }
        strings.push_back(element.get<std::string>());
      }
      return true;
    }

    const SchemaNode* GetSchema(const char* keyword) {
      const json* const value = Get(keyword);
      if (value == nullptr) return nullptr;
      const std::string key = keyword;
      return compiler_.Add(*value, resource(), JsonPlace{.parent = &place_, .key = &key});
    }

    // Calls `use` with name and value of each member of a keyword's object. False: there is no such keyword.
    template <typename Use>
    bool ForEachMember(const char* keyword, const Use& use) {
      const json* const value = Get(keyword);
      if (value == nullptr) return false;
      if (!value->is_object()) {
        Fail(keyword, "must be an object");
        return false;
      }
      const std::string key = keyword;
      const JsonPlace place{.parent = &place_, .key = &key};
      for (const auto& [name, member] : value->get_ref<const json::object_t&>()) {
        use(name, member, JsonPlace{.parent = &place, .key = &name});
      }
      return true;
    }

    // Likewise, where the members are schemas.
    template <typename Use>
    bool ForEachSchema(const char* keyword, const Use& use) {
      return ForEachMember(keyword, [&](const std::string& name, const json& member, const JsonPlace& place) {
        use(name, compiler_.Add(member, resource(), place));
      });
    }

    // Whether the keyword is there, and then its schemas.
    bool GetSchemas(const char* keyword, std::vector<const SchemaNode*>& schemas) {
      const json* const value = Get(keyword);
      if (value == nullptr) return false;
      if (!value->is_array() || value->empty()) {
        Fail(keyword, "must be an array of schemas that is not empty");
        return false;
      }
      const std::string key = keyword;
      const JsonPlace place{.parent = &place_, .key = &key};
      for (size_t i = 0; i < value->size(); ++i) {
        schemas.push_back(compiler_.Add((*value)[i], resource(), JsonPlace{.parent = &place, .index = i}));
      }
      return true;
    }

    // Core, sections 8.1 and 8.2.
    void TakeIdentifiers() {
      if (const json* const dialect = GetString("$schema"); dialect != nullptr) {
        const absl::string_view uri = dialect->get_ref<const std::string&>();
        if (absl::StripSuffix(uri, "#") != kDialect) {
          Fail("$schema", absl::StrCat("the dialect ", ShortText(*dialect), " is not supported, only ", kDialect));
        }
      }
      if (const json* const id = GetString("$id"); id != nullptr) {
        if (!FragmentOf(id->get_ref<const std::string&>()).empty()) return Fail("$id", "must not have a fragment");
        TakeId(ResolveUri(node_.resource->base_uri, id->get_ref<const std::string&>()));
      }
      for (const char* const keyword : {"$anchor", "$dynamicAnchor"}) {
        const json* const anchor = GetString(keyword);
        if (anchor == nullptr) continue;
        const auto& name = anchor->get_ref<const std::string&>();
        if (!IsAnchor(name)) return Fail(keyword, "must begin with a letter, then have only [A-Za-z0-9._-]");
        if (keyword[1] == 'd') resource()->dynamic_anchors.emplace(name, &node_);
        const auto [known, is_new] = resource()->anchors.emplace(name, &node_);
        if (!is_new && known->second != &node_) return Fail(keyword, "names an anchor that there is already");
      }
      for (const char* const keyword : {"$comment", "title", "description", "format"}) GetString(keyword);
    }

    // Begins a resource, unless this is the root, which is one already, or "#", which names the one that it is in.
    void TakeId(std::string uri) {
      if (uri == resource()->base_uri) return;
      compiler_.uri_bytes_ += uri.size();
      if (uri.size() > kMaxUriBytes) {
        return Fail("$id", absl::StrCat("may have at most ", kMaxUriBytes, " bytes with its base, has ", uri.size()));
      }
      if (compiler_.uri_bytes_ > kMaxUriBytesInAll) {
        return Fail("$id", absl::StrCat("all of them together may have at most ", kMaxUriBytesInAll,
                                        " bytes with their bases"));
      }
      if (resource()->root != &node_) {
        node_.resource = &compiler_.AddResource(std::move(uri), schema_);
        resource()->root = &node_;
      } else {
        resource()->base_uri = std::move(uri);
      }
      const auto [known, is_new] = compiler_.by_uri_.emplace(resource()->base_uri, resource());
      if (!is_new && known->second != resource()) Fail("$id", "is the $id of another subschema too");
    }

    // Schemas that say nothing here, but may be referred to.
    void TakeDefinitions() {
      const auto ignore = [](const std::string&, const SchemaNode*) {};
      ForEachSchema("$defs", ignore);
      ForEachSchema("definitions", ignore);
      GetSchema("contentSchema");
    }

    void TakeReferences() {
      for (const char* const keyword : {"$ref", "$dynamicRef"}) {
        const json* const reference = GetString(keyword);
        if (reference == nullptr) continue;
        Make(node_.in_place);
        compiler_.references_.push_back({.node = &node_,
                                         .resource = node_.resource,
                                         .uri = reference->get<std::string>(),
                                         .dynamic = keyword[1] == 'd'});
      }
    }

    // Core, section 10.2.
    void TakeInPlace() {
      InPlaceRules rules;
      bool any = GetSchemas("allOf", rules.all_of);
      any = GetSchemas("anyOf", rules.any_of) || any;
      any = GetSchemas("oneOf", rules.one_of) || any;
      rules.not_allowed = GetSchema("not");
      rules.if_schema = GetSchema("if");
      rules.then_schema = GetSchema("then");
      rules.else_schema = GetSchema("else");
      any = any || rules.not_allowed != nullptr || rules.if_schema != nullptr;
      const auto take = [&rules](const std::string& name, const SchemaNode* schema) {
        rules.dependent_schemas.emplace_back(name, schema);
      };
      any = ForEachSchema("dependentSchemas", take) || any;
      // The keyword of older drafts that 2020-12 still describes: schemas here, names below (TakeObject).
      ForEachMember("dependencies", [&](const std::string& name, const json& member, const JsonPlace& place) {
        if (member.is_array()) return;
        any = true;
        take(name, compiler_.Add(member, resource(), place));
      });
      if (any) Make(node_.in_place) = std::move(rules);
    }

    void TakeObject() {
      ObjectRules rules;
      bool any = ForEachSchema("properties", [&rules](const std::string& name, const SchemaNode* schema) {
        rules.properties.emplace(name, schema);
      });
      any = ForEachMember("patternProperties",
                          [&](const std::string& name, const json& member, const JsonPlace& place) {
                            const SchemaNode* const schema = compiler_.Add(member, resource(), place);
                            rules.pattern_properties.emplace_back(GetPattern("patternProperties", name), schema);
                          }) ||
            any;
      rules.additional_properties = GetSchema("additionalProperties");
      rules.property_names = GetSchema("propertyNames");
      rules.unevaluated_properties = GetSchema("unevaluatedProperties");
      if (rules.unevaluated_properties != nullptr) node_.keeps_evaluated = true;
      any = any || rules.additional_properties != nullptr || rules.property_names != nullptr ||
            rules.unevaluated_properties != nullptr;
      if (const json* const required = Get("required"); required != nullptr) {
        any = GetStrings("required", *required, rules.required) || any;
      }
      for (const char* const keyword : {"dependentRequired", "dependencies"}) {
        ForEachMember(keyword, [&](const std::string& name, const json& member, const JsonPlace&) {
          if (keyword == absl::string_view("dependencies") && !member.is_array()) return;
          any = true;
          rules.dependent_required.emplace_back(name, std::vector<std::string>());
          GetStrings(keyword, member, rules.dependent_required.back().second);
        });
      }
      any = GetCount("minProperties", rules.min_properties) || any;
      any = GetCount("maxProperties", rules.max_properties) || any;
      if (any) node_.object = std::make_unique<ObjectRules>(std::move(rules));
    }

    void TakeArray() {
      ArrayRules rules;
      bool any = GetSchemas("prefixItems", rules.prefix_items);
      if (const json* const items = Get("items"); items != nullptr && items->is_array()) {
        Fail("items", "must be a schema: since 2020-12, prefixItems takes an array of them");
      }
      rules.items = GetSchema("items");
      rules.contains = GetSchema("contains");
      rules.unevaluated_items = GetSchema("unevaluatedItems");
      if (rules.unevaluated_items != nullptr) node_.keeps_evaluated = true;
      any = any || rules.items != nullptr || rules.contains != nullptr || rules.unevaluated_items != nullptr;
      GetCount("minContains", rules.min_contains);
      GetCount("maxContains", rules.max_contains);
      any = GetCount("minItems", rules.min_items) || any;
      any = GetCount("maxItems", rules.max_items) || any;
      if (const json* const unique = Get("uniqueItems"); unique != nullptr) {
        if (!unique->is_boolean()) return Fail("uniqueItems", "must be a boolean");
        rules.unique_items = unique->get<bool>();
        any = any || rules.unique_items;
      }
      if (any) node_.array = std::make_unique<ArrayRules>(std::move(rules));
    }

    void TakeNumber() {
      const auto take = [this](const char* keyword, std::optional<json> NumberRules::*rule) {
        if (const json* const number = GetNumber(keyword); number != nullptr) Make(node_.number).*rule = *number;
      };
      take("minimum", &NumberRules::minimum);
      take("maximum", &NumberRules::maximum);
      take("exclusiveMinimum", &NumberRules::exclusive_minimum);
      take("exclusiveMaximum", &NumberRules::exclusive_maximum);
      take("multipleOf", &NumberRules::multiple_of);
      if (const json* const factor = GetNumber("multipleOf"); factor != nullptr && NumberOf(*factor) <= 0) {
        Fail("multipleOf", "must be greater than 0");
      }
    }

    void TakeString() {
      StringRules rules;
      bool any = GetCount("minLength", rules.min_length);
      any = GetCount("maxLength", rules.max_length) || any;
      if (const json* const pattern = GetString("pattern"); pattern != nullptr) {
        rules.pattern = GetPattern("pattern", pattern->get_ref<const std::string&>());
        rules.pattern_text = pattern->get<std::string>();
        any = true;
      }
      if (any) node_.string = std::make_unique<StringRules>(std::move(rules));
    }

    std::shared_ptr<const Pattern> GetPattern(const char* keyword, const std::string& text) {
      absl::StatusOr<std::shared_ptr<const Pattern>> pattern = compiler_.limits_.compile_pattern(text);
      if (pattern.ok()) return *std::move(pattern);
      Fail(keyword, absl::StrCat("the regular expression ", ShortText(text), ": ", pattern.status().message()));
      return nullptr;
    }

    // Validation, section 6.1.
    void TakeValue() {
      if (const json* const type = Get("type"); type != nullptr) {
        node_.types = 0;
        if (type->is_array()) {
          for (const json& name : *type) TakeType(name);
        } else {
          TakeType(*type);
        }
        if (node_.types == 0) Fail("type", "must name at least one type");
      }
      if (const json* const value = Get("const"); value != nullptr) TakeValues("const", value, value + 1);
      if (const json* const values = Get("enum"); values != nullptr) {
        if (!values->is_array()) return Fail("enum", "must be an array");
        const auto& array = values->get_ref<const json::array_t&>();
        TakeValues("enum", array.data(), array.data() + array.size());
      }
    }

    void TakeType(const json& name) {
      const auto* const known = std::find_if(
          std::begin(kTypeNames), std::end(kTypeNames),
          [&name](const TypeName& row) { return name.is_string() && name.get_ref<const std::string&>() == row.name; });
      if (known == std::end(kTypeNames)) return Fail("type", absl::StrCat(ShortText(name), " is not a type"));
      node_.types |= known->type;
    }

    void TakeValues(const char* keyword, const json* begin, const json* end) {
      ValueRules& rules = node_.value.emplace_back();
      for (const json* value = begin; value != end; ++value) {
        if (rules.values.size() < kMaxValuesShown) {
          absl::StrAppend(&rules.text, rules.values.empty() ? "" : ", ", ShortText(*value));
        }
        const size_t hash = HashOf(*value, compiler_.values_);
        if (compiler_.values_ > compiler_.limits_.values) {
          return Fail(keyword, "holds, with the others of its kind, more values than the schema has");
        }
        rules.values.emplace_back(hash, *value);
      }
      if (rules.values.size() > kMaxValuesShown) {
        absl::StrAppend(&rules.text, " or one of ", rules.values.size() - kMaxValuesShown, " others");
      }
      std::stable_sort(rules.values.begin(), rules.values.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
    }

    Compiler& compiler_;
    const json& schema_;
    SchemaNode& node_;
    const JsonPlace& place_;
  };

  // --- references ----------------------------------------------------------------------------------------------------

  void Resolve(const Reference& reference) {
    const std::string uri = ResolveUri(reference.resource->base_uri, reference.uri);
    const std::string fragment = FragmentOf(reference.uri);
    const std::string text = ShortText(reference.uri);
    const auto known = by_uri_.find(uri);
    if (known == by_uri_.end()) {
      return Fail(JsonPlace(), "",
                  absl::StrCat("the reference ", text, " leads out of the schema; nothing is fetched"));
    }
    const SchemaResource& resource = *known->second;
    const SchemaNode* target = nullptr;
    if (fragment.empty()) {
      target = resource.root;
    } else if (fragment[0] == '/') {
      target = FollowPointer(resource, fragment);
    } else if (const auto anchor = resource.anchors.find(fragment); anchor != resource.anchors.end()) {
      target = anchor->second;
    }
    if (target == nullptr) return Fail(JsonPlace(), "", absl::StrCat("the reference ", text, " names nothing"));
    InPlaceRules& rules = *reference.node->in_place;
    if (!reference.dynamic) {
      rules.ref = target;
      return;
    }
    rules.dynamic_ref = target;
    const auto anchor = resource.dynamic_anchors.find(fragment);
    if (anchor != resource.dynamic_anchors.end() && anchor->second == target) rules.dynamic_name = fragment;
  }

  const SchemaNode* FollowPointer(const SchemaResource& resource, absl::string_view pointer) {
    const json* value = resource.json;
    const SchemaResource* innermost = &resource;
    for (const std::string& token : PointerTokens(pointer)) {
      value = Step(*value, token);
      if (value == nullptr) return nullptr;
      if (const auto node = nodes_.find(value); node != nodes_.end()) innermost = node->second->resource;
    }
    return Add(*value, const_cast<SchemaResource*>(innermost), JsonPlace());
  }

  // Refuses a schema that would be held against the same value again and again without end. Where a $dynamicRef leads
  // is only known later; for that the checker has a limit.
  void CheckCircles() {
    enum class State { kOpen, kDone };
    absl::flat_hash_map<const SchemaNode*, State> states;
    struct Visit {
      const SchemaNode* node;
      std::vector<const SchemaNode*> next;
    };
    for (const SchemaNode& start : graph_.nodes) {
      if (!states.emplace(&start, State::kOpen).second) continue;
      std::vector<Visit> path = {{&start, InPlace(start)}};
      while (!path.empty()) {
        if (path.back().next.empty()) {
          states[path.back().node] = State::kDone;
          path.pop_back();
          continue;
        }
        const SchemaNode* const node = path.back().next.back();
        path.back().next.pop_back();
        const auto [state, is_new] = states.emplace(node, State::kOpen);
        if (is_new) {
          path.push_back({node, InPlace(*node)});
        } else if (state->second == State::kOpen) {
          return Fail(JsonPlace(), "", "its references go round in a circle");
        }
      }
    }
  }

  // The schemas that are held against the same value.
  static std::vector<const SchemaNode*> InPlace(const SchemaNode& node) {
    std::vector<const SchemaNode*> nodes;
    if (node.in_place == nullptr) return nodes;
    const InPlaceRules& rules = *node.in_place;
    nodes = {rules.ref, rules.dynamic_ref, rules.not_allowed, rules.if_schema, rules.then_schema, rules.else_schema};
    nodes.insert(nodes.end(), rules.all_of.begin(), rules.all_of.end());
    nodes.insert(nodes.end(), rules.any_of.begin(), rules.any_of.end());
    nodes.insert(nodes.end(), rules.one_of.begin(), rules.one_of.end());
    for (const auto& [name, schema] : rules.dependent_schemas) nodes.push_back(schema);
    nodes.erase(std::remove(nodes.begin(), nodes.end(), nullptr), nodes.end());
    return nodes;
  }

  const SchemaLimits& limits_;
  SchemaGraph graph_;
  absl::flat_hash_map<const json*, SchemaNode*> nodes_;
  absl::flat_hash_map<std::string, SchemaResource*> by_uri_;
  std::vector<Reference> references_;
  size_t uri_bytes_ = 0;
  size_t values_ = 0;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<SchemaGraph> CompileSchema(const json& schema, const SchemaLimits& limits) {
  return Compiler(limits).Compile(schema);
}

}  // namespace mcp_edge
