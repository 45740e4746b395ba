#include "observe/redaction.h"

#include <gtest/gtest.h>

namespace mayfly::observe {
namespace {

std::string redacted(kj::StringPtr url) { return redactUrl(url).cStr(); }

TEST(RedactionTest, OrdinaryPathsStayAsTheyAre) {
  for (auto path : {"/", "", "/orders/1234567890?sort=asc&page=2", "/a-rather-long-name-of-a-page",
                    "/caf\xc3\xa9/%20x", "/ABCDEFGHIJKLMNOPQRSTUVWXYZ"})
    EXPECT_EQ(redacted(path), path);
}

TEST(RedactionTest, LongHexIsHidden) {
  EXPECT_EQ(redacted("/t/0123456789abcdef0123456789ABCDEF/x"), "/t/REDACTED/x");
  EXPECT_EQ(redacted("/01234567-89ab-cdef-0123-456789abcdef"), "/REDACTED");
  EXPECT_EQ(redacted("/0123456789abcdef0123456789abcde"), "/0123456789abcdef0123456789abcde");
}

TEST(RedactionTest, LongMixedRunsAreHidden) {
  EXPECT_EQ(redacted("/?t=abcDEF123ghiJKL456mno"), "/?t=REDACTED");
  EXPECT_EQ(redacted("/?t=abcDEF123ghiJKL456mn"), "/?t=abcDEF123ghiJKL456mn");
}

TEST(RedactionTest, CardNumbersAreHidden) {
  EXPECT_EQ(redacted("/pay/4111111111111111"), "/pay/REDACTED");
  EXPECT_EQ(redacted("/pay/4111111111111112"), "/pay/4111111111111112");
}

TEST(RedactionTest, SeveralRunsInOneUrl) {
  EXPECT_EQ(redacted("/4111111111111111/x/4111111111111111"), "/REDACTED/x/REDACTED");
}

}  // namespace
}  // namespace mayfly::observe
