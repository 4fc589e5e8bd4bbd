#include "mcp_edge/rpc/grpc_wire.h"

#include <string>
#include <vector>

#include "gatehouse/tool/v1/tool.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using ::testing::ElementsAre;

TEST(FrameMessageTest, PutsTheLengthBeforeTheMessage) {
  gatehouse::tool::v1::CallToolRequest request;
  EXPECT_EQ(FrameMessage(request), std::string(5, '\0'));
  request.set_name(std::string(300, 'x'));
  const std::string framed = FrameMessage(request);
  EXPECT_EQ(framed.substr(0, 5), std::string("\0\0\0\x01\x2f", 5));
  EXPECT_EQ(framed.substr(5), request.SerializeAsString());
}

TEST(EncodeTimeoutTest, HasAtMostEightDigits) {
  EXPECT_EQ(EncodeTimeout(absl::InfiniteDuration()), "");
  EXPECT_EQ(EncodeTimeout(absl::ZeroDuration()), "1n");
  EXPECT_EQ(EncodeTimeout(-absl::InfiniteDuration()), "1n");
  EXPECT_EQ(EncodeTimeout(absl::Nanoseconds(99'999'999)), "99999999n");
  EXPECT_EQ(EncodeTimeout(absl::Milliseconds(100)), "100000u");
  EXPECT_EQ(EncodeTimeout(absl::Seconds(100)), "100000m");
  EXPECT_EQ(EncodeTimeout(absl::Hours(30)), "108000S");
  EXPECT_EQ(EncodeTimeout(absl::Hours(100'000)), "6000000M");
  EXPECT_EQ(EncodeTimeout(absl::Hours(2'000'000'000)), "99999999H");
}

TEST(DecodeStatusTest, ReadsCodesAndMessages) {
  EXPECT_EQ(DecodeStatusMessage("plain"), "plain");
  EXPECT_EQ(DecodeStatusMessage("a%20b%0a%C3%a4"), "a b\n\xc3\xa4");
  EXPECT_EQ(DecodeStatusMessage("100%"), "100%");
  EXPECT_EQ(DecodeStatusMessage("%2"), "%2");
  EXPECT_EQ(DecodeStatusMessage("%zz%41"), "%zzA");
  EXPECT_EQ(DecodeStatusCode("0"), absl::StatusCode::kOk);
  EXPECT_EQ(DecodeStatusCode("14"), absl::StatusCode::kUnavailable);
  for (const char* odd : {"", "17", "-1", "x", "99999999999999999999"}) {
    EXPECT_EQ(DecodeStatusCode(odd), absl::StatusCode::kUnknown) << odd;
  }
}

TEST(StatusCodeTest, FollowsTheSpecification) {
  EXPECT_EQ(StatusCodeForHttp(400), absl::StatusCode::kInternal);
  EXPECT_EQ(StatusCodeForHttp(401), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(StatusCodeForHttp(403), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(StatusCodeForHttp(404), absl::StatusCode::kUnimplemented);
  for (const int status : {429, 502, 503, 504}) EXPECT_EQ(StatusCodeForHttp(status), absl::StatusCode::kUnavailable);
  for (const int status : {0, 301, 418, 500}) EXPECT_EQ(StatusCodeForHttp(status), absl::StatusCode::kUnknown);
  EXPECT_EQ(StatusCodeForReset(0), absl::StatusCode::kInternal);
  EXPECT_EQ(StatusCodeForReset(7), absl::StatusCode::kUnavailable);
  EXPECT_EQ(StatusCodeForReset(8), absl::StatusCode::kCancelled);
  EXPECT_EQ(StatusCodeForReset(11), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(StatusCodeForReset(12), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(StatusCodeForReset(0xffffffff), absl::StatusCode::kInternal);
}

std::string Prefixed(const std::string& message) {
  std::string prefix(5, '\0');
  prefix[3] = static_cast<char>(message.size() >> 8);
  prefix[4] = static_cast<char>(message.size());
  return prefix + message;
}

TEST(MessageReaderTest, CutsTheStreamWhereverItsPiecesEnd) {
  const std::string stream = Prefixed("one") + Prefixed("") + Prefixed(std::string(300, 'x')) + Prefixed("");
  for (size_t size = 1; size <= stream.size(); ++size) {
    MessageReader reader(300);
    std::vector<std::string> messages;
    for (size_t at = 0; at < stream.size(); at += size) {
      const absl::Status status = reader.Add(absl::string_view(stream).substr(at, size),
                                             [&](std::string& message) { messages.push_back(std::move(message)); });
      ASSERT_TRUE(status.ok()) << status;
    }
    EXPECT_THAT(messages, ElementsAre("one", "", std::string(300, 'x'), "")) << size;
    EXPECT_FALSE(reader.has_part());
  }
}

TEST(MessageReaderTest, KnowsOfAPart) {
  MessageReader reader(300);
  const auto none = [](std::string&) { FAIL(); };
  ASSERT_TRUE(reader.Add(Prefixed("one").substr(0, 3), none).ok());
  EXPECT_TRUE(reader.has_part());
  ASSERT_TRUE(reader.Add(Prefixed("one").substr(3, 2), none).ok());
  EXPECT_TRUE(reader.has_part());
}

TEST(MessageReaderTest, RefusesWhatIsTooLongOrCompressed) {
  const auto none = [](std::string&) { FAIL(); };
  EXPECT_EQ(MessageReader(2).Add(Prefixed("one"), none).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MessageReader(2).Add("\xff\xff\xff\xff\xff", none).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(MessageReader(2).Add(absl::string_view("\0\xff\xff\xff\xff", 5), none).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MessageReader(2).Add(absl::string_view("\1\0\0\0\0", 5), none).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace mcp_edge
