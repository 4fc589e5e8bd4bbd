// What a user filled in, against the schema of the question.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_FORM_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_FORM_H_

#include "nlohmann/json.hpp"

namespace tool_service {

// Whether `content` fits `schema`, of which only what a form can have counts (MCP, client/elicitation): a flat object
// of strings, numbers, booleans, and choices of one or several; `required` and `additionalProperties`. Other keywords
// are not looked at, formats included. Malformed schemas let everything pass that they do not speak of.
bool FitsForm(const nlohmann::json& schema, const nlohmann::json& content);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_FORM_H_
