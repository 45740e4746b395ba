#include "base/text-escape.h"

#include <gtest/gtest.h>

namespace mayfly {
namespace {

TEST(TextEscapeTest, LeavesReadableTextAlone) {
  EXPECT_STREQ(escapeLine("Grüße, 世界 🦋 \"x\\y\""_kj).cStr(), "Grüße, 世界 🦋 \"x\\y\"");
}

TEST(TextEscapeTest, TerminalEscapesBecomeVisible) {
  EXPECT_STREQ(escapeLine("\x1b[31mred\x1b]0;title\x07\xc2\x9b"_kj).cStr(),
               "\\x1b[31mred\\x1b]0;title\\x07\\x9b");
}

TEST(TextEscapeTest, LineBreaksOfAllKindsBecomeVisible) {
  EXPECT_STREQ(escapeLine("a\r\nb\tc\xe2\x80\xa8"
                          "d\xc2\x85"
                          "e"_kj)
                   .cStr(),
               "a\\r\\nb\\tc\\u{2028}d\\x85e");
}

TEST(TextEscapeTest, DirectionOverridesAndInvisibleTagsBecomeVisible) {
  EXPECT_STREQ(escapeLine("\xe2\x80\xae"
                          "txt\xf3\xa0\x81\x81"_kj)
                   .cStr(),
               "\\u{202e}txt\\u{e0041}");
}

TEST(TextEscapeTest, NulAndInvalidBytesBecomeVisible) {
  EXPECT_STREQ(escapeLine(kj::StringPtr("a\0b", 3)).cStr(), "a\\x00b");
  EXPECT_STREQ(escapeLine("\xff\xc0\x80\xed\xa0\x80\xe2\x82"_kj).cStr(),
               "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x82");
}

TEST(TextEscapeTest, SeveralLinesStaySeveralLines) {
  EXPECT_STREQ(escapeLines("a\n\x1b[2Jb\r\n\nc\n"_kj, "  ").cStr(),
               "a\n  \\x1b[2Jb\\r\n  \n  c\n  ");
  EXPECT_STREQ(escapeLines(""_kj, "  ").cStr(), "");
  EXPECT_STREQ(escapeLines("a\nb"_kj).cStr(), "a\nb");
}

TEST(TextEscapeTest, JsonLiteralsAreAsciiSafeWhereItMatters) {
  EXPECT_STREQ(quoteJson("a\"b\\c\n\x1b\xff"_kj).cStr(), "\"a\\\"b\\\\c\\n\\u001b\\ufffd\"");
  EXPECT_STREQ(quoteJson("\xf3\xa0\x81\x81\xe2\x80\xae"_kj).cStr(), "\"\\udb40\\udc41\\u202e\"");
}

}  // namespace
}  // namespace mayfly
