#include "mcp_edge/schema/schema_node.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace mcp_edge {

using nlohmann::json;

std::string JsonPlace::ToPointer() const {
  std::vector<const JsonPlace*> places;
  for (const JsonPlace* place = this; place->parent != nullptr; place = place->parent) places.push_back(place);
  std::string pointer;
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    if ((*place)->key != nullptr) {
      absl::StrAppend(&pointer, "/", absl::StrReplaceAll(*(*place)->key, {{"~", "~0"}, {"/", "~1"}}));
    } else {
      absl::StrAppend(&pointer, "/", (*place)->index);
    }
  }
  return pointer;
}

long double NumberOf(const json& number) {
  if (number.is_number_unsigned()) return static_cast<long double>(number.get<uint64_t>());
  if (number.is_number_integer()) return static_cast<long double>(number.get<int64_t>());
  return static_cast<long double>(number.get<double>());
}

bool EqualJson(const json& a, const json& b, size_t& work) {
  ++work;
  if (a.is_number() && b.is_number()) return NumberOf(a) == NumberOf(b);
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_array()) {
    return std::equal(a.begin(), a.end(), b.begin(),
                      [&work](const json& x, const json& y) { return EqualJson(x, y, work); });
  }
  if (a.is_object()) {
    return std::equal(a.items().begin(), a.items().end(), b.items().begin(), [&work](const auto& x, const auto& y) {
      work += WorkOfBytes(x.key().size());
      return x.key() == y.key() && EqualJson(x.value(), y.value(), work);
    });
  }
  if (a.is_string()) work += WorkOfBytes(a.get_ref<const std::string&>().size());
  return a == b;
}

size_t HashOf(const json& value, size_t& work) {
  ++work;
  size_t hash = 0;
  if (value.is_number()) {
    hash = absl::HashOf('n', static_cast<double>(NumberOf(value)));
  } else if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    work += WorkOfBytes(text.size());
    hash = absl::HashOf('s', text);
  } else if (value.is_array()) {
    hash = absl::HashOf('a');
    for (const json& element : value) hash = absl::HashOf(hash, HashOf(element, work));
  } else if (value.is_object()) {
    hash = absl::HashOf('o');
    for (const auto& [key, member] : value.get_ref<const json::object_t&>()) {
      work += WorkOfBytes(key.size());
      hash = absl::HashOf(hash, key, HashOf(member, work));
    }
  } else {
    hash = absl::HashOf('l', value.is_boolean(), value.is_boolean() && value.get<bool>());
  }
  return hash;
}

std::string ShortText(const json& value) {
  constexpr size_t kMaxBytes = 48;
  if (value.is_array()) return absl::StrCat("an array of ", value.size());
  if (value.is_object()) return absl::StrCat("an object of ", value.size());
  if (value.is_string() && value.get_ref<const std::string&>().size() > kMaxBytes) {
    std::string cut = value.get_ref<const std::string&>().substr(0, kMaxBytes);
    return absl::StrCat(json(std::move(cut)).dump(-1, ' ', false, json::error_handler_t::ignore), "...");
  }
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace mcp_edge
