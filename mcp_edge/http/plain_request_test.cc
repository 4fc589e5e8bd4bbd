#include "mcp_edge/http/plain_request.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

std::optional<size_t> Read(const std::string& lines) {
  httplib::Request request;
  return ReadPlainHead(lines, request);
}

TEST(PlainRequestTest, SaysWhatTheHeadSays) {
  httplib::Request request;
  EXPECT_EQ(ReadPlainHead("POST /a/b-c.d_e~1 HTTP/1.1\r\nHost: localhost:1\r\nX:\t a%2Cb \"c\"  \r\nx: 2\r\n"
                          "Accept: application/json, text/event-stream,*/*\r\nConnection: Keep-Alive\r\n"
                          "content-length: 12",
                          request),
            12);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a/b-c.d_e~1");
  EXPECT_EQ(request.path, "/a/b-c.d_e~1");
  EXPECT_EQ(request.version, "HTTP/1.1");
  EXPECT_EQ(request.headers.size(), 6);
  EXPECT_EQ(request.get_header_value("host"), "localhost:1");
  EXPECT_EQ(request.get_header_value_count("X"), 2);
  const auto [begin, end] = request.headers.equal_range("X");
  EXPECT_TRUE(begin->second == "a%2Cb \"c\"" || std::next(begin)->second == "a%2Cb \"c\"");
  EXPECT_EQ(request.get_header_value("Content-Length"), "12");
}

TEST(PlainRequestTest, OtherRequestLinesAreNotPlain) {
  ASSERT_TRUE(Read("POST /a HTTP/1.1\r\nContent-Length: 1").has_value());
  for (const char* line :
       {"GET /a HTTP/1.1", "post /a HTTP/1.1", "POST /a HTTP/1.0", "POST /a HTTP/1.1 ", "POST /a", "POST  /a HTTP/1.1",
        "POST /a  HTTP/1.1", "POST a HTTP/1.1", "POST * HTTP/1.1", "POST /a?b HTTP/1.1", "POST /a#b HTTP/1.1",
        "POST /%61 HTTP/1.1", "POST /a+b HTTP/1.1", "POST http://h/a HTTP/1.1", "POST  HTTP/1.1", ""}) {
    EXPECT_FALSE(Read(absl::StrCat(line, "\r\nContent-Length: 1")).has_value()) << line;
  }
}

TEST(PlainRequestTest, OtherHeadersAreNotPlain) {
  const std::string first = "POST /a HTTP/1.1\r\nContent-Length: 1\r\n";
  for (const char* good : {"Connection: keep-alive", "Accept: */*", "Accept: application/json;q=0.5, text/html",
                           "Accept: a/b", "X-Forwarded-For: 10.0.0.1", "Accept-Encoding: gzip, br"}) {
    EXPECT_TRUE(Read(first + good).has_value()) << good;
  }
  for (const char* other : {"no colon",
                            ": a",
                            "X: ",
                            "X:",
                            "X : a",
                            " X: a",
                            "X: \xC3\xA9",
                            "X: a\tb",
                            "X\xC3: a",
                            "Connection: close",
                            "Connection: upgrade",
                            "Connection: keep-alive, TE",
                            "Expect: 100-continue",
                            "Range: bytes=0-1",
                            "range: x",
                            "Upgrade: websocket",
                            "Content-Encoding: gzip",
                            "Transfer-Encoding: chunked",
                            "Content-Length: 1",
                            "Accept: application/json,",
                            "Accept: json",
                            "Accept: a/b;q=2",
                            "Accept: a/b\r\nAccept: a/c"}) {
    EXPECT_FALSE(Read(first + other).has_value()) << other;
  }
}

TEST(PlainRequestTest, TheBodyHasAKnownLength) {
  EXPECT_FALSE(Read("POST /a HTTP/1.1\r\nHost: a").has_value());
  EXPECT_FALSE(Read("POST /a HTTP/1.1\r\nContent-Length: 0").has_value());
  EXPECT_FALSE(Read("POST /a HTTP/1.1\r\nContent-Length: 1, 1").has_value());
  EXPECT_EQ(Read("POST /a HTTP/1.1\r\nContent-Length: 999999999999999999"), 999'999'999'999'999'999);
}

}  // namespace
}  // namespace mcp_edge
