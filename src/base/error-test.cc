#include "base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

namespace mayfly {
namespace {

OperatorError example() {
  return {
      .code = kj::str("config.unknown-worker"),
      .what = kj::str("no worker is called \"ordres\""),
      .where = kj::str("wrangler.jsonc:14"),
      .why = kj::str("the workers are\n\"shop\" and \"orders\""),
      .fix = kj::str("correct the name"),
  };
}

TEST(OperatorErrorTest, RendersItsPartsUnderEachOther) {
  EXPECT_STREQ(example().render().cStr(),
               "error[config.unknown-worker]: no worker is called \"ordres\"\n"
               "  where  wrangler.jsonc:14\n"
               "  why    the workers are\n"
               "         \"shop\" and \"orders\"\n"
               "  fix    correct the name");
}

TEST(OperatorErrorTest, LeavesOutEmptyParts) {
  OperatorError error{.code = kj::str("a.b"), .what = kj::str("c")};
  EXPECT_STREQ(error.render("warning").cStr(), "warning[a.b]: c");
}

TEST(OperatorErrorTest, IsRecognisedAfterBeingThrown) {
  auto exception = kj::runCatchingExceptions([] { example().raise(); });
  auto& thrown = KJ_ASSERT_NONNULL(exception);
  EXPECT_STREQ(KJ_ASSERT_NONNULL(findOperatorError(thrown)).cStr(), example().render().cStr());
  EXPECT_STREQ(describeForOperator(thrown).cStr(), example().render().cStr());
}

TEST(OperatorErrorTest, AnOrdinaryExceptionIsAFault) {
  auto exception = kj::runCatchingExceptions([] { KJ_FAIL_REQUIRE("wheel came off"); });
  auto& thrown = KJ_ASSERT_NONNULL(exception);
  EXPECT_TRUE(findOperatorError(thrown) == nullptr);
  auto text = describeForOperator(thrown);
  EXPECT_TRUE(text.startsWith("error[internal.fault]: ")) << text.cStr();
  EXPECT_THAT(text.cStr(), testing::HasSubstr("wheel came off"));
}

}  // namespace
}  // namespace mayfly
