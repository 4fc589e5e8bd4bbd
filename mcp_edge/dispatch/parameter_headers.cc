#include "mcp_edge/dispatch/parameter_headers.h"

#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "mcp_edge/protocol/header_value.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

RpcError Mismatch(const HeaderParameter& parameter, absl::string_view problem) {
  return {WireErrorKind::kHeaderMismatch, absl::StrCat("Header mismatch: Mcp-Param-", parameter.name, " ", problem),
          ""};
}

// The argument at `path`, or null when there is none or it is the JSON null.
const json* ArgumentAt(const json& arguments, const std::vector<std::string>& path) {
  const json* value = &arguments;
  for (const std::string& name : path) {
    if (!value->is_object()) return nullptr;
    const auto found = value->find(name);
    if (found == value->end() || found->is_null()) return nullptr;
    value = &*found;
  }
  return value;
}

// Digits with an optional sign and fraction: no exponent, no infinity, no hexadecimal.
bool IsDecimal(absl::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const size_t dot = text.find('.');
  const auto digits = [](absl::string_view part) {
    for (const char c : part) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
    }
    return !part.empty();
  };
  if (dot == absl::string_view::npos) return digits(text);
  return digits(text.substr(0, dot)) && digits(text.substr(dot + 1));
}

bool SameNumber(const json& value, absl::string_view text) {
  if (!IsDecimal(text)) return false;
  if (int64_t integer = 0; value.is_number_integer() && absl::SimpleAtoi(text, &integer)) {
    if (value.is_number_unsigned()) return integer >= 0 && value.get<uint64_t>() == static_cast<uint64_t>(integer);
    return value.get<int64_t>() == integer;
  }
  double number = 0;
  return absl::SimpleAtod(text, &number) && value.get<double>() == number;
}

bool Same(const json& value, absl::string_view text) {
  if (value.is_string()) return value.get_ref<const std::string&>() == text;
  if (value.is_boolean()) return text == (value.get<bool>() ? "true" : "false");
  return SameNumber(value, text);
}

std::optional<RpcError> Check(const HeaderField& header, const HeaderParameter& parameter, const json* value) {
  if (value == nullptr) {
    if (header.value.has_value() || header.conflicting) return Mismatch(parameter, "repeats no argument");
    return std::nullopt;
  }
  if (value->is_structured()) return std::nullopt;
  if (header.conflicting) return Mismatch(parameter, "is sent twice with different values");
  if (!header.value.has_value()) return Mismatch(parameter, "is missing");
  const absl::StatusOr<std::string> text = DecodeHeaderValue(*header.value);
  if (!text.ok()) return Mismatch(parameter, text.status().message());
  if (!Same(*value, *text)) return Mismatch(parameter, "differs from the argument");
  return std::nullopt;
}

}  // namespace

std::optional<RpcError> CheckParameterHeaders(const MirrorHeaders& headers,
                                              const std::vector<HeaderParameter>& parameters, const json& arguments) {
  for (const HeaderParameter& parameter : parameters) {
    const HeaderField header = headers.parameter ? headers.parameter(parameter.name) : HeaderField();
    if (auto error = Check(header, parameter, ArgumentAt(arguments, parameter.path)); error.has_value()) return error;
  }
  return std::nullopt;
}

}  // namespace mcp_edge
