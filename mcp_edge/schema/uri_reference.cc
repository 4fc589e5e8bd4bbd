#include "mcp_edge/schema/uri_reference.h"

#include <cstddef>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

struct Parts {
  std::optional<absl::string_view> scheme;
  std::optional<absl::string_view> authority;
  absl::string_view path;
  std::optional<absl::string_view> query;
};

// RFC 3986, appendix B, without the fragment.
Parts Split(absl::string_view uri) {
  Parts parts;
  uri = uri.substr(0, uri.find('#'));
  if (const size_t question = uri.find('?'); question != absl::string_view::npos) {
    parts.query = uri.substr(question + 1);
    uri = uri.substr(0, question);
  }
  const size_t end = uri.find_first_of(":/");
  if (end != absl::string_view::npos && end > 0 && uri[end] == ':') {
    parts.scheme = uri.substr(0, end);
    uri.remove_prefix(end + 1);
  }
  if (absl::StartsWith(uri, "//")) {
    const size_t slash = uri.find('/', 2);
    parts.authority = uri.substr(2, slash == absl::string_view::npos ? slash : slash - 2);
    uri = slash == absl::string_view::npos ? absl::string_view() : uri.substr(slash);
  }
  parts.path = uri;
  return parts;
}

// Section 5.2.4.
std::string RemoveDotSegments(absl::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t end = path.find('/', 1);
    const absl::string_view segment = path.substr(0, end);
    const bool last = end == absl::string_view::npos;
    path = last ? absl::string_view() : path.substr(end);
    if (segment == "/.." || segment == "..") {
      out.resize(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
      if (last && segment[0] == '/') out += '/';
    } else if (segment == "/." || segment == ".") {
      if (last && segment[0] == '/') out += '/';
    } else {
      absl::StrAppend(&out, segment);
    }
  }
  return out;
}

// Section 5.2.3.
std::string Merge(const Parts& base, absl::string_view path) {
  if (base.authority.has_value() && base.path.empty()) return absl::StrCat("/", path);
  const size_t slash = base.path.rfind('/');
  return absl::StrCat(base.path.substr(0, slash == absl::string_view::npos ? 0 : slash + 1), path);
}

}  // namespace

std::string ResolveUri(absl::string_view base, absl::string_view reference) {
  const Parts from = Split(base);
  Parts to = Split(reference);
  std::string path;
  if (to.scheme.has_value() || to.authority.has_value() || absl::StartsWith(to.path, "/")) {
    path = RemoveDotSegments(to.path);
  } else if (!to.path.empty()) {
    path = RemoveDotSegments(Merge(from, to.path));
  } else {
    path = std::string(from.path);
    if (!to.query.has_value()) to.query = from.query;
  }
  if (!to.scheme.has_value()) {
    if (!to.authority.has_value()) to.authority = from.authority;
    to.scheme = from.scheme;
  }
  return absl::StrCat(to.scheme.value_or(""), to.scheme.has_value() ? ":" : "", to.authority.has_value() ? "//" : "",
                      to.authority.value_or(""), path, to.query.has_value() ? "?" : "", to.query.value_or(""));
}

std::string FragmentOf(absl::string_view reference) {
  const size_t hash = reference.find('#');
  if (hash == absl::string_view::npos) return "";
  std::string fragment;
  for (size_t i = hash + 1; i < reference.size(); ++i) {
    const bool encoded = reference[i] == '%' && i + 2 < reference.size() && absl::ascii_isxdigit(reference[i + 1]) &&
                         absl::ascii_isxdigit(reference[i + 2]);
    if (encoded) {
      fragment += absl::HexStringToBytes(reference.substr(i + 1, 2));
      i += 2;
    } else {
      fragment += reference[i];
    }
  }
  return fragment;
}

}  // namespace mcp_edge
