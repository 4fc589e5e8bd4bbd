#include "mcp_edge/dispatch/dispatcher.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/dispatch/answers.h"
#include "mcp_edge/dispatch/audited_exchange.h"
#include "mcp_edge/dispatch/completion_operation.h"
#include "mcp_edge/dispatch/list_exchange.h"
#include "mcp_edge/dispatch/parameter_headers.h"
#include "mcp_edge/dispatch/prompt_operation.h"
#include "mcp_edge/dispatch/resource_operation.h"
#include "mcp_edge/dispatch/round_input.h"
#include "mcp_edge/dispatch/tool_operation.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/log_level.h"
#include "mcp_edge/protocol/rpc_errors.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;
using nlohmann::json;

// Longer names are nobody's honest wish, and cut in the audit log.
constexpr size_t kMaxAuditedName = 512;

std::unique_ptr<Exchange> Refuse(const Message& message, const RpcError& error) {
  return AnswerWith(ErrorStep(message.id_json, error));
}

std::unique_ptr<Exchange> Answer(const Message& message, absl::string_view result_json) {
  return AnswerWith(ResultStep(message.id_json, result_json));
}

std::unique_ptr<Exchange> AnswerEither(const Message& message, const std::variant<std::string, RpcError>& answer) {
  if (const auto* const error = std::get_if<RpcError>(&answer); error != nullptr) return Refuse(message, *error);
  return Answer(message, std::get<std::string>(answer));
}

// The member `name` of an object if it is a string; null otherwise.
const std::string* FindString(const json& object, absl::string_view name) {
  const json* const value = FindMember(object, name);
  return value != nullptr && value->is_string() ? &value->get_ref<const std::string&>() : nullptr;
}

// What a request asks for, for the audit log: the string member `name`, or the prompt or template that `ref` names.
absl::string_view AuditedName(const json& params, absl::string_view name) {
  const json* object = &params;
  if (name == "ref") {
    object = FindMember(params, name);
    if (object == nullptr) return {};
    const std::string* const type = FindString(*object, "type");
    name = type != nullptr && *type == "ref/prompt" ? "name" : "uri";
  }
  const std::string* const found = FindString(*object, name);
  return found == nullptr ? absl::string_view() : absl::string_view(*found).substr(0, kMaxAuditedName);
}

// The arguments as they were sent; empty: there are none.
absl::string_view SentArguments(const Message& message) {
  if (FindMember(message.params, "arguments") == nullptr) return {};
  return RawMember(message.params_text, "arguments");
}

// A name that a client sent, in an error for it.
absl::string_view Excerpt(const std::string& name) { return absl::string_view(name).substr(0, 128); }

// Reads an object of strings. False: it is none.
bool ReadStrings(const json* object, google::protobuf::Map<std::string, std::string>& strings) {
  if (object == nullptr) return true;
  if (!object->is_object()) return false;
  for (const auto& [name, value] : object->items()) {
    if (!value.is_string()) return false;
    strings[name] = value.get_ref<const std::string&>();
  }
  return true;
}

// The refusal of a request that lacks scopes.
Step ShortageStep(const Message& message, std::shared_ptr<const ScopeShortage> shortage) {
  Step step = ErrorStep(message.id_json, {WireErrorKind::kInsufficientScope, std::string(ShortageText(*shortage)), ""});
  step.shortage = std::move(shortage);
  return step;
}

// What the request says for its exchange, and of the round: why it cannot be run, or nothing.
std::optional<RpcError> ReadTerms(const Message& message, const RequestContext& context, ExchangeTerms& terms,
                                  RoundInput& input) {
  terms.id_json = message.id_json;
  if (context.can_stream) terms.progress_token = ProgressToken(message);
  if (!FeaturesOf(context.version).modern) return std::nullopt;
  const absl::StatusOr<tool::LogLevel> level = RequestedLogLevel(message);
  if (!level.ok()) return InvalidParamsError(level.status().message());
  terms.log_level = *level;
  if (auto error = ReadRoundInput(message, input); error.has_value()) return error;
  terms.responses = std::move(input.responses);
  return std::nullopt;
}

// What a tool service is told of the log level.
tool::LogLevel LeastLogLevel(const RequestContext& context, const ExchangeTerms& terms) {
  if (context.session == nullptr) return terms.log_level;
  return context.can_stream ? context.session->log_level() : tool::LOG_LEVEL_UNSPECIFIED;
}

}  // namespace

struct Dispatcher::Method {
  enum class Era { kBoth, kLegacy, kModern };
  enum class Offer { kAlways, kTasks, kSkills };

  absl::string_view name;
  Era era;
  Offer offer;
  Handler handler;
  // Of an audited method: the parameter that names what is asked for.
  const char* audited_name = nullptr;
};

// The hot one first. `initialize` and `subscriptions/listen` belong to the transport.
constexpr Dispatcher::Method Dispatcher::kMethods[] = {
    {"tools/call", Method::Era::kBoth, Method::Offer::kAlways, &Dispatcher::CallTool, "name"},
    {"tools/list", Method::Era::kBoth, Method::Offer::kAlways, &Dispatcher::ListTools},
    {"resources/list", Method::Era::kBoth, Method::Offer::kAlways, &Dispatcher::ListResources},
    {"resources/templates/list", Method::Era::kBoth, Method::Offer::kAlways, &Dispatcher::ListResourceTemplates},
    {"prompts/list", Method::Era::kBoth, Method::Offer::kAlways, &Dispatcher::ListPrompts},
    {"resources/read", Method::Era::kBoth, Method::Offer::kAlways, &Dispatcher::ReadResource, "uri"},
    {"prompts/get", Method::Era::kBoth, Method::Offer::kAlways, &Dispatcher::GetPrompt, "name"},
    {"completion/complete", Method::Era::kBoth, Method::Offer::kAlways, &Dispatcher::Complete, "ref"},
    {"ping", Method::Era::kLegacy, Method::Offer::kAlways, &Dispatcher::Ping},
    {"logging/setLevel", Method::Era::kLegacy, Method::Offer::kAlways, &Dispatcher::SetLogLevel},
    {"resources/subscribe", Method::Era::kLegacy, Method::Offer::kAlways, &Dispatcher::Subscribe, "uri"},
    {"resources/unsubscribe", Method::Era::kLegacy, Method::Offer::kAlways, &Dispatcher::Unsubscribe},
    {"server/discover", Method::Era::kModern, Method::Offer::kAlways, &Dispatcher::Discover},
    {"tasks/get", Method::Era::kModern, Method::Offer::kTasks, &Dispatcher::GetTask, "taskId"},
    {"tasks/update", Method::Era::kModern, Method::Offer::kTasks, &Dispatcher::UpdateTask, "taskId"},
    {"tasks/cancel", Method::Era::kModern, Method::Offer::kTasks, &Dispatcher::CancelTask, "taskId"},
    {"skills/list", Method::Era::kModern, Method::Offer::kSkills, &Dispatcher::ListSkills},
    {"skills/get", Method::Era::kModern, Method::Offer::kSkills, &Dispatcher::GetSkill, "uri"},
    {"resources/directory/read", Method::Era::kModern, Method::Offer::kSkills, &Dispatcher::ReadDirectory, "uri"},
};

Dispatcher::Dispatcher(const DispatcherOptions& options, const Catalog& catalog, const Sealer& sealer,
                       const common::Clock& clock, EdgeMetrics& metrics, Tasks* tasks, Skills* skills, AuditLog* audit)
    : options_(options),
      catalog_(catalog),
      sealer_(sealer),
      clock_(clock),
      metrics_(metrics),
      tasks_(tasks),
      skills_(skills),
      audit_(audit),
      lists_(sealer, clock) {}

std::unique_ptr<Exchange> Dispatcher::Start(const Message& message, const RequestContext& context,
                                            const MirrorHeaders* headers) {
  std::string scopes_asked;
  const Request request = {message, context, headers, catalog_.Current(), audit_ == nullptr ? nullptr : &scopes_asked};
  const auto method = std::find_if(std::begin(kMethods), std::end(kMethods),
                                   [&](const Method& candidate) { return candidate.name == message.method; });
  const bool known = method != std::end(kMethods) &&
                     method->era != (request.modern() ? Method::Era::kLegacy : Method::Era::kModern) &&
                     (method->offer != Method::Offer::kTasks || tasks_ != nullptr) &&
                     (method->offer != Method::Offer::kSkills || skills_ != nullptr);
  if (!known) return Refuse(message, {WireErrorKind::kMethodNotFound, "Method not found", ""});
  if (request.modern() && headers != nullptr) {
    if (const auto error = CheckMirroredName(*headers, message); error.has_value()) return Refuse(message, *error);
  }
  if (audit_ == nullptr || method->audited_name == nullptr) return (this->*method->handler)(request);
  const absl::Time begin_time = clock_.Now();
  std::unique_ptr<Exchange> exchange = (this->*method->handler)(request);
  AuditTrail trail = {.principal = context.principal,
                      .method = std::string(method->name),
                      .name = std::string(AuditedName(message.params, method->audited_name)),
                      .arguments = std::string(audit_->CutArguments(SentArguments(message))),
                      .scopes_asked = std::move(scopes_asked),
                      .request_id = context.request_id,
                      .begin_time = begin_time};
  return Audited(std::move(exchange), std::move(trail), *audit_, clock_);
}

std::shared_ptr<const ScopeShortage> Dispatcher::FindShortage(absl::Span<const Message> messages,
                                                              const Principal& principal,
                                                              absl::string_view request_id) const {
  const std::shared_ptr<const CatalogSnapshot> snapshot = catalog_.Current();
  ScopeRequirements all;
  for (const Message& message : messages) {
    if (message.kind != Message::Kind::kRequest) continue;
    const ScopeRequirements requirements = RequirementsOf(message, *snapshot);
    all.insert(all.end(), requirements.begin(), requirements.end());
    if (audit_ == nullptr || requirements.empty()) continue;
    const auto shortage = mcp_edge::FindShortage(principal, requirements, snapshot->scope_hierarchy());
    if (shortage == nullptr) continue;
    const auto method = std::find_if(std::begin(kMethods), std::end(kMethods),
                                     [&](const Method& candidate) { return candidate.name == message.method; });
    const bool is_named = method != std::end(kMethods) && method->audited_name != nullptr;
    audit_->Record({.principal = &principal,
                    .method = message.method,
                    .name = is_named ? AuditedName(message.params, method->audited_name) : "",
                    .arguments = SentArguments(message),
                    .scopes_asked = RequirementsText(requirements),
                    .outcome = Decision::Outcome::kChallenged,
                    .reason = ShortageReason(*shortage),
                    .request_id = request_id});
  }
  return mcp_edge::FindShortage(principal, all, snapshot->scope_hierarchy());
}

std::unique_ptr<Exchange> Dispatcher::CheckScopes(const Request& request, const std::vector<ScopeSet>& sets) const {
  if (sets.empty()) return nullptr;
  return CheckScopes(request, ScopeRequirements{&sets});
}

std::unique_ptr<Exchange> Dispatcher::CheckScopes(const Request& request, const ScopeRequirements& requirements) const {
  if (request.scopes_asked != nullptr) *request.scopes_asked = RequirementsText(requirements);
  auto shortage = mcp_edge::FindShortage(*request.context.principal, requirements, request.snapshot->scope_hierarchy());
  if (shortage == nullptr) return nullptr;
  return AnswerWith(ShortageStep(request.message, std::move(shortage)));
}

std::string Dispatcher::InitializeResult(ProtocolVersion version) const {
  return RenderInitializeResult(version, catalog_.Current()->instructions(), Capabilities());
}

// ---------------------------------------------------------------------------------------------------------------------
// Tools

std::unique_ptr<Exchange> Dispatcher::CallTool(const Request& request) {
  const Message& message = request.message;
  const RequestContext& context = request.context;
  const std::string* const name = FindString(message.params, "name");
  if (name == nullptr) return Refuse(message, InvalidParamsError("params.name must be a string"));
  static const json* const kNoArguments = new json(json::object());
  const json* const sent_arguments = FindMember(message.params, "arguments");
  const json& arguments = sent_arguments == nullptr ? *kNoArguments : *sent_arguments;
  if (!arguments.is_object()) return Refuse(message, InvalidParamsError("params.arguments must be an object"));
  ExchangeTerms terms;
  RoundInput input;
  if (const auto error = ReadTerms(message, context, terms, input); error.has_value()) return Refuse(message, *error);

  const ToolEntry* const entry = request.snapshot->FindTool(*name);
  if (entry == nullptr) return Refuse(message, InvalidParamsError(absl::StrCat("Unknown tool: ", Excerpt(*name))));
  if (request.headers != nullptr && !entry->header_parameters.empty()) {
    const auto error = CheckParameterHeaders(*request.headers, entry->header_parameters, arguments);
    if (error.has_value()) return Refuse(message, *error);
  }
  if (auto refusal = CheckScopes(request, entry->required_scopes); refusal != nullptr) return refusal;
  if (!HasCapabilities(*context.client, entry->required_client_capabilities)) {
    const std::string required = entry->required_client_capabilities.dump();
    if (request.modern()) return Refuse(message, MissingCapabilityError(required));
    return ToolError(request, absl::StrCat("This tool needs a client with the capabilities ", required,
                                           ", and this one has not declared them all."));
  }
  const absl::string_view arguments_text =
      sent_arguments == nullptr ? "{}" : RawMember(message.params_text, "arguments");
  if (entry->input_schema != nullptr) {
    if (const auto problem = entry->input_schema->Check(arguments_text); problem.has_value()) {
      return ToolError(request, absl::StrCat("The arguments do not fit the tool's input schema: ", *problem));
    }
  }
  const tool::TaskSupport task_support = entry->tool.task_support();
  if (task_support == tool::TASK_SUPPORT_OPTIONAL || task_support == tool::TASK_SUPPORT_REQUIRED) {
    const bool declared = request.modern() && context.client->capabilities.tasks;
    if (declared && tasks_ != nullptr) {
      terms.task_start = entry->tool.announces_task_start() ? TaskStart::kAnnounced : TaskStart::kAtOnce;
    } else if (task_support == tool::TASK_SUPPORT_REQUIRED) {
      if (request.modern() && !declared) return Refuse(message, MissingCapabilityError(kTasksCapability));
      return ToolError(request, declared ? "This tool only runs as a task, and this server has tasks switched off."
                                         : "This tool only runs as a task, for which this client has no means.");
    }
  }

  tool::CallToolRequest call;
  call.set_name(entry->tool.name());
  if (sent_arguments != nullptr) call.set_arguments_json(arguments_text.data(), arguments_text.size());
  const bool is_task = terms.task_start == TaskStart::kAtOnce;
  // What a task tells of its progress is part of its state.
  FillCallContext(context, is_task || !terms.progress_token.empty(),
                  is_task ? tool::LOG_LEVEL_UNSPECIFIED : LeastLogLevel(context, terms), *call.mutable_context());
  call.mutable_context()->set_can_start_task(terms.task_start == TaskStart::kAnnounced);
  absl::Duration timeout = std::min(entry->timeout.value_or(options_.default_tool_timeout), options_.max_tool_timeout);
  terms.call_timeout = timeout;
  if (terms.task_start != TaskStart::kNever) timeout = tasks_->max_time();
  auto operation =
      std::make_unique<ToolOperation>(std::shared_ptr<const ToolEntry>(request.snapshot, entry), std::move(call),
                                      OperationTerms(context, timeout, clock_), options_.max_tool_events, metrics_);
  return Run(request, std::move(operation), std::move(terms), input.sealed_state);
}

std::unique_ptr<Exchange> Dispatcher::Run(const Request& request, std::unique_ptr<ServiceOperation> operation,
                                          ExchangeTerms terms, const std::optional<std::string>& sealed_state) {
  if (sealed_state.has_value()) {
    const auto error = OpenState(*sealed_state, *request.context.principal, *operation, sealer_, terms.state);
    if (error.has_value()) return Refuse(request.message, *error);
  }
  terms.answer_timeout = options_.client_answer_timeout;
  return std::make_unique<RoundExchange>(std::move(operation), std::move(terms), request.context, sealer_, tasks_,
                                         clock_);
}

std::unique_ptr<Exchange> Dispatcher::ToolError(const Request& request, absl::string_view text) {
  metrics_.tool_calls_tool_error_total.Increment();
  return Answer(request.message, RenderToolError(text, request.context.version));
}

// ---------------------------------------------------------------------------------------------------------------------
// Resources

std::unique_ptr<Exchange> Dispatcher::ReadResource(const Request& request) {
  const Message& message = request.message;
  const RequestContext& context = request.context;
  const std::string* const uri = FindString(message.params, "uri");
  if (uri == nullptr || uri->size() > kMaxUriLength) {
    return Refuse(message, InvalidParamsError(absl::StrCat("params.uri must be a string of at most ", kMaxUriLength)));
  }
  ExchangeTerms terms;
  RoundInput input;
  if (const auto error = ReadTerms(message, context, terms, input); error.has_value()) return Refuse(message, *error);
  const auto reader = request.snapshot->FindReader(*uri);
  if (!reader.has_value()) return Refuse(message, ResourceNotFoundError(*uri, context.version));
  if (auto refusal = CheckScopes(request, reader->required_scopes); refusal != nullptr) return refusal;
  const bool repeats = input.sealed_state.has_value() || !terms.responses.empty();
  const ReadCaching caching = repeats                           ? ReadCaching::kNobody
                              : reader->required_scopes.empty() ? ReadCaching::kAnybody
                                                                : ReadCaching::kCaller;
  tool::ReadResourceRequest read;
  read.set_uri(*uri);
  FillCallContext(context, /*wants_progress=*/false, tool::LOG_LEVEL_UNSPECIFIED, *read.mutable_context());
  auto operation = std::make_unique<ResourceOperation>(
      std::shared_ptr<ToolServiceClient>(request.snapshot, reader->service), std::move(read),
      OperationTerms(context, options_.default_tool_timeout, clock_), caching);
  return Run(request, std::move(operation), std::move(terms), input.sealed_state);
}

std::unique_ptr<Exchange> Dispatcher::Subscribe(const Request& request) {
  const Message& message = request.message;
  const std::string* const uri = FindString(message.params, "uri");
  if (uri == nullptr || uri->size() > kMaxUriLength) {
    return Refuse(message, InvalidParamsError(absl::StrCat("params.uri must be a string of at most ", kMaxUriLength)));
  }
  const auto reader = request.snapshot->FindReader(*uri);
  if (!reader.has_value()) return Refuse(message, ResourceNotFoundError(*uri, request.context.version));
  if (auto refusal = CheckScopes(request, reader->required_scopes); refusal != nullptr) return refusal;
  if (request.context.session == nullptr || !request.context.session->Subscribe(*uri)) {
    return Refuse(message, {WireErrorKind::kInternal, "This session has too many subscriptions", ""});
  }
  return Answer(message, RenderResult("", request.context.version));
}

std::unique_ptr<Exchange> Dispatcher::Unsubscribe(const Request& request) {
  const std::string* const uri = FindString(request.message.params, "uri");
  if (uri == nullptr) return Refuse(request.message, InvalidParamsError("params.uri must be a string"));
  if (request.context.session != nullptr) request.context.session->Unsubscribe(*uri);
  return Answer(request.message, RenderResult("", request.context.version));
}

// ---------------------------------------------------------------------------------------------------------------------
// Prompts and completion

std::unique_ptr<Exchange> Dispatcher::GetPrompt(const Request& request) {
  const Message& message = request.message;
  const RequestContext& context = request.context;
  const std::string* const name = FindString(message.params, "name");
  if (name == nullptr) return Refuse(message, InvalidParamsError("params.name must be a string"));
  tool::GetPromptRequest get;
  if (!ReadStrings(FindMember(message.params, "arguments"), *get.mutable_arguments())) {
    return Refuse(message, InvalidParamsError("params.arguments must be an object of strings"));
  }
  ExchangeTerms terms;
  RoundInput input;
  if (const auto error = ReadTerms(message, context, terms, input); error.has_value()) return Refuse(message, *error);
  const PromptEntry* const entry = request.snapshot->FindPrompt(*name);
  if (entry == nullptr) return Refuse(message, InvalidParamsError(absl::StrCat("Unknown prompt: ", Excerpt(*name))));
  if (auto refusal = CheckScopes(request, entry->required_scopes); refusal != nullptr) return refusal;
  for (const tool::PromptArgument& argument : entry->prompt.arguments()) {
    if (argument.required() && !get.arguments().contains(argument.name())) {
      return Refuse(message, InvalidParamsError(absl::StrCat("The prompt needs the argument ", argument.name())));
    }
  }
  get.set_name(entry->prompt.name());
  FillCallContext(context, /*wants_progress=*/false, tool::LOG_LEVEL_UNSPECIFIED, *get.mutable_context());
  auto operation =
      std::make_unique<PromptOperation>(std::shared_ptr<const PromptEntry>(request.snapshot, entry), std::move(get),
                                        OperationTerms(context, options_.default_tool_timeout, clock_));
  return Run(request, std::move(operation), std::move(terms), input.sealed_state);
}

std::unique_ptr<Exchange> Dispatcher::Complete(const Request& request) {
  const Message& message = request.message;
  const RequestContext& context = request.context;
  const json* const ref = FindMember(message.params, "ref");
  const std::string* const type = ref != nullptr && ref->is_object() ? FindString(*ref, "type") : nullptr;
  const bool is_prompt = type != nullptr && *type == "ref/prompt";
  const std::string* target = nullptr;
  if (is_prompt || (type != nullptr && *type == "ref/resource")) target = FindString(*ref, is_prompt ? "name" : "uri");
  if (target == nullptr || target->size() > kMaxUriLength) {
    return Refuse(message, InvalidParamsError("params.ref must name a prompt (ref/prompt, name) or a resource template "
                                              "(ref/resource, uri)"));
  }
  const json* const argument = FindMember(message.params, "argument");
  const bool has_argument = argument != nullptr && argument->is_object();
  const std::string* const argument_name = has_argument ? FindString(*argument, "name") : nullptr;
  const std::string* const argument_value = has_argument ? FindString(*argument, "value") : nullptr;
  if (argument_name == nullptr || argument_value == nullptr) {
    return Refuse(message, InvalidParamsError("params.argument must have a name and a value, both strings"));
  }
  tool::CompleteRequest complete;
  const json* const known = FindMember(message.params, "context");
  if (known != nullptr &&
      (!known->is_object() || !ReadStrings(FindMember(*known, "arguments"), *complete.mutable_known_arguments()))) {
    return Refuse(message, InvalidParamsError("params.context.arguments must be an object of strings"));
  }

  std::shared_ptr<ToolServiceClient> service;
  const std::vector<ScopeSet>* scopes = nullptr;
  if (is_prompt) {
    const PromptEntry* const entry = request.snapshot->FindPrompt(*target);
    if (entry == nullptr)
      return Refuse(message, InvalidParamsError(absl::StrCat("Unknown prompt: ", Excerpt(*target))));
    const auto& arguments = entry->prompt.arguments();
    if (std::none_of(arguments.begin(), arguments.end(),
                     [&](const tool::PromptArgument& known) { return known.name() == *argument_name; })) {
      return Refuse(message, InvalidParamsError(absl::StrCat("The prompt has no argument ", Excerpt(*argument_name))));
    }
    complete.set_prompt_name(entry->prompt.name());
    service = entry->service;
    scopes = &entry->required_scopes;
  } else {
    const ResourceTemplateEntry* const entry = request.snapshot->FindResourceTemplate(*target);
    if (entry == nullptr) {
      // A resource without variables has nothing to complete.
      if (request.snapshot->FindResource(*target) != nullptr) {
        return Answer(message, RenderCompleteResult({}, context.version));
      }
      return Refuse(message, InvalidParamsError(absl::StrCat("Unknown resource template: ", Excerpt(*target))));
    }
    complete.set_resource_uri_template(entry->resource_template.uri_template());
    service = entry->service;
    scopes = &entry->required_scopes;
  }
  if (auto refusal = CheckScopes(request, *scopes); refusal != nullptr) return refusal;
  complete.set_argument_name(*argument_name);
  complete.set_argument_value(*argument_value);
  FillCallContext(context, /*wants_progress=*/false, tool::LOG_LEVEL_UNSPECIFIED, *complete.mutable_context());
  auto operation = std::make_unique<CompletionOperation>(
      std::move(service), std::move(complete), OperationTerms(context, options_.default_tool_timeout, clock_));
  ExchangeTerms terms;
  terms.id_json = message.id_json;
  return Run(request, std::move(operation), std::move(terms), std::nullopt);
}

// ---------------------------------------------------------------------------------------------------------------------
// Lists

std::unique_ptr<Exchange> Dispatcher::List(const Request& request, ListKind kind) {
  ListTerms terms;
  terms.timeout = std::min(terms.timeout, options_.default_tool_timeout);
  // Only resources may come from a service.
  if (kind == ListKind::kResources) {
    FillCallContext(request.context, /*wants_progress=*/false, tool::LOG_LEVEL_UNSPECIFIED, terms.call_context);
  }
  terms.hide_without_scope = options_.hide_without_scope;
  return StartList(kind, request.message, request.context, request.snapshot, lists_, ListCache(*request.snapshot),
                   std::move(terms), clock_);
}

std::unique_ptr<Exchange> Dispatcher::ListTools(const Request& request) { return List(request, ListKind::kTools); }
std::unique_ptr<Exchange> Dispatcher::ListPrompts(const Request& request) { return List(request, ListKind::kPrompts); }
std::unique_ptr<Exchange> Dispatcher::ListResources(const Request& request) {
  return List(request, ListKind::kResources);
}
std::unique_ptr<Exchange> Dispatcher::ListResourceTemplates(const Request& request) {
  return List(request, ListKind::kResourceTemplates);
}

// ---------------------------------------------------------------------------------------------------------------------
// The rest

std::unique_ptr<Exchange> Dispatcher::SetLogLevel(const Request& request) {
  const std::string* const name = FindString(request.message.params, "level");
  const auto level = name == nullptr ? std::nullopt : LogLevelFromName(*name);
  if (!level.has_value())
    return Refuse(request.message, InvalidParamsError("params.level must be a level of RFC 5424"));
  if (request.context.session != nullptr) request.context.session->set_log_level(*level);
  return Answer(request.message, RenderResult("", request.context.version));
}

std::unique_ptr<Exchange> Dispatcher::Ping(const Request& request) {
  return Answer(request.message, RenderResult("", request.context.version));
}

std::unique_ptr<Exchange> Dispatcher::Discover(const Request& request) {
  return Answer(request.message,
                RenderDiscoverResult(request.snapshot->instructions(), ListCache(*request.snapshot), Capabilities()));
}

std::unique_ptr<Exchange> Dispatcher::AnswerTask(const Request& request, TaskMethod method) {
  if (!request.context.client->capabilities.tasks) {
    return Refuse(request.message, MissingCapabilityError(kTasksCapability));
  }
  return AnswerEither(request.message, (tasks_->*method)(request.message, request.context));
}

std::unique_ptr<Exchange> Dispatcher::GetTask(const Request& request) { return AnswerTask(request, &Tasks::Get); }
std::unique_ptr<Exchange> Dispatcher::UpdateTask(const Request& request) { return AnswerTask(request, &Tasks::Update); }
std::unique_ptr<Exchange> Dispatcher::CancelTask(const Request& request) { return AnswerTask(request, &Tasks::Cancel); }

std::unique_ptr<Exchange> Dispatcher::ListSkills(const Request& request) {
  return AnswerEither(request.message,
                      skills_->List(request.message, request.context, *request.snapshot, ListCache(*request.snapshot)));
}

std::unique_ptr<Exchange> Dispatcher::GetSkill(const Request& request) {
  const ScopeRequirements requirements = RequirementsOf(request.message, *request.snapshot);
  if (auto refusal = CheckScopes(request, requirements); refusal != nullptr) return refusal;
  return AnswerEither(request.message, skills_->Get(request.message, request.context, *request.snapshot,
                                                    SkillCache(*request.snapshot, requirements)));
}

std::unique_ptr<Exchange> Dispatcher::ReadDirectory(const Request& request) {
  const ScopeRequirements requirements = RequirementsOf(request.message, *request.snapshot);
  if (auto refusal = CheckScopes(request, requirements); refusal != nullptr) return refusal;
  return AnswerEither(request.message, skills_->ReadDirectory(request.message, request.context, *request.snapshot,
                                                              SkillCache(*request.snapshot, requirements)));
}

CacheTerms Dispatcher::SkillCache(const CatalogSnapshot& snapshot, const ScopeRequirements& requirements) const {
  CacheTerms cache = ListCache(snapshot);
  cache.is_public = cache.is_public && requirements.empty() && !options_.hide_without_scope;
  return cache;
}

CacheTerms Dispatcher::ListCache(const CatalogSnapshot& snapshot) const {
  return {std::min(snapshot.cache_ttl(), options_.list_ttl), snapshot.cache_scope() == tool::CACHE_SCOPE_PUBLIC};
}

ServerCapabilities Dispatcher::Capabilities() const {
  ServerCapabilities capabilities;
  capabilities.resources = true;
  capabilities.prompts = true;
  capabilities.list_changed = true;
  capabilities.subscribe = true;
  capabilities.logging = true;
  capabilities.completions = true;
  capabilities.tasks = tasks_ != nullptr;
  capabilities.skills = skills_ != nullptr;
  return capabilities;
}

}  // namespace mcp_edge
