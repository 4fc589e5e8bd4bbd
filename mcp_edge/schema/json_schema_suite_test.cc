// Runs the official test suite of JSON Schema 2020-12, whose files are the arguments, and holds to account what
// docs/adr/0007-json-schema-validator.md says is not covered.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "mcp_edge/schema/json_schema.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr char kMetaSchema[] = "https://json-schema.org/draft/2020-12/schema";

// Groups of tests whose schemas are refused, with a part of the reason.
struct NotCovered {
  absl::string_view file;
  absl::string_view group;  // how its description begins
  absl::string_view reason;
};
constexpr NotCovered kNotCovered[] = {
    {"vocabulary.json", "", "the dialect"},
    {"optional/format-assertion.json", "", "the dialect"},
    {"optional/cross-draft.json", "", "leads out of the schema"},
};

// Documents that schemas of the suite refer to, by where the suite wants them to be.
std::map<std::string, json>& Remotes() {
  static auto* const remotes = new std::map<std::string, json>();
  return *remotes;
}

json ReadFile(const std::string& name) {
  std::ifstream file(name);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return json::parse(text);
}

// `schema` with the documents that it needs within it, as 2020-12 has it for compound documents: nothing is fetched.
json Bundle(json schema) {
  if (!schema.is_object() || !absl::StrContains(schema.dump(), "localhost:1234")) return schema;
  std::vector<std::string> added;
  const auto needed = [&](const std::string& uri, const json& document) {
    const std::string text = schema.dump();
    const json id = document.value("$id", uri);
    return std::find(added.begin(), added.end(), uri) == added.end() &&
           absl::StrContains(text, uri.substr(uri.rfind('/') + 1)) &&
           !absl::StrContains(text, absl::StrCat("\"$id\":", id.dump()));
  };
  bool again = true;
  while (again) {
    again = false;
    for (const auto& [uri, document] : Remotes()) {
      if (!needed(uri, document)) continue;
      json embedded = document;
      if (!document.contains("$id")) {
        embedded["$id"] = uri;
      } else if (document["$id"] != uri) {
        embedded = {{"$id", uri}, {"$ref", document["$id"]}, {"$defs", {{"document", document}}}};
      }
      schema["$defs"][absl::StrCat("remote ", added.size())] = embedded;
      added.push_back(uri);
      again = true;
    }
  }
  return schema;
}

class SuiteTest : public ::testing::Test {
 public:
  SuiteTest(std::string name, json groups) : name_(std::move(name)), groups_(std::move(groups)) {}

  void TestBody() override {
    for (const json& group : groups_) {
      const std::string description = group["description"];
      SCOPED_TRACE(absl::StrCat(name_, ": ", description));
      json without_dialect = group["schema"];
      if (without_dialect.is_object()) {
        without_dialect.erase("$schema");
        without_dialect.erase("$comment");
      }
      if (without_dialect == json({{"$ref", kMetaSchema}})) {
        RunAsSchemas(group["tests"]);
        continue;
      }
      const auto schema = JsonSchema::Compile(Bundle(group["schema"]).dump());
      const auto* const not_covered = std::find_if(
          std::begin(kNotCovered), std::end(kNotCovered),
          [&](const NotCovered& row) { return row.file == name_ && absl::StartsWith(description, row.group); });
      if (not_covered != std::end(kNotCovered)) {
        EXPECT_TRUE(absl::StrContains(schema.status().message(), not_covered->reason)) << schema.status();
        continue;
      }
      ASSERT_TRUE(schema.ok()) << schema.status();
      for (const json& test : group["tests"]) {
        const auto problem = (*schema)->Check(test["data"].dump());
        EXPECT_EQ(!problem.has_value(), test["valid"].get<bool>())
            << test["description"] << ": " << problem.value_or("valid");
      }
    }
  }

 private:
  // The meta-schema is not here; what it is for is to tell what a schema is.
  static void RunAsSchemas(const json& tests) {
    for (const json& test : tests) {
      const auto schema = JsonSchema::Compile(test["data"].dump());
      EXPECT_EQ(schema.ok(), test["valid"].get<bool>()) << test["description"] << ": " << schema.status();
    }
  }

  const std::string name_;
  const json groups_;
};

void RegisterFile(const std::string& file) {
  static const std::string kTests = "/tests/draft2020-12/";
  static const std::string kRemotes = "/remotes/";
  if (const size_t at = file.find(kRemotes); at != std::string::npos) {
    // Those that define dialects are no use without dialects.
    if (absl::StrContains(file, "metaschema-") || absl::StrContains(file, "format-assertion-")) return;
    Remotes()[absl::StrCat("http://localhost:1234/", file.substr(at + kRemotes.size()))] = ReadFile(file);
    return;
  }
  const size_t at = file.find(kTests);
  if (at == std::string::npos) return;
  const std::string name = file.substr(at + kTests.size());
  if (absl::StartsWith(name, "optional/format/")) return;  // `format` is an annotation
  ::testing::RegisterTest("JsonSchemaSuite", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [name, file] { return new SuiteTest(name, ReadFile(file)); });
}

}  // namespace
}  // namespace mcp_edge

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) mcp_edge::RegisterFile(argv[i]);
  const int files = ::testing::UnitTest::GetInstance()->total_test_count();
  if (files < 50) {
    ADD_FAILURE() << "only " << files << " files of tests: is libtest-json-schema-acceptance-perl installed?";
    return 1;
  }
  return RUN_ALL_TESTS();
}
