#include "tool_service/sdk/reflection_service.h"

#include <set>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"

namespace tool_service {
namespace {

using common::RpcCall;
using common::RpcLoop;
namespace reflection = grpc::reflection::v1alpha;
using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using reflection::ServerReflection;
using reflection::ServerReflectionRequest;
using reflection::ServerReflectionResponse;
using RpcMethods = ServerReflection::WithAsyncMethod_ServerReflectionInfo<ServerReflection::Service>;

// Adds a file after those that it imports, each once.
void AddFile(const FileDescriptor& file, std::set<const FileDescriptor*>& added,
             reflection::FileDescriptorResponse& response) {
  if (!added.insert(&file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) AddFile(*file.dependency(i), added, response);
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  proto.SerializeToString(response.add_file_descriptor_proto());
}

void SetError(grpc::StatusCode code, const char* message, ServerReflectionResponse& response) {
  response.mutable_error_response()->set_error_code(code);
  response.mutable_error_response()->set_error_message(message);
}

void SetFile(const FileDescriptor* file, ServerReflectionResponse& response) {
  if (file == nullptr) {
    SetError(grpc::StatusCode::NOT_FOUND, "it is not declared in any file", response);
    return;
  }
  std::set<const FileDescriptor*> added;
  AddFile(*file, added, *response.mutable_file_descriptor_response());
}

void SetExtensionNumbers(const std::string& type, ServerReflectionResponse& response) {
  const google::protobuf::Descriptor* const message = DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (message == nullptr) {
    SetError(grpc::StatusCode::NOT_FOUND, "there is no such message", response);
    return;
  }
  std::vector<const google::protobuf::FieldDescriptor*> extensions;
  DescriptorPool::generated_pool()->FindAllExtensions(message, &extensions);
  auto& numbers = *response.mutable_all_extension_numbers_response();
  numbers.set_base_type_name(type);
  for (const auto* extension : extensions) numbers.add_extension_number(extension->number());
}

ServerReflectionResponse Answer(const ServerReflectionRequest& request, const std::vector<std::string>& names) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      SetFile(pool.FindFileByName(request.file_by_filename()), response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      SetFile(pool.FindFileContainingSymbol(request.file_containing_symbol()), response);
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const auto& wanted = request.file_containing_extension();
      const auto* const message = pool.FindMessageTypeByName(wanted.containing_type());
      const auto* const extension =
          message == nullptr ? nullptr : pool.FindExtensionByNumber(message, wanted.extension_number());
      SetFile(extension == nullptr ? nullptr : extension->file(), response);
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      SetExtensionNumbers(request.all_extension_numbers_of_type(), response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& name : names) response.mutable_list_services_response()->add_service()->set_name(name);
      break;
    default:
      SetError(grpc::StatusCode::UNIMPLEMENTED, "the request asks for nothing that is known here", response);
  }
  return response;
}

}  // namespace

class ReflectionCore {
 public:
  explicit ReflectionCore(std::vector<std::string> names) : names(std::move(names)) {
    this->names.push_back(ServerReflection::service_full_name());
  }

  std::vector<std::string> names;
  RpcMethods methods;
  RpcLoop* loop = nullptr;  // set before the first call, then constant
};

namespace {

// Reads a request, answers it, and so on until the client has no more.
class ReflectionStream final : public RpcCall {
 public:
  static void Await(ReflectionCore& core) {
    ReflectionStream* const stream = new ReflectionStream(core);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    core.methods.RequestServerReflectionInfo(&stream->context_, &stream->stream_, queue, queue,
                                             stream->AskForArrival());
  }

 private:
  explicit ReflectionStream(ReflectionCore& core) : RpcCall(*core.loop), core_(core) {}

  void OnArrival() override {
    Await(core_);
    Read();
  }

  void Read() { stream_.Read(&request_, read_.Ask()); }

  void OnRead(bool ok) {
    if (!ok) {
      stream_.Finish(grpc::Status::OK, AskForEnd());
      return;
    }
    stream_.Write(Answer(request_, core_.names), written_.Ask());
  }

  void OnWritten(bool ok) {
    if (ok) {
      Read();
    } else {
      stream_.Finish(grpc::Status::CANCELLED, AskForEnd());
    }
  }

  ReflectionCore& core_;
  ServerReflectionRequest request_;
  grpc::ServerAsyncReaderWriter<ServerReflectionResponse, ServerReflectionRequest> stream_{&context_};
  common::RpcEventOf<ReflectionStream, &ReflectionStream::OnRead> read_{this};
  common::RpcEventOf<ReflectionStream, &ReflectionStream::OnWritten> written_{this};
};

}  // namespace

ReflectionService::ReflectionService(std::vector<std::string> names)
    : core_(std::make_unique<ReflectionCore>(std::move(names))) {}

ReflectionService::~ReflectionService() = default;

void ReflectionService::Register(grpc::ServerBuilder& builder) { builder.RegisterService(&core_->methods); }

void ReflectionService::Start(RpcLoop& loop) {
  core_->loop = &loop;
  ReflectionStream::Await(*core_);
}

}  // namespace tool_service
