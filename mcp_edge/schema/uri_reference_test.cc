#include "mcp_edge/schema/uri_reference.h"

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(ResolveUriTest, ExamplesOfTheRfc) {  // RFC 3986, section 5.4, fragments aside
  constexpr char kBase[] = "http://a/b/c/d;p?q";
  constexpr struct {
    const char* reference;
    const char* result;
  } kCases[] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {";x", "http://a/b/c/;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {"..g", "http://a/b/c/..g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/../y", "http://a/b/c/y"},
  };
  for (const auto& test : kCases) EXPECT_EQ(ResolveUri(kBase, test.reference), test.result) << test.reference;
  EXPECT_EQ(ResolveUri("urn:uuid:1", "#/a"), "urn:uuid:1");
  EXPECT_EQ(ResolveUri("http://a", "b"), "http://a/b");
}

TEST(FragmentOfTest, UndoesPercentEncoding) {
  EXPECT_EQ(FragmentOf("a"), "");
  EXPECT_EQ(FragmentOf("a#"), "");
  EXPECT_EQ(FragmentOf("a#/b%25c%22"), "/b%c\"");
  EXPECT_EQ(FragmentOf("#%4"), "%4");
}

}  // namespace
}  // namespace mcp_edge
