#include "config/toml-parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/temp-directory.h"

namespace mayfly::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(TomlParserTest, GivesTheTreeThatJsonWouldGive) {
  auto tree = parseToml(
      "name = \"a\" # c\ncompatibility_date = 2026-01-02\n[vars]\nn = 1\nf = 1.5\nb = true\nl = "
      "[1, \"x\"]\n"
      "[[services]]\nbinding = \"S\"\nservice = 's'\n",
      "w.toml");
  EXPECT_EQ(std::string(tree.toJson().cStr()),
            "{\"compatibility_date\":\"2026-01-02\",\"name\":\"a\",\"services\":[{\"binding\":"
            "\"S\",\"service\":\"s\"}],"
            "\"vars\":{\"b\":true,\"f\":1.5,\"l\":[1,\"x\"],\"n\":1}}");
  EXPECT_EQ(tree.items[1].line, 1u);
}

TEST(TomlParserTest, ErrorsNameLineAndColumn) {
  auto text = errorOf([] { parseToml("name = \"a\"\nmain = oops\n", "w.toml"); });
  EXPECT_THAT(text, StartsWith("error[config.syntax]: this is not TOML"));
  EXPECT_THAT(text, HasSubstr("w.toml:2:"));
  EXPECT_THAT(errorOf([] { parseToml("a = 1\na = 2", "w.toml"); }), HasSubstr("w.toml:2:"));
  EXPECT_THAT(errorOf([] { parseToml("a = inf", "w.toml"); }), StartsWith("error[config.syntax]"));
}

}  // namespace
}  // namespace mayfly::config
