#include "supervisor/listening-socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include <string>

namespace mayfly::supervisor {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string refusalOf(kj::StringPtr address) {
  KJ_IF_MAYBE (e, kj::runCatchingExceptions([&]() { ListeningSocket socket(address); }))
    return e->getDescription().cStr();
  return "was not refused";
}

TEST(ListeningSocketTest, PortZeroIsAFreeOne) {
  ListeningSocket socket("127.0.0.1:0");
  EXPECT_TRUE(socket.url().startsWith("http://127.0.0.1:"));
  EXPECT_STRNE(socket.url().cStr(), "http://127.0.0.1:0");
}

TEST(ListeningSocketTest, APortBeyondTheRangeIsNotTakenModulo) {
  for (auto address : {"127.0.0.1:65536"_kj, "127.0.0.1:99999"_kj, "[::1]:4294967296"_kj,
                       "127.0.0.1:18446744073709551616"_kj, "127.0.0.1:-1"_kj, "127.0.0.1:+0"_kj,
                       "127.0.0.1: 0"_kj, "127.0.0.1:http"_kj}) {
    auto text = refusalOf(address);
    EXPECT_THAT(text, StartsWith("error[serve.address]")) << address.cStr();
    EXPECT_THAT(text, HasSubstr("0 to 65535"));
  }
}

TEST(ListeningSocketTest, WhatIsNoAddressIsRefused) {
  for (auto address : {""_kj, ":"_kj, "127.0.0.1"_kj, "127.0.0.1:"_kj, ":8787"_kj, "[]:0"_kj}) {
    auto text = refusalOf(address);
    EXPECT_THAT(text, StartsWith("error[serve.address]")) << address.cStr();
    EXPECT_THAT(text, HasSubstr("0 to 65535"));
  }
}

TEST(ListeningSocketTest, ABusyPortIsSaidToBeBusy) {
  ListeningSocket first("127.0.0.1:0");
  EXPECT_THAT(refusalOf(first.url().slice(strlen("http://"))),
              StartsWith("error[serve.port-in-use]"));
}

}  // namespace
}  // namespace mayfly::supervisor
