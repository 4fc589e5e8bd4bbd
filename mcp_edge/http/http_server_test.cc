#include "mcp_edge/http/http_server.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

// A client that says exactly what it is told to.
class RawClient {
 public:
  // `first`: what to do before it connects; gives descriptors that are closed with it.
  explicit RawClient(int port, const std::function<std::vector<int>()>& first = nullptr)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (first != nullptr) taken_ = first();
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const timeval timeout = {10, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  }
  ~RawClient() {
    for (const int descriptor : taken_) close(descriptor);
    close(socket_);
  }

  void Say(const std::string& text) { send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }

  // All until the server closes the connection.
  std::string Hear() {
    std::string heard;
    char buffer[4096];
    while (true) {
      const ssize_t count = recv(socket_, buffer, sizeof(buffer), 0);
      if (count <= 0) return heard;
      heard.append(buffer, static_cast<size_t>(count));
    }
  }

 private:
  const int socket_;
  std::vector<int> taken_;
};

// While it lives, the process may open as many files as it has open now, and `more`.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(STDERR_FILENO);  // the least that is free
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next) + more;
    setrlimit(RLIMIT_NOFILE, &few);
    close(next);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

class HttpServerTest : public testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    options.port = 0;
    server_ = std::make_unique<HttpServer>(options, metrics_);
    server_->routes().Get("/ok", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("fine", "text/plain");
    });
    server_->routes().Get("/block", [this](const httplib::Request&, httplib::Response& response) {
      blocked_.Notify();
      release_.WaitForNotification();
      response.set_content("at last", "text/plain");
    });
    server_->routes().Post("/echo", [](const httplib::Request& request, httplib::Response& response) {
      response.set_content(request.body, "text/plain");
    });
    // The same handler behind both ways to read and answer a request.
    const auto handle = [this](const httplib::Request& request, httplib::Response& response,
                               const httplib::ContentReader& reader) { Handle(request, response, reader); };
    server_->Post("/plain", handle);
    server_->routes().Post("/whole", handle);
    server_->SetPreRoutingHandler([](const httplib::Request& request, httplib::Response& response) {
      if (!request.has_header("X-Refuse")) return httplib::Server::HandlerResponse::Unhandled;
      response.status = 403;
      return httplib::Server::HandlerResponse::Handled;
    });
    server_->routes().Delete("/gone",
                             [](const httplib::Request&, httplib::Response& response) { response.status = 204; });
    ASSERT_TRUE(server_->Bind().ok());
    server_->Start();
  }

  // Does what the header X-Do says.
  static void Handle(const httplib::Request& request, httplib::Response& response,
                     const httplib::ContentReader& reader) {
    const std::string what = request.get_header_value("X-Do");
    if (what == "skip") return response.set_content("skipped", "text/plain");
    if (what == "throw") throw std::runtime_error("x");
    std::string body;
    const bool complete = reader([&](const char* data, size_t size) {
      body.append(data, size);
      return what != "stop";
    });
    if (what == "accept") {
      response.status = 202;
    } else if (what == "fail") {
      response.status = 404;
    } else if (what == "large") {
      response.set_content(std::string(1'000'000, 'z'), "text/plain");
    } else if (what == "stream" || what == "break") {
      response.set_chunked_content_provider(
          "text/event-stream", [what, count = 0](size_t offset, httplib::DataSink& sink) mutable {
            const std::string part = absl::StrCat("part ", ++count, " at ", offset, "\n");
            if (!sink.write(part.data(), part.size())) return false;
            if (count == 3 && what == "break") return false;
            if (count == 3) sink.done();
            return true;
          });
    } else if (complete) {
      std::vector<std::string> said = {request.method, request.version, body};
      for (const auto& [name, value] : request.headers) said.push_back(absl::StrCat(name, "=", value));
      std::sort(said.begin() + 3, said.end());
      response.set_header("X-Answer", "yes");
      response.set_content(absl::StrJoin(said, "|"), "text/plain");
    }
  }

  // The lines of an answer without the order of its headers.
  static std::string Sorted(const std::string& answer) {
    const size_t end = answer.find("\r\n\r\n");
    std::vector<std::string> lines = absl::StrSplit(answer.substr(0, end), "\r\n");
    std::sort(lines.begin(), lines.end());
    return absl::StrCat(absl::StrJoin(lines, "\n"), "\n\n", end == std::string::npos ? "" : answer.substr(end + 4));
  }

  std::string Exchange(const std::string& request) {
    RawClient client(server_->port());
    client.Say(request);
    return client.Hear();
  }

  prometheus::Registry registry_;
  EdgeMetrics metrics_{registry_};
  absl::Notification blocked_;
  absl::Notification release_;
  std::unique_ptr<HttpServer> server_;
};

constexpr char kGet[] = "GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr char kLastGet[] = "GET /ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

TEST_F(HttpServerTest, ServesSeveralRequestsOnOneConnectionEvenPipelined) {
  Start();
  const std::string heard = Exchange(absl::StrCat(kGet, "\r\n", kGet, kLastGet));
  size_t answers = 0;
  for (size_t at = heard.find("fine"); at != std::string::npos; at = heard.find("fine", at + 1)) ++answers;
  EXPECT_EQ(answers, 3) << heard;
}

TEST_F(HttpServerTest, ARequestWithoutABodyEndsWithItsHead) {
  Start();
  RawClient client(server_->port());
  const absl::Time start = absl::Now();
  client.Say("DELETE /gone HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.Say(kLastGet);
  const std::string heard = client.Hear();
  EXPECT_TRUE(absl::StartsWith(heard, "HTTP/1.1 204 ")) << heard;
  EXPECT_TRUE(absl::StrContains(heard, "HTTP/1.1 200 OK")) << heard;
  EXPECT_TRUE(absl::StrContains(heard, "fine")) << heard;
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST_F(HttpServerTest, TooManyOrTooLongHeadersGet431) {
  Start();
  std::string many = "GET /ok HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&many, "X-", i, ": y\r\n");
  EXPECT_TRUE(absl::StartsWith(Exchange(many + "\r\n"), "HTTP/1.1 431 "));
  const std::string one_long = absl::StrCat("GET /ok HTTP/1.1\r\nX: ", std::string(10'000, 'y'), "\r\n\r\n");
  EXPECT_TRUE(absl::StartsWith(Exchange(one_long), "HTTP/1.1 431 "));
  EXPECT_TRUE(absl::StartsWith(Exchange(std::string(100'000, 'a')), "HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, MalformedHeadsGet400WithAJsonRpcError) {
  Start();
  for (const char* request :
       {"nonsense\r\n\r\n", "GET /ok HTTP/1.1\r\nX: a\nY: b\r\n\r\n", "GET /ok HTTP/1.1\r\nX: a\r\n folded\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        "POST /echo HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na", "POST /echo HTTP/1.1\r\nContent-Length: +1\r\n\r\na",
        "POST /echo HTTP/1.1\r\nContent-Length: %31\r\n\r\na",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "GET /ok HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    const std::string heard = Exchange(request);
    EXPECT_TRUE(absl::StartsWith(heard, "HTTP/1.1 400 ")) << request << " -> " << heard;
    EXPECT_TRUE(absl::StrContains(heard, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600")) << heard;
  }
}

TEST_F(HttpServerTest, HeaderValuesAreTakenAsSent) {
  Start();
  server_->routes().Get("/header", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(request.get_header_value("X"), "text/plain");
  });
  EXPECT_TRUE(
      absl::EndsWith(Exchange("GET /header HTTP/1.1\r\nX: a%2Cb%\r\nConnection: close\r\n\r\n"), "\r\n\r\na%2Cb%"));
}

TEST_F(HttpServerTest, RangesAreIgnored) {
  Start();
  const std::string heard =
      Exchange("GET /ok HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(absl::StartsWith(heard, "HTTP/1.1 200 ")) << heard;
  EXPECT_TRUE(absl::EndsWith(heard, "fine")) << heard;
}

TEST_F(HttpServerTest, AnUnknownPathGets404WithAJsonRpcError) {
  Start();
  const std::string heard = Exchange("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(absl::StartsWith(heard, "HTTP/1.1 404 ")) << heard;
  EXPECT_TRUE(absl::StrContains(heard, "\"jsonrpc\"")) << heard;
}

TEST_F(HttpServerTest, ABodyOverTheBoundGets413AndReachesTheClient) {
  Start({.max_body_bytes = 1000});
  const std::string body(100'000, 'x');
  EXPECT_TRUE(
      absl::StartsWith(Exchange(absl::StrCat("POST /echo HTTP/1.1\r\nContent-Length: ", body.size(), "\r\n\r\n", body)),
                       "HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, SlowHeadsEndInBoundedTimeAndOthersAreServedMeanwhile) {
  HttpServerOptions options;
  options.limits.head_timeout = absl::Seconds(2);
  Start(options);
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(std::make_unique<RawClient>(server_->port()));
    slow.back()->Say("G");
  }
  EXPECT_TRUE(absl::StrContains(Exchange(kLastGet), "fine"));
  for (const auto& client : slow) EXPECT_TRUE(absl::StartsWith(client->Hear(), "HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, ATruncatedBodyEndsInBoundedTime) {
  HttpServerOptions options;
  options.limits.body_timeout = absl::Milliseconds(200);
  Start(options);
  EXPECT_TRUE(absl::StartsWith(Exchange("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"), "HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, StopsAcceptingAlsoWhileNoDescriptorIsFree) {
  Start();
  RawClient busy(server_->port());
  busy.Say("GET /block HTTP/1.1\r\nHost: localhost\r\n\r\n");
  blocked_.WaitForNotification();
  const FewDescriptors few(10);
  // One descriptor is of the accepting thread, which takes this connection with it and finds none for the next.
  auto other = std::make_unique<RawClient>(server_->port(), [] {
    std::vector<int> taken;
    for (int copy = dup(STDERR_FILENO); copy >= 0; copy = dup(STDERR_FILENO)) taken.push_back(copy);
    EXPECT_EQ(errno, EMFILE);
    return taken;
  });
  other->Say("GET /block2 HTTP/1.1\r\n");
  while (metrics_.connections.Value() < 2) absl::SleepFor(absl::Milliseconds(1));
  absl::Notification stopped;
  std::thread stopper([&] {
    server_->StopAccepting();
    stopped.Notify();
  });
  EXPECT_TRUE(stopped.WaitForNotificationWithTimeout(absl::Seconds(10)));
  other.reset();
  stopper.join();
  release_.Notify();
  EXPECT_TRUE(absl::StrContains(busy.Hear(), "at last"));
}

TEST_F(HttpServerTest, SaysThatTheProcessMayNotOpenEnoughFiles) {
  const auto logged = [this](size_t max_connections) {
    const FewDescriptors few(1'000);
    common::FlushLog();
    testing::internal::CaptureStderr();
    Start({.max_connections = max_connections});
    common::FlushLog();
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_TRUE(absl::StrContains(logged(1'000), "few_file_descriptors"));
  EXPECT_EQ(logged(100), "");
}

TEST_F(HttpServerTest, ConnectionsOverTheBoundGet503AndRetryAfter) {
  Start({.max_connections = 1});
  RawClient first(server_->port());
  first.Say("GET /block HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  blocked_.WaitForNotification();
  const std::string heard = Exchange(kLastGet);
  EXPECT_TRUE(absl::StartsWith(heard, "HTTP/1.1 503 ")) << heard;
  EXPECT_TRUE(absl::StrContains(heard, "Retry-After: 1")) << heard;
  release_.Notify();
  EXPECT_TRUE(absl::StrContains(first.Hear(), "at last"));
}

TEST_F(HttpServerTest, ConnectionsFromOneAddressCanBeBounded) {
  Start({.max_connections_per_address = 1});
  RawClient first(server_->port());
  first.Say("GET /block HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  blocked_.WaitForNotification();
  const std::string heard = Exchange(kLastGet);
  EXPECT_TRUE(absl::StartsWith(heard, "HTTP/1.1 503 ")) << heard;
  release_.Notify();
  EXPECT_TRUE(absl::StrContains(first.Hear(), "at last"));
  std::string later;
  const absl::Time give_up_time = absl::Now() + absl::Seconds(30);
  do {
    later = Exchange(kLastGet);
  } while (!absl::StrContains(later, "fine") && absl::Now() < give_up_time);
  EXPECT_TRUE(absl::StrContains(later, "fine")) << "the first connection has ended";
}

TEST_F(HttpServerTest, WhileDrainingEachAnswerEndsItsConnection) {
  Start();
  RawClient early(server_->port());
  server_->StartDraining();
  early.Say(kGet);
  const std::string heard = early.Hear();
  EXPECT_TRUE(absl::StrContains(heard, "fine"));
  EXPECT_TRUE(absl::StrContains(heard, "Connection: close")) << heard;
  EXPECT_TRUE(absl::StrContains(Exchange(kGet), "fine")) << "connections are still taken";
}

TEST_F(HttpServerTest, StoppingEndsIdleConnectionsAndLosesNoRequest) {
  Start();
  RawClient idle(server_->port());
  RawClient busy(server_->port());
  busy.Say("GET /block HTTP/1.1\r\nHost: localhost\r\n\r\n");
  blocked_.WaitForNotification();
  server_->StopAccepting();
  EXPECT_EQ(idle.Hear(), "");
  release_.Notify();
  EXPECT_TRUE(absl::StrContains(busy.Hear(), "at last"));
  server_->Finish(absl::Now() + absl::Seconds(10));
}

TEST_F(HttpServerTest, APlainRequestIsAnsweredAsAnyOther) {
  HttpServerOptions options;
  options.limits.body_timeout = absl::Milliseconds(200);
  options.max_body_bytes = 100'000;
  Start(options);
  const std::string kLast = "GET /gone HTTP/1.1\r\nConnection: close\r\n\r\n";
  const auto request = [](absl::string_view path, absl::string_view headers, absl::string_view body, size_t length) {
    return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: localhost\r\nX: a%2Cb\r\n", headers,
                        "Accept: application/json, */*\r\nContent-Length: ", length, "\r\n\r\n", body);
  };
  const std::string long_body(60'000, 'b');
  for (const char* headers : {"", "X-Do: skip\r\n", "X-Do: throw\r\n", "X-Do: stop\r\n", "X-Do: accept\r\n",
                              "X-Do: fail\r\n", "X-Do: large\r\n", "X-Do: stream\r\n", "X-Do: break\r\n",
                              "X-Refuse: 1\r\n", "Connection: keep-alive\r\n", "Connection: close\r\n"}) {
    for (const std::string& body : {std::string("{}"), long_body}) {
      // What comes after the request is served if the connection goes on.
      const auto ask = [&](absl::string_view path) {
        return Sorted(Exchange(absl::StrCat(request(path, headers, body, body.size()), kLast)));
      };
      EXPECT_EQ(ask("/plain"), ask("/whole")) << headers << body.size();
    }
  }
  for (const std::string& broken : {std::string(), std::string("{}")}) {
    const auto ask = [&](absl::string_view path) { return Sorted(Exchange(request(path, "", broken, 10))); };
    EXPECT_EQ(ask("/plain"), ask("/whole")) << "the body ends early";
  }
  EXPECT_EQ(Sorted(Exchange(request("/plain", "", "", 100'001))), Sorted(Exchange(request("/whole", "", "", 100'001))))
      << "the body is too large";
}

TEST_F(HttpServerTest, PlainRequestsCanBePipelined) {
  Start();
  std::string many;
  for (int i = 0; i < 50; ++i) {
    const std::string body = absl::StrCat("body ", i);
    absl::StrAppend(&many, "POST /plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: ", body.size(),
                    i % 2 == 0 ? "\r\nX-Do: skip" : "", "\r\n\r\n", body);
  }
  const std::string heard = Exchange(absl::StrCat(many, kLastGet));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(absl::StrContains(heard, absl::StrCat("|body ", i, "|")), i % 2 == 1) << i;
  }
  EXPECT_TRUE(absl::StrContains(heard, "fine"));
}

TEST_F(HttpServerTest, APlainRequestIsTheLastOneWhileDraining) {
  Start();
  RawClient client(server_->port());
  server_->StartDraining();
  client.Say("POST /plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_TRUE(absl::StrContains(client.Hear(), "Connection: close"));
}

TEST_F(HttpServerTest, ATakenPortIsAnError) {
  Start();
  HttpServerOptions options;
  options.port = server_->port();
  HttpServer second(options, metrics_);
  EXPECT_EQ(second.Bind().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace mcp_edge
