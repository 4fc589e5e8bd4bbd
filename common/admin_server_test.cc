#include "common/admin_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "httplib.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace common {
namespace {

TEST(AdminServerTest, ReadyzTellsWhyNot) {
  prometheus::Registry registry;
  absl::Status readiness = absl::UnavailableError("no catalogue yet");
  const auto server = AdminServer::Start(
      "127.0.0.1", 0, [&] { return readiness; }, registry);
  ASSERT_TRUE(server.ok()) << server.status();
  httplib::Client client("127.0.0.1", (*server)->port());
  auto answer = client.Get("/readyz");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "not ready: no catalogue yet\n");
  readiness = absl::OkStatus();
  answer = client.Get("/readyz");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(client.Get("/livez")->status, 200);
}

TEST(AdminServerTest, MetricsAreServedAsText) {
  prometheus::Registry registry;
  prometheus::BuildCounter().Name("calls_total").Help("Calls.").Register(registry).Add({}).Increment(3);
  const auto server = AdminServer::Start(
      "127.0.0.1", 0, [] { return absl::OkStatus(); }, registry);
  ASSERT_TRUE(server.ok());
  const auto answer = httplib::Client("127.0.0.1", (*server)->port()).Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->body.find("calls_total 3"), std::string::npos) << answer->body;
}

TEST(AdminServerTest, ServesFurtherDocumentsAsTheyAreNow) {
  prometheus::Registry registry;
  std::atomic<int> version{1};
  const auto server =
      AdminServer::Start("127.0.0.1", 0, [] { return absl::OkStatus(); }, registry,
                         {{"/keys.json", "application/jwk-set+json", [&] { return std::to_string(version); }}});
  ASSERT_TRUE(server.ok());
  httplib::Client client("127.0.0.1", (*server)->port());
  auto answer = client.Get("/keys.json");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "1");
  EXPECT_EQ(answer->get_header_value("Content-Type"), "application/jwk-set+json");
  version = 2;
  answer = client.Get("/keys.json");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "2");
}

// A connection to 127.0.0.1:`port` on which half a head was sent.
int HalfARequest(int port) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const std::string half = "GET /livez HTTP/1.1\r\nHost: ";
  EXPECT_EQ(send(connection, half.data(), half.size(), MSG_NOSIGNAL), static_cast<ssize_t>(half.size()));
  return connection;
}

TEST(AdminServerTest, OneAddressDoesNotKeepOthersOut) {
  prometheus::Registry registry;
  const auto server = AdminServer::Start(
      "127.0.0.1", 0, [] { return absl::OkStatus(); }, registry);
  ASSERT_TRUE(server.ok());
  std::vector<int> connections;
  for (const int count : {8, 200}) {  // as many as may stay, and more
    for (int i = 0; i < count; ++i) connections.push_back(HalfARequest((*server)->port()));
    httplib::Client other("127.0.0.1", (*server)->port());
    other.set_interface("127.0.0.2");
    other.set_read_timeout(4);  // sooner than the server gives up the others
    const auto answer = other.Get("/livez");
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->status, 200);
  }
  for (const int connection : connections) close(connection);
}

TEST(AdminServerTest, ATakenPortIsAnError) {
  prometheus::Registry registry;
  const auto first = AdminServer::Start(
      "127.0.0.1", 0, [] { return absl::OkStatus(); }, registry);
  ASSERT_TRUE(first.ok());
  const auto second = AdminServer::Start(
      "127.0.0.1", (*first)->port(), [] { return absl::OkStatus(); }, registry);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace common
