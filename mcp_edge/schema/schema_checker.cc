#include "mcp_edge/schema/schema_checker.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

// Steps of one check: a value and a schema that meet, a member looked at, and so on. The largest document that is let
// in takes a quarter of it with a schema of the usual kind.
constexpr size_t kMaxWork = 2'000'000;
// Schemas within each other, on the way from the root to a value. Documents and schemas are 64 deep themselves.
constexpr size_t kMaxDepth = 400;
// What is said at once: enough to mend a call in one go.
constexpr size_t kMaxProblems = 3;
constexpr size_t kMaxMessageBytes = 512;
constexpr size_t kMaxNamesShown = 8;

uint8_t TypesOf(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return kNull;
    case json::value_t::boolean:
      return kBoolean;
    case json::value_t::object:
      return kObject;
    case json::value_t::array:
      return kArray;
    case json::value_t::string:
      return kString;
    case json::value_t::number_float:
      // 1.0 is an integer (Validation, section 6.1.1).
      return value.get<double>() == std::floor(value.get<double>()) ? kNumber | kInteger : kNumber;
    default:
      return kNumber | kInteger;
  }
}

std::string TypeNames(uint8_t types) {
  std::vector<absl::string_view> names;
  if (types & kNull) names.push_back("null");
  if (types & kBoolean) names.push_back("a boolean");
  if (types & kObject) names.push_back("an object");
  if (types & kArray) names.push_back("an array");
  if (types & kNumber) names.push_back("a number");
  if ((types & kInteger) && !(types & kNumber)) names.push_back("an integer");
  if (types & kString) names.push_back("a string");
  return absl::StrJoin(names, " or ");
}

// A number that is no integer is shown, anything else only by its type.
std::string WrongType(uint8_t wanted, const json& value) {
  const uint8_t types = TypesOf(value);
  const bool shown = (types & kNumber) && (wanted & kInteger);
  return absl::StrCat("must be ", TypeNames(wanted), ", not ",
                      shown ? ShortText(value) : TypeNames((types & kNumber) != 0 ? uint8_t{kNumber} : types));
}

size_t CodePoints(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// A number in base ten: digits * 10^exponent, the shortest that reads back as the same number, since that is what
// people mean: 0.0075 is a multiple of 0.0001, although neither double is what it says.
struct Decimal {
  absl::uint128 digits = 0;
  int exponent = 0;
};

Decimal DecimalOf(const json& number) {
  if (number.is_number_unsigned()) return {number.get<uint64_t>(), 0};
  if (number.is_number_integer()) {
    const int64_t value = number.get<int64_t>();
    return {value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value), 0};
  }
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof(text), std::fabs(number.get<double>()), std::chars_format::scientific);
  Decimal decimal;
  const absl::string_view all(text, end.ptr - text);
  const size_t e = all.find('e');
  size_t after_point = 0;
  for (size_t i = 0; i < e; ++i) {
    if (all[i] == '.') continue;
    decimal.digits = decimal.digits * 10 + static_cast<unsigned>(all[i] - '0');
    if (i > 1) ++after_point;
  }
  const absl::string_view exponent = all.substr(e + (all[e + 1] == '+' ? 2 : 1));
  if (absl::SimpleAtoi(exponent, &decimal.exponent)) decimal.exponent -= static_cast<int>(after_point);
  return decimal;
}

// Adds to `work` what it took.
bool IsMultipleOf(const json& number, const json& factor, size_t& work) {
  const Decimal a = DecimalOf(number);
  Decimal b = DecimalOf(factor);
  if (a.digits == 0) return true;
  int shift = a.exponent - b.exponent;
  work += static_cast<size_t>(std::abs(shift)) / 4;
  // At most 17 digits where there is an exponent, at most 20 where there is none: nothing below overflows.
  for (; shift < 0; ++shift) {
    if (b.digits > a.digits) return false;
    b.digits *= 10;
  }
  absl::uint128 remainder = a.digits % b.digits;
  for (; shift > 0 && remainder != 0; --shift) remainder = remainder * 10 % b.digits;
  return remainder == 0;
}

// Which members or elements of one value a schema has looked at (Core, section 11). Counts as work what it does with
// all of them.
class Evaluated {
 public:
  explicit Evaluated(size_t& work) : work_(work) {}

  void Mark(size_t index, size_t size) {
    if (all_) return;
    if (words_.empty()) {
      words_.resize(size / kBits + 1);
      work_ += words_.size();
    }
    words_[index / kBits] |= uint64_t{1} << (index % kBits);
  }
  void MarkAll() { all_ = true; }
  bool has_all() const { return all_; }
  bool has(size_t index) const {
    return all_ || (index / kBits < words_.size() && ((words_[index / kBits] >> (index % kBits)) & 1) != 0);
  }
  void Add(const Evaluated& other) {
    all_ = all_ || other.all_;
    if (all_ || other.words_.empty()) return;
    words_.resize(other.words_.size());
    work_ += words_.size();
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }

 private:
  static constexpr size_t kBits = 64;

  size_t& work_;
  bool all_ = false;
  std::vector<uint64_t> words_;  // none, or for all members or elements
};

// How good an account a problem is of what is wrong, where one of several must do: that a value has another one of some
// constants, or another type, says mostly that another alternative is meant.
enum class ProblemKind : size_t { kValue, kType, kOther, kCount };

struct Problem {
  std::string pointer;
  std::string text;
  size_t rank = 0;
  // The innermost of the problems that it comes from, where there were alternatives.
  std::string cause = {};

  std::string Message() const { return absl::StrCat(pointer, pointer.empty() ? "" : ": ", text); }
};

// Takes as many as are wanted. Counts as work what it does.
class Problems {
 public:
  Problems(size_t limit, size_t& work) : limit_(limit), work_(work) {}

  bool full() const { return list_.size() >= limit_; }

  // `text`: a string, or makes one when it is needed.
  template <typename Text>
  void Add(const JsonPlace& place, Text text, ProblemKind kind = ProblemKind::kOther, std::string cause = {}) {
    if (full()) return;
    size_t depth = 0;
    for (const JsonPlace* at = &place; at->parent != nullptr; at = at->parent) ++depth;
    Problem& problem = list_.emplace_back();
    problem.pointer = place.ToPointer();
    if constexpr (std::is_invocable_v<Text>) {
      problem.text = text();
    } else {
      problem.text = std::move(text);
    }
    problem.rank = static_cast<size_t>(ProblemKind::kCount) * depth + static_cast<size_t>(kind);
    problem.cause = std::move(cause);
    work_ += kWorkOfProblem + depth + (problem.pointer.size() + problem.text.size()) / 32;
  }
  const std::vector<Problem>& list() const { return list_; }

 private:
  static constexpr size_t kWorkOfProblem = 20;

  const size_t limit_;
  size_t& work_;
  std::vector<Problem> list_;
};

class Checker {
 public:
  // Whether `value` is valid, as far as `exhausted` was not reached. `evaluated`, if anybody wants to know: what the
  // schema has looked at, of use when it is valid only. `problems` has something when it is not.
  bool Apply(const SchemaNode& node, const json& value, const JsonPlace& place, Evaluated* evaluated,
             Problems& problems) {
    if (!Spend(1)) return false;
    if (node.accepts_anything) return true;
    if (node.accepts_nothing) {
      problems.Add(place, std::string("is not allowed"));
      return false;
    }
    const Scope scope(*this, node);
    if (depth_ > kMaxDepth) exhausted_ = true;
    if (exhausted_) return false;
    if ((node.types & TypesOf(value)) == 0) {
      problems.Add(
          place, [&] { return WrongType(node.types, value); }, ProblemKind::kType);
      return false;
    }
    Evaluated own(work_);
    Evaluated* const marks = node.keeps_evaluated ? &own : evaluated;
    const bool valid =
        CheckValues(node, value, place, problems) &&
        (node.number == nullptr || !value.is_number() || CheckNumber(*node.number, value, place, problems)) &&
        (node.string == nullptr || !value.is_string() ||
         CheckString(*node.string, value.get_ref<const std::string&>(), place, problems)) &&
        CheckContents(node, value, place, marks, problems) &&
        (!node.keeps_evaluated || CheckUnevaluated(node, value, place, own, problems));
    if (node.keeps_evaluated && evaluated != nullptr) evaluated->Add(own);
    return valid && !exhausted_;
  }

  bool exhausted() const { return exhausted_; }

 private:
  // The schema resources on the way to where the checker is (Core, section 7.1).
  class Scope {
   public:
    Scope(Checker& checker, const SchemaNode& node)
        : checker_(checker), outer_(checker.scope_), resource_(node.resource) {
      ++checker_.depth_;
      if (outer_ == nullptr || outer_->resource_ != resource_) checker_.scope_ = this;
    }
    ~Scope() {
      --checker_.depth_;
      checker_.scope_ = outer_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    const Scope* outer() const { return outer_; }
    const SchemaResource* resource() const { return resource_; }

   private:
    Checker& checker_;
    const Scope* const outer_;
    const SchemaResource* const resource_;
  };

  bool Spend(size_t work) {
    work_ += work;
    if (work_ > kMaxWork) exhausted_ = true;
    return !exhausted_;
  }

  bool CheckValues(const SchemaNode& node, const json& value, const JsonPlace& place, Problems& problems) {
    for (const ValueRules& rules : node.value) {
      const size_t hash = HashOf(value, work_);
      auto candidate = std::lower_bound(rules.values.begin(), rules.values.end(), hash,
                                        [](const auto& row, size_t wanted) { return row.first < wanted; });
      while (candidate != rules.values.end() && candidate->first == hash &&
             !EqualJson(candidate->second, value, work_)) {
        if (!Spend(1)) return false;
        ++candidate;
      }
      if (candidate != rules.values.end() && candidate->first == hash) continue;
      const auto text = [&] {
        const bool shown = !value.is_structured();
        return absl::StrCat("must be ", rules.values.size() == 1 ? "" : "one of ", rules.text, shown ? ", not " : "",
                            shown ? ShortText(value) : "");
      };
      problems.Add(place, text, ProblemKind::kValue);
      return false;
    }
    return true;
  }

  bool CheckNumber(const NumberRules& rules, const json& value, const JsonPlace& place, Problems& problems) {
    const long double number = NumberOf(value);
    const auto fail = [&](absl::string_view rule, const json& limit) {
      problems.Add(place,
                   [&] { return absl::StrCat("must be ", rule, " ", ShortText(limit), ", not ", ShortText(value)); });
      return false;
    };
    if (rules.minimum.has_value() && number < NumberOf(*rules.minimum)) return fail("at least", *rules.minimum);
    if (rules.maximum.has_value() && number > NumberOf(*rules.maximum)) return fail("at most", *rules.maximum);
    if (rules.exclusive_minimum.has_value() && number <= NumberOf(*rules.exclusive_minimum)) {
      return fail("greater than", *rules.exclusive_minimum);
    }
    if (rules.exclusive_maximum.has_value() && number >= NumberOf(*rules.exclusive_maximum)) {
      return fail("less than", *rules.exclusive_maximum);
    }
    if (rules.multiple_of.has_value() && !IsMultipleOf(value, *rules.multiple_of, work_)) {
      return fail("a multiple of", *rules.multiple_of);
    }
    return true;
  }

  bool CheckString(const StringRules& rules, const std::string& text, const JsonPlace& place, Problems& problems) {
    if (!Spend(WorkOfBytes(text.size()))) return false;
    if (rules.min_length > 0 || rules.max_length < SIZE_MAX) {
      const size_t length = CodePoints(text);
      if (length < rules.min_length) {
        problems.Add(place, absl::StrCat("must have at least ", rules.min_length, " characters, not ", length));
        return false;
      }
      if (length > rules.max_length) {
        problems.Add(place, absl::StrCat("must have at most ", rules.max_length, " characters, not ", length));
        return false;
      }
    }
    if (rules.pattern == nullptr || Finds(*rules.pattern, text)) return true;
    problems.Add(place,
                 [&] { return absl::StrCat("must match the regular expression ", ShortText(rules.pattern_text)); });
    return false;
  }

  // Where RE2 has no room for the states of its DFA, it goes through up to all instructions of the pattern for each
  // byte: eight of them and eight bytes are a step, since they take as long as fifty steps of other kinds.
  bool Finds(const Pattern& pattern, const std::string& text) {
    return Spend(1 + (text.size() + 1) * (8 + pattern.size()) / 64) && pattern.Finds(text);
  }

  // All that has schemas in it, but for what the others left.
  bool CheckContents(const SchemaNode& node, const json& value, const JsonPlace& place, Evaluated* evaluated,
                     Problems& problems) {
    bool valid = true;
    if (node.object != nullptr && value.is_object()) {
      valid = CheckObject(*node.object, value.get_ref<const json::object_t&>(), place, evaluated, problems);
    }
    if (node.array != nullptr && value.is_array()) {
      valid = CheckArray(*node.array, value.get_ref<const json::array_t&>(), place, evaluated, problems);
    }
    if (node.in_place == nullptr || (!valid && problems.full())) return valid;
    return CheckInPlace(*node.in_place, value, place, evaluated, problems) && valid;
  }

  // Each of the rules is looked at, until there are enough problems.
  bool CheckObject(const ObjectRules& rules, const json::object_t& object, const JsonPlace& place, Evaluated* evaluated,
                   Problems& problems) {
    bool valid = true;
    const auto fail = [&](const JsonPlace& at, std::string text) {
      problems.Add(at, std::move(text));
      valid = false;
    };
    const auto spend = [this](const std::string& name) { return Spend(1 + WorkOfBytes(name.size())); };
    const auto require = [&](const std::string& name, absl::string_view why) {
      if (object.count(name) == 0) fail({.parent = &place, .key = &name}, absl::StrCat("is required", why));
    };
    for (const std::string& name : rules.required) {
      if (!spend(name)) return false;
      require(name, "");
    }
    for (const auto& [name, names] : rules.dependent_required) {
      if (!spend(name)) return false;
      if (object.count(name) == 0) continue;
      for (const std::string& other : names) {
        if (!spend(other)) return false;
        require(other, absl::StrCat(" beside ", ShortText(name)));
      }
    }
    if (object.size() < rules.min_properties) {
      fail(place, absl::StrCat("must have at least ", rules.min_properties, " properties, not ", object.size()));
    }
    if (object.size() > rules.max_properties) {
      fail(place, absl::StrCat("must have at most ", rules.max_properties, " properties, not ", object.size()));
    }
    const bool each_member = !rules.properties.empty() || !rules.pattern_properties.empty() ||
                             rules.additional_properties != nullptr || rules.property_names != nullptr;
    if (!each_member) return valid;
    size_t index = 0;
    for (const auto& [name, member] : object) {
      if ((!valid && problems.full()) || !spend(name)) return false;
      valid = CheckMember(rules, name, member, {.parent = &place, .key = &name}, {index++, object.size(), evaluated},
                          problems) &&
              valid;
    }
    return valid;
  }

  // Where to note that a member or element has been looked at.
  struct Mark {
    size_t index;
    size_t size;
    Evaluated* evaluated;

    void Set() const {
      if (evaluated != nullptr) evaluated->Mark(index, size);
    }
  };

  bool CheckMember(const ObjectRules& rules, const std::string& name, const json& member, const JsonPlace& place,
                   const Mark& mark, Problems& problems) {
    bool valid = true;
    bool known = false;
    if (rules.property_names != nullptr) {
      Problems of_name(1, work_);
      if (!Apply(*rules.property_names, name, JsonPlace(), nullptr, of_name)) {
        for (const Problem& problem : of_name.list()) problems.Add(place, absl::StrCat("its name ", problem.text));
        valid = false;
      }
    }
    if (const auto property = rules.properties.find(name); property != rules.properties.end()) {
      known = true;
      valid = Apply(*property->second, member, place, nullptr, problems) && valid;
    }
    for (const auto& [pattern, schema] : rules.pattern_properties) {
      if (!Finds(*pattern, name)) continue;
      known = true;
      valid = Apply(*schema, member, place, nullptr, problems) && valid;
    }
    if (!known && rules.additional_properties != nullptr) {
      known = true;
      if (rules.additional_properties->accepts_nothing) {
        problems.Add(place, [&] { return absl::StrCat("is not a known property", KnownProperties(rules)); });
        valid = false;
      } else {
        valid = Apply(*rules.additional_properties, member, place, nullptr, problems) && valid;
      }
    }
    if (known) mark.Set();
    return valid;
  }

  std::string KnownProperties(const ObjectRules& rules) {
    if (rules.properties.empty() || !Spend(rules.properties.size())) return "";
    std::vector<absl::string_view> known;
    for (const auto& [name, schema] : rules.properties) known.push_back(name);
    const size_t shown = std::min(known.size(), kMaxNamesShown);
    const size_t more = known.size() - shown;
    std::partial_sort(known.begin(), known.begin() + static_cast<ptrdiff_t>(shown), known.end());
    std::vector<std::string> names;
    for (size_t i = 0; i < shown; ++i) names.push_back(ShortText(std::string(known[i])));
    return absl::StrCat("; known are ", absl::StrJoin(names, ", "),
                        more > 0 ? absl::StrCat(" and ", more, " more") : "");
  }

  bool CheckArray(const ArrayRules& rules, const json::array_t& array, const JsonPlace& place, Evaluated* evaluated,
                  Problems& problems) {
    bool valid = true;
    const auto fail = [&](std::string text) {
      problems.Add(place, std::move(text));
      valid = false;
    };
    if (array.size() < rules.min_items) {
      fail(absl::StrCat("must have at least ", rules.min_items, " items, not ", array.size()));
    }
    if (array.size() > rules.max_items) {
      fail(absl::StrCat("must have at most ", rules.max_items, " items, not ", array.size()));
    }
    if (rules.unique_items && !CheckUnique(array, place, problems)) valid = false;
    const size_t end = rules.items != nullptr ? array.size() : std::min(rules.prefix_items.size(), array.size());
    for (size_t i = 0; i < end; ++i) {
      if ((!valid && problems.full()) || !Spend(1)) return false;
      const SchemaNode& schema = i < rules.prefix_items.size() ? *rules.prefix_items[i] : *rules.items;
      valid = Apply(schema, array[i], {.parent = &place, .index = i}, nullptr, problems) && valid;
      Mark{i, array.size(), evaluated}.Set();
    }
    if (rules.contains == nullptr) return valid;
    size_t matches = 0;
    for (size_t i = 0; i < array.size(); ++i) {
      Problems ignored(0, work_);
      if (!Spend(1)) return false;
      if (!Apply(*rules.contains, array[i], {.parent = &place, .index = i}, nullptr, ignored)) continue;
      ++matches;
      Mark{i, array.size(), evaluated}.Set();
    }
    if (matches < rules.min_contains) {
      fail(absl::StrCat("must contain at least ", rules.min_contains, " items of a certain kind, not ", matches));
    }
    if (matches > rules.max_contains) {
      fail(absl::StrCat("must contain at most ", rules.max_contains, " items of a certain kind, not ", matches));
    }
    return valid;
  }

  bool CheckUnique(const json::array_t& array, const JsonPlace& place, Problems& problems) {
    std::vector<std::pair<size_t, size_t>> hashes;
    hashes.reserve(array.size());
    for (size_t i = 0; i < array.size(); ++i) {
      hashes.emplace_back(HashOf(array[i], work_), i);
      if (!Spend(1)) return false;
    }
    std::sort(hashes.begin(), hashes.end());
    for (size_t i = 0; i < hashes.size(); ++i) {
      for (size_t j = i + 1; j < hashes.size() && hashes[j].first == hashes[i].first; ++j) {
        if (!Spend(1)) return false;
        if (!EqualJson(array[hashes[i].second], array[hashes[j].second], work_)) continue;
        problems.Add(place, absl::StrCat("must not have equal items, but ", hashes[i].second, " and ", hashes[j].second,
                                         " are"));
        return false;
      }
    }
    return true;
  }

  bool CheckInPlace(const InPlaceRules& rules, const json& value, const JsonPlace& place, Evaluated* evaluated,
                    Problems& problems) {
    bool valid = true;
    const auto apply = [&](const SchemaNode* schema) {
      if (schema == nullptr || (!valid && problems.full())) return;
      valid = Apply(*schema, value, place, evaluated, problems) && valid;
    };
    apply(rules.ref);
    if (rules.dynamic_ref != nullptr) apply(DynamicTarget(rules));
    for (const SchemaNode* const schema : rules.all_of) apply(schema);
    if (value.is_object()) {
      for (const auto& [name, schema] : rules.dependent_schemas) {
        if (!Spend(1 + WorkOfBytes(name.size()))) return false;
        if (value.contains(name)) apply(schema);
      }
    }
    if (rules.if_schema != nullptr) {
      Evaluated marks(work_);
      const bool then = Fits(*rules.if_schema, value, place, evaluated == nullptr ? nullptr : &marks);
      if (then && evaluated != nullptr) evaluated->Add(marks);
      apply(then ? rules.then_schema : rules.else_schema);
    }
    if (!valid && problems.full()) return false;
    if (!rules.any_of.empty()) valid = CheckAnyOf(rules.any_of, value, place, evaluated, problems) && valid;
    if (!rules.one_of.empty()) valid = CheckOneOf(rules.one_of, value, place, evaluated, problems) && valid;
    if (rules.not_allowed != nullptr && Fits(*rules.not_allowed, value, place, nullptr)) {
      problems.Add(place, std::string("fits a schema that it must not fit"));
      valid = false;
    }
    return valid;
  }

  bool Fits(const SchemaNode& schema, const json& value, const JsonPlace& place, Evaluated* evaluated) {
    Problems ignored(0, work_);
    return Apply(schema, value, place, evaluated, ignored);
  }

  // That of the outermost resource which has such an anchor, if the first one is dynamic (Core, section 8.2.3.2).
  const SchemaNode* DynamicTarget(const InPlaceRules& rules) {
    const SchemaNode* target = rules.dynamic_ref;
    if (rules.dynamic_name.empty()) return target;
    for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer()) {
      Spend(1 + WorkOfBytes(rules.dynamic_name.size()));
      const auto anchor = scope->resource()->dynamic_anchors.find(rules.dynamic_name);
      if (anchor != scope->resource()->dynamic_anchors.end()) target = anchor->second;
    }
    return target;
  }

  // What keeps the best of several problems.
  static void KeepBest(const Problems& problems, std::optional<Problem>& best) {
    for (const Problem& problem : problems.list()) {
      if (!best.has_value() || problem.rank > best->rank) best = problem;
    }
  }

  static void ReportNoneFits(const std::vector<const SchemaNode*>& schemas, const json& value, const JsonPlace& place,
                             const std::optional<Problem>& best, Problems& problems) {
    uint8_t types = 0;
    for (const SchemaNode* const schema : schemas) types |= schema->accepts_nothing ? 0 : schema->types;
    if (types != 0 && (types & TypesOf(value)) == 0) {
      return problems.Add(
          place, [&] { return WrongType(types, value); }, ProblemKind::kType);
    }
    std::string text = absl::StrCat("fits none of the ", schemas.size(), " alternatives");
    if (!best.has_value()) return problems.Add(place, std::move(text));
    std::string cause = best->cause.empty() ? best->Message() : best->cause;
    absl::StrAppend(&text, "; of the closest, ", cause);
    problems.Add(place, std::move(text), ProblemKind::kOther, std::move(cause));
  }

  bool CheckAnyOf(const std::vector<const SchemaNode*>& schemas, const json& value, const JsonPlace& place,
                  Evaluated* evaluated, Problems& problems) {
    bool any = false;
    std::optional<Problem> best;
    for (const SchemaNode* const schema : schemas) {
      Evaluated marks(work_);
      Problems of_branch(1, work_);
      if (Apply(*schema, value, place, evaluated == nullptr ? nullptr : &marks, of_branch)) {
        any = true;
        if (evaluated == nullptr) return true;
        evaluated->Add(marks);
      }
      KeepBest(of_branch, best);
    }
    if (!any) ReportNoneFits(schemas, value, place, best, problems);
    return any;
  }

  bool CheckOneOf(const std::vector<const SchemaNode*>& schemas, const json& value, const JsonPlace& place,
                  Evaluated* evaluated, Problems& problems) {
    size_t fits = 0;
    std::optional<Problem> best;
    for (const SchemaNode* const schema : schemas) {
      Evaluated marks(work_);
      Problems of_branch(1, work_);
      if (Apply(*schema, value, place, evaluated == nullptr ? nullptr : &marks, of_branch)) {
        ++fits;
        if (evaluated != nullptr) evaluated->Add(marks);
      }
      KeepBest(of_branch, best);
    }
    if (fits == 0) ReportNoneFits(schemas, value, place, best, problems);
    if (fits > 1) problems.Add(place, absl::StrCat("fits ", fits, " of the alternatives, but must fit only one"));
    return fits == 1;
  }

  bool CheckUnevaluated(const SchemaNode& node, const json& value, const JsonPlace& place, Evaluated& evaluated,
                        Problems& problems) {
    bool valid = true;
    if (evaluated.has_all()) return valid;
    const auto check = [&](const SchemaNode& schema, const json& part, const JsonPlace& at, size_t index) {
      if (!Spend(1)) return false;
      if (evaluated.has(index)) return true;
      valid = Apply(schema, part, at, nullptr, problems) && valid;
      return valid || !problems.full();
    };
    if (value.is_object() && node.object != nullptr && node.object->unevaluated_properties != nullptr) {
      size_t index = 0;
      for (const auto& [name, member] : value.get_ref<const json::object_t&>()) {
        if (!check(*node.object->unevaluated_properties, member, {.parent = &place, .key = &name}, index++))
          return false;
      }
      evaluated.MarkAll();
    }
    if (value.is_array() && node.array != nullptr && node.array->unevaluated_items != nullptr) {
      for (size_t i = 0; i < value.size(); ++i) {
        if (!check(*node.array->unevaluated_items, value[i], {.parent = &place, .index = i}, i)) return false;
      }
      evaluated.MarkAll();
    }
    return valid;
  }

  size_t work_ = 0;
  size_t depth_ = 0;
  bool exhausted_ = false;
  const Scope* scope_ = nullptr;
};

// Cuts `text` to at most kMaxMessageBytes bytes, between characters.
std::string Cut(std::string text) {
  if (text.size() <= kMaxMessageBytes) return text;
  constexpr absl::string_view kEnd = "...";
  size_t end = kMaxMessageBytes - kEnd.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), kEnd);
}

}  // namespace

std::optional<std::string> CheckValue(const SchemaNode& schema, const json& value) {
  Checker checker;
  size_t work_of_problems = 0;
  Problems problems(kMaxProblems, work_of_problems);
  if (checker.Apply(schema, value, JsonPlace(), nullptr, problems)) return std::nullopt;
  if (checker.exhausted()) return "takes too much work to be checked against its schema: make it smaller";
  std::vector<std::string> messages;
  for (const Problem& problem : problems.list()) messages.push_back(problem.Message());
  return Cut(absl::StrJoin(messages, "; "));
}

}  // namespace mcp_edge
