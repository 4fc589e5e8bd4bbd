#include "mcp_edge/tools/trace_context.h"

#include <string>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

constexpr char kParent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContextTest, KeepsWhatIsValid) {
  const TraceContext context = MakeTraceContext(kParent, "congo=t61rcWkgMzE", "userId=alice");
  EXPECT_EQ(context.traceparent, kParent);
  EXPECT_EQ(context.tracestate, "congo=t61rcWkgMzE");
  EXPECT_EQ(context.baggage, "userId=alice");
}

TEST(TraceContextTest, KeepsTheParentOfALaterVersion) {
  const std::string later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes";
  EXPECT_EQ(MakeTraceContext(later, "", "").traceparent, later);
}

TEST(TraceContextTest, DropsABadParentAndItsState) {
  for (const char* bad : {"", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                          "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                          "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
                          "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\n"}) {
    const TraceContext context = MakeTraceContext(bad, "congo=t61rcWkgMzE", "userId=alice");
    EXPECT_EQ(context.traceparent, "") << bad;
    EXPECT_EQ(context.tracestate, "") << bad;
    EXPECT_EQ(context.baggage, "userId=alice") << bad;
  }
}

TEST(TraceContextTest, DropsWhatIsTooLongOrNotPrintable) {
  EXPECT_EQ(MakeTraceContext(kParent, std::string(513, 'a'), "").tracestate, "");
  EXPECT_EQ(MakeTraceContext(kParent, std::string(512, 'a'), "").tracestate.size(), 512u);
  EXPECT_EQ(MakeTraceContext(kParent, "a\r\nb", "").tracestate, "");
  EXPECT_EQ(MakeTraceContext(kParent, "", std::string(8193, 'a')).baggage, "");
  EXPECT_EQ(MakeTraceContext(kParent, "", "caf\xc3\xa9").baggage, "");
}

}  // namespace
}  // namespace mcp_edge
