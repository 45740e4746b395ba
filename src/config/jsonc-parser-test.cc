#include "config/jsonc-parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/temp-directory.h"

namespace mayfly::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string parsed(kj::StringPtr text) { return parseJsonc(text, "f.jsonc").toJson().cStr(); }

std::string failure(kj::StringPtr text) {
  return errorOf([&] { parseJsonc(text, "f.jsonc"); });
}

TEST(JsoncParserTest, ReadsEveryKindOfValue) {
  EXPECT_EQ(
      parsed(R"({"a": [1, -2, 3.5e10, true, false, null, "x\n\u00e9\"", {}], "b": {"c": []}})"),
      "{\"a\":[1,-2,3.5e10,true,false,null,\"x\\né\\\"\",{}],\"b\":{\"c\":[]}}");
  EXPECT_EQ(parsed("18446744073709551615"), "18446744073709551615");
}

TEST(JsoncParserTest, CommentsAndTrailingCommasAreLeftOut) {
  EXPECT_EQ(parsed("// first\n{ /* a */ \"a\": 1, // b\n \"b\": [1, 2, /* c */ ],\n}\n// last"),
            "{\"a\":1,\"b\":[1,2]}");
}

TEST(JsoncParserTest, WhatLooksLikeACommentInAStringIsText) {
  EXPECT_EQ(parsed(R"({"url": "http://x/*y*/", "q": "\"//,]", "z": ",}"})"),
            R"({"url":"http://x/*y*/","q":"\"//,]","z":",}"})");
}

TEST(JsoncParserTest, ByteOrderMarkAndCarriageReturnsAreAllowed) {
  EXPECT_EQ(parsed("\xef\xbb\xbf{\r\n\"a\":1,\r\n}\r\n"), "{\"a\":1}");
}

TEST(JsoncParserTest, CommasThatTrailNothingAreErrors) {
  for (auto text : {"[,]", "{,}", "[1,,]", "[1,,2]", "{\"a\":,}", "[1],", "{\"a\":1,,}", ","}) {
    EXPECT_THAT(failure(text), StartsWith("error[config.syntax]: ")) << text;
  }
}

TEST(JsoncParserTest, SyntaxErrorsNameLineAndColumn) {
  EXPECT_THAT(failure("{\n  \"a\": 1\n  \"b\": 2\n}"), HasSubstr("where  f.jsonc:3:5"));
  EXPECT_THAT(failure("// c\n{\"a\": nope}"), HasSubstr("where  f.jsonc:2:8"));
  EXPECT_THAT(failure("{\"a\": 1"), HasSubstr("where  f.jsonc:1:7"));
}

TEST(JsoncParserTest, OddInputIsRefused) {
  for (auto text :
       {"", " ", "// only a comment", "/* never ends", "name: x", "{\"a\": 'x'}", "{a: 1}",
        "\"open", "{\"a\": \"\n\"}", "[1] [2]", "{\"a\": 0x10}", "{\"a\": .5}", "{\"a\": NaN}",
        "\x01", "{\"a\": \"\xff\"}", "{\"a\": \"\\ud800\"}"}) {
    EXPECT_THAT(failure(text), StartsWith("error[config.syntax]: ")) << text;
  }
  EXPECT_THAT(failure(kj::StringPtr("{}\0", 3)), StartsWith("error[config.syntax]: "));
}

TEST(JsoncParserTest, ADuplicateKeyNamesBothLines) {
  auto text = failure("{\n\"a\": 1,\n\"b\": {\"a\": 2},\n\"a\": 3\n}");
  EXPECT_THAT(text, StartsWith("error[config.duplicate-key]: the key \"a\" stands twice"));
  EXPECT_THAT(text, HasSubstr("f.jsonc:4"));
  EXPECT_THAT(text, HasSubstr("line 2"));
}

TEST(JsoncParserTest, DeepNestingIsRefusedAndNotRecursedInto) {
  EXPECT_THAT(failure(kj::str(kj::repeat('[', 1'000'000))), HasSubstr("nested more than"));
}

TEST(JsoncParserTest, ValuesKnowTheirLines) {
  auto tree = parseJsonc("{\n\"a\": 1,\n\n\"b\": [\n\"x\"\n],\n\"c\": 5\n}", "f");
  EXPECT_EQ(tree.items[0].line, 2u);
  EXPECT_EQ(tree.items[1].line, 4u);
  EXPECT_EQ(tree.items[1].items[0].line, 5u);
  EXPECT_EQ(tree.items[2].line, 7u);
}

}  // namespace
}  // namespace mayfly::config
