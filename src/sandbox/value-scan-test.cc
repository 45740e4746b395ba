#include "sandbox/value-scan.h"

#include <gtest/gtest.h>
#include <kj/string.h>
#include <kj/vector.h>

#include <string>

namespace mayfly::sandbox {
namespace {

constexpr uint64_t BUDGET = 1 << 20;

ValueVerdict scan(const std::string& value, uint64_t budget = BUDGET) {
  auto bytes = "\xff\x0f" + value;
  return scanValue(kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()),
                   budget);
}

std::string repeated(const std::string& text, size_t count) {
  std::string result;
  result.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i)
    result += text;
  return result;
}

TEST(ValueScan, WhatProgramsSendIsAffordable) {
  for (std::string value : {
           std::string("_"),
           std::string("0"),
           std::string("I\x02"),
           std::string("N\0\0\0\0\0\0\0\0", 9),
           std::string("\"\x03"
                       "abc"),
           std::string("\0c\x02"
                       "a\0",
                       5),
           std::string("o\"\x01"
                       "aI\x02{\x01"),
           std::string("A\x02I\x02T$\0\x02", 8),
           std::string(";I\x02T:\x02"),
           std::string("'T,\x01"),
           std::string("D\0\0\0\0\0\0\0\0", 9),
           std::string("R\"\x01"
                       "x\0",
                       5),
           std::string("B\x02"
                       "xyVB\0\x02\0",
                       9),
           std::string("Z\x10"
                       "12345678"),
           std::string("\\\x07"
                       "o{\0",
                       5),
       }) {
    EXPECT_EQ(scan(value), ValueVerdict::AFFORDABLE) << value;
  }
}

TEST(ValueScan, RoomForHolesIsCounted) {
  EXPECT_EQ(scan(std::string("a\x10@\0\x10", 5)), ValueVerdict::AFFORDABLE);
  EXPECT_EQ(scan(std::string("a\xff\xff\xff\x0f@\0\xff\xff\xff\x0f", 11)),
            ValueVerdict::TOO_COSTLY);
}

TEST(ValueScan, ManySmallContainersAreCounted) {
  EXPECT_EQ(scan(repeated(std::string(";:\0", 3), 100)), ValueVerdict::AFFORDABLE);
  EXPECT_EQ(scan(repeated(std::string(";:\0", 3), 10'000)), ValueVerdict::TOO_COSTLY);
  EXPECT_EQ(scan(repeated(std::string("o{\0", 3), 20'000)), ValueVerdict::TOO_COSTLY);
  EXPECT_EQ(scan(repeated("\\\x03_", 2'000)), ValueVerdict::TOO_COSTLY);
}

TEST(ValueScan, BytesCostWhatTheyAre) {
  std::string half(BUDGET / 2, 'x');
  EXPECT_EQ(scan(std::string("\"\x80\x80\x20") + half), ValueVerdict::AFFORDABLE);
  EXPECT_EQ(scan(std::string("B\x80\x80\x20") + half), ValueVerdict::AFFORDABLE);
  EXPECT_EQ(scan(std::string("B\x80\x80\x20") + half, BUDGET / 4), ValueVerdict::TOO_COSTLY);
}

TEST(ValueScan, WhatOursNeverWritesIsMalformed) {
  for (auto value : {"t\x01", "u\x01", "p\x01", "w\x01", "m\x01", "rE.", "Q"})
    EXPECT_EQ(scan(value), ValueVerdict::MALFORMED) << value;
}

TEST(ValueScan, WhatIsCutShortIsMalformed) {
  for (auto value : {"N123",
                     "\"\x05"
                     "abc",
                     "B\x7f", "I", "I\x80", "R", "RI\x02", "\\", "VB"})
    EXPECT_EQ(scan(value), ValueVerdict::MALFORMED) << value;
  EXPECT_EQ(scanValue(nullptr, BUDGET), ValueVerdict::MALFORMED);
}

TEST(ValueScan, NumbersLongerThanTheirTypeAreMalformed) {
  EXPECT_EQ(scan("I\x80\x80\x80\x80\x80\x01"), ValueVerdict::MALFORMED);
}

TEST(ValueScan, OtherVersionsAreMalformed) {
  for (auto header : {"\xff\x0e_", "\xff\x10_", "_"}) {
    std::string bytes(header);
    EXPECT_EQ(scanValue(kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()),
                        BUDGET),
              ValueVerdict::MALFORMED);
  }
}

TEST(ValueScan, NothingNestsOnTheStack) {
  EXPECT_EQ(scan(repeated("o\"\x01"
                          "a",
                          2'000'000),
                 1ull << 40),
            ValueVerdict::AFFORDABLE);
}

}  // namespace
}  // namespace mayfly::sandbox
