#include "mcp_edge/catalog/uri_template.h"

#include <string>

#include "absl/time/time.h"
#include "common/testing/cpu_time.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

bool Matches(const std::string& uri_template, const std::string& uri) { return UriTemplate(uri_template).Matches(uri); }

TEST(UriTemplateTest, LiteralsMatchThemselves) {
  EXPECT_TRUE(Matches("file:///a", "file:///a"));
  EXPECT_FALSE(Matches("file:///a", "file:///ab"));
  EXPECT_FALSE(Matches("file:///a", "file:///"));
  EXPECT_TRUE(Matches("", ""));
  EXPECT_FALSE(Matches("", "a"));
}

TEST(UriTemplateTest, SimpleExpressionIsPartOfOneSegment) {
  EXPECT_TRUE(Matches("test://template/{id}/data", "test://template/123/data"));
  EXPECT_FALSE(Matches("test://template/{id}/data", "test://template//data"));
  EXPECT_FALSE(Matches("test://template/{id}/data", "test://template/1/2/data"));
  EXPECT_FALSE(Matches("test://template/{id}/data", "test://template/123/data/"));
  EXPECT_TRUE(Matches("x:{a}-{b}/c", "x:1-2-3/c"));
  EXPECT_TRUE(Matches("x:{a}b", "x:bbb"));
  EXPECT_FALSE(Matches("x:{a}b", "x:b"));
  EXPECT_TRUE(Matches("x:{a}{b}", "x:12"));
  EXPECT_FALSE(Matches("x:{a}{b}", "x:1"));
  EXPECT_TRUE(Matches("x:{a,b:3}", "x:1,2"));
  EXPECT_FALSE(Matches("x:{a}", "x:1?b"));
  EXPECT_FALSE(Matches("x:{a}", "x:1#b"));
  EXPECT_TRUE(Matches("x:{a}?{b}", "x:1?b"));
}

TEST(UriTemplateTest, ReservedExpressionIsAnything) {
  EXPECT_TRUE(Matches("file:///{+path}", "file:///a/b/c"));
  EXPECT_TRUE(Matches("file:///{+path}", "file:///"));
  EXPECT_TRUE(Matches("x:{+a}/end", "x:1/end/2/end"));
  EXPECT_FALSE(Matches("x:{+a}/end", "x:1/end/2"));
  EXPECT_TRUE(Matches("x:{+a}/{b}/c", "x:1/2/3/4/c"));
}

TEST(UriTemplateTest, OtherOperatorsAreTheRest) {
  EXPECT_TRUE(Matches("x:s{?q,lang}", "x:s?q=1&lang=de"));
  EXPECT_TRUE(Matches("x:s{?q}", "x:s"));
  EXPECT_TRUE(Matches("x:s{/path*}/ignored", "x:s/a/b"));
  EXPECT_FALSE(Matches("x:s{?q}", "x:t?q=1"));
  for (const char op : std::string("?/.;#&")) {
    const std::string uri_template = std::string("x:s{") + op + "q}";
    EXPECT_TRUE(Matches(uri_template, "x:s")) << op;
    EXPECT_TRUE(Matches(uri_template, std::string("x:s") + op + "1/2?3#4")) << op;
    EXPECT_FALSE(Matches(uri_template, "x:secret")) << op;
    EXPECT_FALSE(Matches(uri_template, std::string("x:sa") + op + "1")) << op;
  }
  // Without a value it leaves nothing.
  EXPECT_TRUE(Matches("x:s{?q}{#f}", "x:s#f"));
  EXPECT_TRUE(Matches("x:{a}{.ext}/tail", "x:1/tail"));
  EXPECT_FALSE(Matches("x:{a}{.ext}/tail", "x:1/other"));
}

TEST(UriTemplateTest, UnfinishedTemplatesAreNoTrouble) {
  EXPECT_TRUE(Matches("x:{", "x:1"));
  EXPECT_TRUE(Matches("x:{}", "x:1"));
  EXPECT_FALSE(Matches("x:}", "x:1"));
}

TEST(UriTemplateTest, NothingMakesItGoBack) {
  std::string uri_template = "x:";
  while (uri_template.size() < 2000) uri_template += "{+a}a{b}";
  const std::string uri = "x:" + std::string(8000, 'a') + "/";
  const absl::Duration start = common::ProcessCpuTime();
  EXPECT_FALSE(Matches(uri_template, uri));
  EXPECT_LT(common::ProcessCpuTime() - start, absl::Seconds(1));
}

}  // namespace
}  // namespace mcp_edge
