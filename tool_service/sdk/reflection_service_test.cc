#include "tool_service/sdk/reflection_service.h"

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/time/clock.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "gtest/gtest.h"

namespace tool_service {
namespace {

using grpc::reflection::v1alpha::ServerReflection;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

constexpr char kToolService[] = "gatehouse.tool.v1.ToolService";

class ReflectionServiceTest : public testing::Test {
 protected:
  ReflectionServiceTest() {
    grpc::ServerBuilder builder;
    loop_.emplace(builder);
    reflection_.Register(builder);
    server_ = builder.BuildAndStart();
    reflection_.Start(*loop_);
    loop_->Start(1);
    stub_ = ServerReflection::NewStub(server_->InProcessChannel({}));
    stream_ = stub_->ServerReflectionInfo(&context_);
  }

  ~ReflectionServiceTest() override {
    stream_->WritesDone();
    EXPECT_TRUE(stream_->Finish().ok());
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    loop_->Stop();
  }

  ServerReflectionResponse Ask(const ServerReflectionRequest& request) {
    ServerReflectionResponse response;
    EXPECT_TRUE(stream_->Write(request));
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }

  // The names of the files of a response.
  static std::set<std::string> Files(const ServerReflectionResponse& response) {
    std::set<std::string> names;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      EXPECT_TRUE(names.insert(file.name()).second) << file.name();
    }
    return names;
  }

  ReflectionService reflection_{{kToolService}};
  std::optional<common::RpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ServerReflection::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<ServerReflectionRequest, ServerReflectionResponse>> stream_;
};

TEST_F(ReflectionServiceTest, ListsTheServicesAndItself) {
  ServerReflectionRequest request;
  request.set_host("here");
  request.set_list_services("");
  const ServerReflectionResponse response = Ask(request);
  EXPECT_EQ(response.valid_host(), "here");
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
  EXPECT_THAT(names, ElementsAre(kToolService, "grpc.reflection.v1alpha.ServerReflection"));
}

TEST_F(ReflectionServiceTest, GivesAFileWithAllThatItImports) {
  const auto whole = IsSupersetOf(
      {"gatehouse/tool/v1/tool.proto", "google/protobuf/duration.proto", "google/protobuf/timestamp.proto"});
  ServerReflectionRequest request;
  for (const std::string symbol : {"", ".CallTool"}) {
    request.set_file_containing_symbol(kToolService + symbol);
    EXPECT_THAT(Files(Ask(request)), whole);
  }
  request.set_file_by_filename("gatehouse/tool/v1/tool.proto");
  EXPECT_THAT(Files(Ask(request)), whole);
}

TEST_F(ReflectionServiceTest, KnowsExtensions) {
  ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("google.protobuf.FileOptions");
  EXPECT_EQ(Ask(request).all_extension_numbers_response().base_type_name(), "google.protobuf.FileOptions");
  request.mutable_file_containing_extension()->set_containing_type("google.protobuf.FileOptions");
  request.mutable_file_containing_extension()->set_extension_number(536870911);
  EXPECT_EQ(Ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ReflectionServiceTest, WhatIsNotThereIsAnErrorAndTheStreamGoesOn) {
  ServerReflectionRequest request;
  EXPECT_EQ(Ask(request).error_response().error_code(), grpc::StatusCode::UNIMPLEMENTED);
  request.set_file_by_filename("nothing.proto");
  EXPECT_EQ(Ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.set_file_containing_symbol("no.Thing");
  EXPECT_EQ(Ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.set_all_extension_numbers_of_type("no.Thing");
  EXPECT_EQ(Ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.mutable_file_containing_extension()->set_containing_type("no.Thing");
  EXPECT_EQ(Ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace tool_service
