#include "common/grpc_security.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/testing/test_certificates.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using ::testing::HasSubstr;

constexpr char kHere[] = "DNS:localhost,IP:127.0.0.1";

std::string FolderName() {
  static std::atomic<int> count{0};
  return absl::StrCat("secret_", count++);
}

// A gRPC server on a free port of 127.0.0.1.
class EmptyServer {
 public:
  explicit EmptyServer(const GrpcSecurity& security) {
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(&service_);
    builder.AddListeningPort("127.0.0.1:0", *security.ForServer("127.0.0.1"), &port_);
    server_ = builder.BuildAndStart();
  }
  ~EmptyServer() { server_->Shutdown(absl::ToChronoTime(absl::Now())); }

  std::string target(const std::string& host = "localhost") const { return absl::StrCat("dns:///", host, ":", port_); }

 private:
  grpc::CallbackGenericService service_;  // UNIMPLEMENTED, whatever it is asked
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

struct Answer {
  // UNIMPLEMENTED: the server was reached and has no such method.
  grpc::StatusCode code;
  std::string message;
  std::string peer_certificate;
};

// One call over a connection of its own, made with the credentials of the one API or the other.
Answer CallOnce(const GrpcSecurity& security, const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel = grpc::CreateCustomChannel(target, security.ForTarget(target), arguments);
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  grpc::CompletionQueue queue;
  const grpc::Slice nothing;
  const auto call = stub.PrepareUnaryCall(&context, "/no/such", grpc::ByteBuffer(&nothing, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  Answer answer = {status.error_code(), status.error_message(), ""};
  if (context.auth_context() != nullptr) {
    for (const grpc::string_ref& pem : context.auth_context()->FindPropertyValues("x509_pem_cert")) {
      answer.peer_certificate = std::string(pem.data(), pem.size());
    }
  }
  return answer;
}

std::shared_ptr<const GrpcSecurity> SecurityOf(const SecretFolder& folder) {
  GrpcSecurityOptions options;
  options.cert_file = folder.cert_file();
  options.key_file = folder.key_file();
  options.ca_file = folder.ca_file();
  auto security = GrpcSecurity::Create(options);
  EXPECT_TRUE(security.ok()) << security.status();
  return *security;
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() : server_files_(FolderName()), client_files_(FolderName()) {
    server_files_.Write(authority_.Issue(kHere), authority_.certificate());
    client_files_.Write(authority_.Issue("DNS:edge"), authority_.certificate());
  }

  Answer CallAs(const SecretFolder& client, const std::string& host = "localhost") {
    const EmptyServer server(*SecurityOf(server_files_));
    return CallOnce(*SecurityOf(client), server.target(host));
  }

  const TestAuthority authority_;
  SecretFolder server_files_;
  SecretFolder client_files_;
};

TEST_F(TlsTest, BothSidesWithCertificatesOfTheAuthorityTalk) {
  EXPECT_EQ(CallAs(client_files_).code, grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(CallAs(client_files_, "127.0.0.1").code, grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(TlsTest, AClientWithoutACertificateIsRefused) {
  const EmptyServer server(*SecurityOf(server_files_));
  GrpcSecurityOptions options;
  options.ca_file = client_files_.ca_file();
  const auto nameless = GrpcSecurity::Create(options);
  ASSERT_TRUE(nameless.ok()) << nameless.status();
  EXPECT_EQ(CallOnce(**nameless, server.target()).code, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, AClientInClearTextIsRefused) {
  const EmptyServer server(*SecurityOf(server_files_));
  EXPECT_EQ(CallOnce(*GrpcSecurity::Plaintext(), server.target()).code, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, AClientWithACertificateOfAnotherAuthorityIsRefused) {
  const TestAuthority other;
  client_files_.Write(other.Issue("DNS:edge"), authority_.certificate());
  EXPECT_EQ(CallAs(client_files_).code, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, AServerWithACertificateOfAnotherAuthorityIsRefused) {
  const TestAuthority other;
  server_files_.Write(other.Issue(kHere), authority_.certificate());
  EXPECT_EQ(CallAs(client_files_).code, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, AServerWithACertificateForAnotherNameIsRefused) {
  server_files_.Write(authority_.Issue("DNS:whoami.example.com"), authority_.certificate());
  EXPECT_EQ(CallAs(client_files_).code, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, ExpiredCertificatesAreRefusedOnBothSides) {
  SecretFolder expired(FolderName());
  expired.Write(authority_.Issue(kHere, -absl::Hours(1)), authority_.certificate());
  EXPECT_EQ(CallAs(expired).code, grpc::StatusCode::UNAVAILABLE);
  const EmptyServer server(*SecurityOf(expired));
  EXPECT_EQ(CallOnce(*SecurityOf(client_files_), server.target()).code, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, WithoutAnAuthorityAServerAsksNobodyForACertificate) {
  GrpcSecurityOptions options;
  options.cert_file = server_files_.cert_file();
  options.key_file = server_files_.key_file();
  const auto security = GrpcSecurity::Create(options);
  ASSERT_TRUE(security.ok());
  const EmptyServer server(**security);
  options = {};
  options.ca_file = client_files_.ca_file();
  EXPECT_EQ(CallOnce(**GrpcSecurity::Create(options), server.target()).code, grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(TlsTest, NewFilesAreTakenUpWhileCallsRunAndNoCallFails) {
  const EmptyServer server(*SecurityOf(server_files_));
  const auto client = SecurityOf(client_files_);
  const TestCertificate renewed = authority_.Issue(kHere);
  std::atomic<bool> seen{false};
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        const Answer answer = CallOnce(*client, server.target());  // a handshake each
        EXPECT_EQ(answer.code, grpc::StatusCode::UNIMPLEMENTED) << answer.message;
        if (answer.peer_certificate == renewed.certificate) seen = true;
        ++calls;
      }
    });
  }
  while (calls < 10) absl::SleepFor(absl::Milliseconds(1));
  server_files_.Write(renewed, authority_.certificate());
  client_files_.Write(authority_.Issue("DNS:edge"), authority_.certificate());
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (!seen && absl::Now() < give_up) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(seen);
  const int after = calls;
  while (calls < after + 10) absl::SleepFor(absl::Milliseconds(1));
  stop = true;
  for (std::thread& caller : callers) caller.join();
}

TEST(GrpcSecurityTest, ClearTextIsForLoopbackUnlessItIsAskedFor) {
  const auto automatic = *GrpcSecurity::Create({});
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"}) {
    EXPECT_TRUE(automatic->ForServer(host).ok()) << host;
  }
  for (const char* host :
       {"0.0.0.0", "::", "10.0.0.1", "edge", "localhost.example.com", "1270.0.0.1", "::ffff:10.0.0.1"}) {
    const auto credentials = automatic->ForServer(host);
    EXPECT_EQ(credentials.status().code(), absl::StatusCode::kInvalidArgument) << host;
    EXPECT_THAT(std::string(credentials.status().message()), HasSubstr("set --tls_cert_file and --tls_key_file"));
    EXPECT_TRUE(GrpcSecurity::Plaintext()->ForServer(host).ok());
  }
  for (const char* target : {"dns:///localhost:1", "ipv4:127.0.0.1:1,127.0.0.2:1", "ipv6:[::1]:1", "unix:/x"}) {
    EXPECT_TRUE(automatic->CheckTarget(target).ok()) << target;
  }
  for (const char* target : {"dns:///whoami:1", "ipv4:127.0.0.1:1,10.0.0.1:1", "ipv6:[fe80::1]:1"}) {
    EXPECT_THAT(std::string(automatic->CheckTarget(target).message()), HasSubstr("set --tls_ca_file")) << target;
    EXPECT_TRUE(GrpcSecurity::Plaintext()->CheckTarget(target).ok());
  }
}

TEST(GrpcSecurityTest, EachMistakeNamesItsFlag) {
  const TestAuthority authority;
  SecretFolder good(FolderName());
  good.Write(authority.Issue(kHere), authority.certificate());
  SecretFolder other(FolderName());
  other.Write({"nonsense", authority.Issue(kHere).key}, "nonsense");
  const struct {
    GrpcSecurityOptions options;
    const char* message;
  } cases[] = {
      {{"on", "", "", ""}, "--grpc_security must be auto, tls or plaintext, got \"on\""},
      {{"tls", "", "", ""}, "--grpc_security=tls needs certificates"},
      {{"plaintext", "", "", good.ca_file()}, "--grpc_security=plaintext uses no certificates"},
      {{"auto", good.cert_file(), "", ""}, "--tls_cert_file and --tls_key_file must be set together"},
      {{"auto", "/nonexistent", good.key_file(), ""}, "--tls_cert_file"},
      {{"auto", other.cert_file(), good.key_file(), ""}, "holds no certificate in PEM"},
      {{"auto", good.cert_file(), good.cert_file(), ""}, "holds no private key in PEM"},
      {{"auto", good.cert_file(), other.key_file(), ""}, "is not the key of the certificate"},
      {{"auto", "", "", other.ca_file()}, "--tls_ca_file"},
  };
  for (const auto& each : cases) {
    const auto security = GrpcSecurity::Create(each.options);
    ASSERT_FALSE(security.ok()) << each.message;
    EXPECT_THAT(std::string(security.status().message()), HasSubstr(each.message));
  }
  GrpcSecurityOptions client;
  client.ca_file = good.ca_file();
  EXPECT_THAT(std::string((*GrpcSecurity::Create(client))->ForServer("0.0.0.0").status().message()),
              HasSubstr("a server needs a certificate"));
  GrpcSecurityOptions server;
  server.cert_file = good.cert_file();
  server.key_file = good.key_file();
  EXPECT_THAT(std::string((*GrpcSecurity::Create(server))->CheckTarget("dns:///whoami:1").message()),
              HasSubstr("nobody vouches for the server"));
}

}  // namespace
}  // namespace common
