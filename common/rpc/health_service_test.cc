#include "common/rpc/health_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class HealthServiceTest : public testing::Test {
 protected:
  HealthServiceTest() {
    grpc::ServerBuilder builder;
    loop_.emplace(builder);
    health_.Register(builder);
    server_ = builder.BuildAndStart();
    health_.Start(*loop_);
    loop_->Start(2);
    stub_ = grpc::health::v1::Health::NewStub(server_->InProcessChannel({}));
  }

  ~HealthServiceTest() override {
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    loop_->Stop();
  }

  // The status of a service, or the code of the error.
  std::pair<grpc::StatusCode, HealthCheckResponse::ServingStatus> Check(const std::string& service) {
    grpc::ClientContext context;
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const grpc::Status status = stub_->Check(&context, request, &response);
    return {status.error_code(), response.status()};
  }

  HealthService health_{{"", "a.Service"}};
  std::optional<RpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::health::v1::Health::Stub> stub_;
};

TEST_F(HealthServiceTest, SaysWhetherTheServerServesForEachServiceThatItKnows) {
  for (const char* service : {"", "a.Service"}) {
    EXPECT_EQ(Check(service), std::pair(grpc::StatusCode::OK, HealthCheckResponse::NOT_SERVING));
    health_.SetServing(true);
    EXPECT_EQ(Check(service), std::pair(grpc::StatusCode::OK, HealthCheckResponse::SERVING));
    health_.SetServing(false);
  }
  EXPECT_EQ(Check("another.Service").first, grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthServiceTest, AWatcherIsToldAtOnceAndOfEachChange) {
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("a.Service");
  const auto reader = stub_->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  health_.SetServing(true);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  health_.SetServing(true);  // no news
  health_.Shutdown();
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(HealthServiceTest, AWatcherOfAServiceThatIsNotThereIsToldSo) {
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("another.Service");
  const auto reader = stub_->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  context.TryCancel();
  reader->Finish();
}

TEST_F(HealthServiceTest, AfterTheShutdownItNeverServesAgain) {
  health_.SetServing(true);
  health_.Shutdown();
  health_.SetServing(true);
  EXPECT_EQ(Check("").second, HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthServiceTest, AStreamThatIsOpenDoesNotOutliveTheServer) {
  grpc::ClientContext context;
  const auto reader = stub_->Watch(&context, HealthCheckRequest());
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  server_->Shutdown(absl::ToChronoTime(absl::Now()));  // returns
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_FALSE(reader->Finish().ok());
}

}  // namespace
}  // namespace common
