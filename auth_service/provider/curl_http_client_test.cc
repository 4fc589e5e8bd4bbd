#include "auth_service/provider/curl_http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "auth_service/provider/not_sent.h"
#include "gtest/gtest.h"
#include "httplib.h"

namespace auth_service {
namespace {

// A provider on loopback that misbehaves in every way.
class LoopbackProvider {
 public:
  explicit LoopbackProvider(std::unique_ptr<httplib::Server> server) : server_(std::move(server)) {
    server_->new_task_queue = [] { return new httplib::ThreadPool(8); };
    server_->set_keep_alive_max_count(1000);
    server_->Get("/ok", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard<std::mutex> lock(mutex_);
      client_ports.insert(request.remote_port);
      last_authorization = request.get_header_value("Authorization");
      response.set_content("{\"sub\":\"alice\"}", "application/json");
    });
    const auto echo = [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard<std::mutex> lock(mutex_);
      last_request = request;
      response.status = 201;
    };
    server_->Get("/echo", echo).Post("/echo", echo).Put("/echo", echo).Patch("/echo", echo).Delete("/echo", echo);
    server_->Get("/redirect",
                 [](const httplib::Request&, httplib::Response& response) { response.set_redirect("/ok"); });
    server_->Get("/error", [](const httplib::Request&, httplib::Response& response) {
      response.status = 503;
      response.set_content("busy", "text/plain");
    });
    server_->Get("/huge", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(std::string(300 * 1024, 'x'), "application/json");
    });
    server_->Get("/endless", [this](const httplib::Request&, httplib::Response& response) {
      response.set_chunked_content_provider("application/json", [this](size_t, httplib::DataSink& sink) {
        return !stopping_ && sink.write("xxxxxxxxxxxxxxxx", 16);
      });
    });
    server_->Get("/headers", [](const httplib::Request&, httplib::Response& response) {
      for (int i = 0; i < 20; ++i) response.set_header(absl::StrCat("X-", i), std::string(4000, 'x'));
    });
    server_->Get("/slow", [this](const httplib::Request&, httplib::Response&) { stop_.WaitForNotification(); });
    port_ = server_->bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    server_->wait_until_ready();
  }

  ~LoopbackProvider() {
    stopping_ = true;
    stop_.Notify();
    server_->stop();
    thread_.join();
  }

  int port() const { return port_; }

  std::mutex mutex_;
  std::set<int> client_ports;
  std::string last_authorization;
  httplib::Request last_request;

 private:
  std::unique_ptr<httplib::Server> server_;
  std::atomic<bool> stopping_{false};
  absl::Notification stop_;
  std::thread thread_;
  int port_ = 0;
};

HttpRequest RequestFor(const std::string& url, absl::Duration timeout = absl::Seconds(30)) {
  HttpRequest request;
  request.url = url;
  request.may_be_internal = true;  // on loopback
  request.timeout = timeout;
  return request;
}

class CurlHttpClientTest : public ::testing::Test {
 protected:
  std::string Url(absl::string_view path) { return absl::StrCat("http://127.0.0.1:", provider_.port(), path); }

  LoopbackProvider provider_{std::make_unique<httplib::Server>()};
  CurlHttpClient client_;
};

TEST_F(CurlHttpClientTest, BringsStatusAndBody) {
  HttpRequest request = RequestFor(Url("/ok"));
  request.bearer_token = "secret";
  const absl::StatusOr<HttpResponse> ok = client_.Send(request);
  ASSERT_TRUE(ok.ok()) << ok.status();
  EXPECT_EQ(ok->status, 200);
  EXPECT_EQ(ok->body, "{\"sub\":\"alice\"}");
  EXPECT_EQ(provider_.last_authorization, "Bearer secret");
  const absl::StatusOr<HttpResponse> error = client_.Send(RequestFor(Url("/error")));
  ASSERT_TRUE(error.ok()) << error.status();
  EXPECT_EQ(error->status, 503);
}

TEST_F(CurlHttpClientTest, ATokenIsForOneRequest) {
  HttpRequest request = RequestFor(Url("/ok"));
  request.bearer_token = "secret";
  ASSERT_TRUE(client_.Send(request).ok());
  ASSERT_TRUE(client_.Send(RequestFor(Url("/ok"))).ok());
  EXPECT_EQ(provider_.last_authorization, "");
}

TEST_F(CurlHttpClientTest, SendsABodyWithEveryMethodAndForgetsIt) {
  HttpRequest request = RequestFor(Url("/echo"));
  request.content_type = "application/json";
  request.body = std::string("{\"a\":\"\0\"}", 9);
  for (const auto& [method, name] :
       {std::pair(HttpMethod::kPost, "POST"), std::pair(HttpMethod::kPut, "PUT"),
        std::pair(HttpMethod::kPatch, "PATCH"), std::pair(HttpMethod::kDelete, "DELETE")}) {
    request.method = method;
    const absl::StatusOr<HttpResponse> response = client_.Send(request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(provider_.last_request.method, name);
    EXPECT_EQ(provider_.last_request.body, request.body) << name;
    EXPECT_EQ(provider_.last_request.get_header_value("Content-Type"), "application/json");
    EXPECT_FALSE(provider_.last_request.has_header("Expect"));
  }
  ASSERT_TRUE(client_.Send(RequestFor(Url("/echo"))).ok());
  EXPECT_EQ(provider_.last_request.method, "GET");
  EXPECT_EQ(provider_.last_request.body, "");
  EXPECT_FALSE(provider_.last_request.has_header("Content-Type"));
  request = RequestFor(Url("/echo"));
  request.method = HttpMethod::kPost;
  ASSERT_TRUE(client_.Send(request).ok());
  EXPECT_EQ(provider_.last_request.get_header_value("Content-Length"), "0");
  EXPECT_FALSE(provider_.last_request.has_header("Content-Type"));
}

TEST_F(CurlHttpClientTest, BasicCredentialsAreFormEncodedFirst) {
  HttpRequest request = RequestFor(Url("/ok"));
  request.basic_user = "my client";
  request.basic_password = "p:ä%";
  ASSERT_TRUE(client_.Send(request).ok());
  EXPECT_EQ(provider_.last_authorization, absl::StrCat("Basic ", absl::Base64Escape("my+client:p%3A%C3%A4%25")));
}

TEST_F(CurlHttpClientTest, ReusesItsConnection) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client_.Send(RequestFor(Url("/ok"))).ok());
  EXPECT_EQ(provider_.client_ports.size(), 1u);
}

TEST_F(CurlHttpClientTest, ServesManyThreads) {
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const absl::StatusOr<HttpResponse> response = client_.Send(RequestFor(Url("/ok")));
        if (response.ok() && response->body == "{\"sub\":\"alice\"}") ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
  EXPECT_LE(provider_.client_ports.size(), 4u);
}

TEST_F(CurlHttpClientTest, DoesNotFollowARedirect) {
  const absl::StatusOr<HttpResponse> response = client_.Send(RequestFor(Url("/redirect")));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->location, "/ok");
  EXPECT_TRUE(provider_.client_ports.empty());
  const absl::StatusOr<HttpResponse> next = client_.Send(RequestFor(Url("/ok")));
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->location, "");  // nothing is left of the answer before
}

TEST_F(CurlHttpClientTest, ALongBodyIsAnErrorAndTheClientGoesOn) {
  EXPECT_EQ(client_.Send(RequestFor(Url("/huge"))).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(client_.Send(RequestFor(Url("/endless"))).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(client_.Send(RequestFor(Url("/headers"))).status().code(), absl::StatusCode::kResourceExhausted);
  HttpRequest request = RequestFor(Url("/huge"));
  request.max_response_bytes = 300 * 1024;
  EXPECT_TRUE(client_.Send(request).ok());
  request = RequestFor(Url("/ok"));
  request.max_response_bytes = 14;
  EXPECT_EQ(client_.Send(request).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(CurlHttpClientTest, ASlowAnswerIsGivenUp) {
  const absl::Time start = absl::Now();
  EXPECT_EQ(client_.Send(RequestFor(Url("/slow"), absl::Milliseconds(200))).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  EXPECT_TRUE(client_.Send(RequestFor(Url("/ok"))).ok());
}

TEST_F(CurlHttpClientTest, ANegativeTimeoutIsOverAtOnce) {
  EXPECT_FALSE(client_.Send(RequestFor(Url("/slow"), absl::Seconds(-1))).ok());
}

TEST_F(CurlHttpClientTest, WhereNobodyListensIsUnavailable) {
  // A port that is taken, so that nobody else comes to listen on it.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const absl::Status status =
      client_.Send(RequestFor(absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port), "/"))).status();
  close(listener);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(WasNotSent(status));
}

TEST_F(CurlHttpClientTest, ARequestWithoutAnAnswerIsNotOneThatWasNotSent) {
  const absl::Status status = client_.Send(RequestFor(Url("/slow"), absl::Seconds(2))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(WasNotSent(status));
}

TEST_F(CurlHttpClientTest, AnInternalAddressIsConnectedToOnlyIfItMayBe) {
  // Names below localhost are resolved to it by libcurl itself (RFC 6761, section 6.3).
  for (const std::string& url : {Url("/ok"), absl::StrCat("http://localhost:", provider_.port(), "/ok"),
                                 absl::StrCat("http://id.example.localhost:", provider_.port(), "/ok")}) {
    HttpRequest request = RequestFor(url);
    request.may_be_internal = false;
    const auto refused = client_.Send(request);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable) << url;
    EXPECT_TRUE(absl::StrContains(refused.status().message(), "its address is private")) << refused.status();
    EXPECT_TRUE(WasNotSent(refused.status())) << url;
  }
  EXPECT_TRUE(provider_.client_ports.empty());
  EXPECT_TRUE(client_.Send(RequestFor(Url("/ok")))->is_internal);
}

TEST_F(CurlHttpClientTest, AConnectionThatIsThereLeadsToNoInternalAddressEither) {
  HttpRequest request = RequestFor(Url("/ok"));
  ASSERT_TRUE(client_.Send(request).ok());
  request.url = Url("/echo");
  request.may_be_internal = false;
  const auto refused = client_.Send(request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(WasNotSent(refused.status())) << refused.status();
  EXPECT_TRUE(provider_.last_request.path.empty());
  request.may_be_internal = true;
  EXPECT_TRUE(client_.Send(request).ok());
}

TEST_F(CurlHttpClientTest, OtherSchemesAreNotSpoken) {
  EXPECT_EQ(client_.Send(RequestFor("file:///etc/passwd")).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(CurlHttpClientTest, AbortEndsRequestsUnderWay) {
  std::thread waiting([&] {
    EXPECT_EQ(client_.Send(RequestFor(Url("/slow"), absl::Seconds(60))).status().code(),
              absl::StatusCode::kUnavailable);
  });
  client_.Abort();
  waiting.join();
}

// A certificate for 127.0.0.1, signed by itself, and its key.
struct Certificate {
  Certificate() {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_NAME* const name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, const_cast<char*>("IP:127.0.0.1"));
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(x509, key, EVP_sha256());
    path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/certificate.pem");
    FILE* const file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, x509);
    std::fclose(file);
  }
  ~Certificate() {
    X509_free(x509);
    EVP_PKEY_free(key);
  }

  EVP_PKEY* key = nullptr;
  X509* x509 = nullptr;
  std::string path;
};

TEST(CurlHttpClientTlsTest, OnlyATrustedCertificateForTheRightHostWillDo) {
  const Certificate certificate;
  LoopbackProvider provider(std::make_unique<httplib::SSLServer>(certificate.x509, certificate.key));
  const std::string by_address = absl::StrCat("https://127.0.0.1:", provider.port(), "/ok");
  const std::string by_name = absl::StrCat("https://localhost:", provider.port(), "/ok");

  CurlHttpClient with_system_store;
  EXPECT_EQ(with_system_store.Send(RequestFor(by_address)).status().code(), absl::StatusCode::kUnavailable);

  CurlHttpClient with_file(certificate.path);
  for (int i = 0; i < 5; ++i) {
    const absl::StatusOr<HttpResponse> response = with_file.Send(RequestFor(by_address));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body, "{\"sub\":\"alice\"}");
  }
  EXPECT_EQ(provider.client_ports.size(), 1u);
  EXPECT_EQ(with_file.Send(RequestFor(by_name)).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace auth_service
