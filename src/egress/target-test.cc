#include "egress/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mayfly::egress {
namespace {

kj::String describe(kj::StringPtr url, const AddressPolicy& policy = {}) {
  auto read = readTarget(url, policy);
  if (read.is<Target>()) {
    auto& target = read.get<Target>();
    return kj::str(target.secure ? "https" : "http", ' ', target.host, ' ', target.port, ' ',
                   target.authority, ' ', target.path);
  }
  return kj::str(operatorCode(read.get<Unreachable>().trouble.kind));
}

TEST(TargetTest, SplitsAUrlIntoWhatAConnectionNeeds) {
  EXPECT_STREQ(describe("http://example.com").cStr(), "http example.com 80 example.com /");
  EXPECT_STREQ(describe("https://EXAMPLE.com:443/a%20b?c=d#e").cStr(),
               "https example.com 443 example.com /a%20b?c=d");
  EXPECT_STREQ(describe("https://[2606:4700::1]:8443/x").cStr(),
               "https 2606:4700::1 8443 [2606:4700::1]:8443 /x");
}

// NET-02, NET-08: one parser decides, and it is the one whose result is connected to.
TEST(TargetTest, EverySpellingOfAnAddressComesOutAsThatAddress) {
  for (auto url : {"http://127.0.0.1/", "http://127.1/", "http://0x7f000001/", "http://2130706433/",
                   "http://0177.0.0.1/", "http://127.0.0.1./", "http:\\\\127.0.0.1\\",
                   "http:/127.0.0.1/", "ht\ntp://127.0.0.1/", "http://１２７.0.0.1/",
                   "http://127。0。0。1/", "http://%31%32%37.0.0.1/"}) {
    EXPECT_STREQ(describe(url).cStr(), "http 127.0.0.1 80 127.0.0.1 /") << url;
  }
  EXPECT_STREQ(describe("http://0/").cStr(), "http 0.0.0.0 80 0.0.0.0 /");
  EXPECT_STREQ(describe("http://[::ffff:127.0.0.1]/").cStr(),
               "http ::ffff:7f00:1 80 [::ffff:7f00:1] /");
  EXPECT_STREQ(describe("http://LOCALHOST./").cStr(), "http localhost. 80 localhost. /");
}

TEST(TargetTest, UserNamesAndPasswordsAreRefused) {
  for (auto url : {"http://allowed.example@127.0.0.1/", "http://u:p@example.com/",
                   "http://:p@example.com/", "http://example.com\\@127.0.0.1:u@evil/"}) {
    EXPECT_STREQ(describe(url).cStr(),
                 url == kj::StringPtr("http://example.com\\@127.0.0.1:u@evil/")
                     ? "http example.com 80 example.com /@127.0.0.1:u@evil/"
                     : "egress.malformed")
        << url;
  }
  EXPECT_STREQ(describe("http://a.example#@127.0.0.1/").cStr(), "http a.example 80 a.example /");
}

TEST(TargetTest, WhatIsNoWebUrlIsRefused) {
  for (auto url : {"", "/relative", "ftp://example.com/", "file:///etc/passwd", "unix:/run/x.sock",
                   "data:,x", "http://", "http://exa mple.com/", "http://[::1",
                   "http://[fe80::1%25eth0]/", "http://example.com:65536/", "http://example.com:x/",
                   "gopher://example.com/", "http://a..b\x01/"}) {
    EXPECT_STREQ(describe(url).cStr(), "egress.malformed") << url;
  }
  auto url = kj::str("http://example.com/", kj::repeat('a', MAX_URL_BYTES));
  EXPECT_STREQ(describe(url).cStr(), "egress.malformed");
}

TEST(TargetTest, NoByteOfAUrlCanEndTheRequestLine) {
  EXPECT_STREQ(describe("http://example.com/a\r\nHost: b\r\n\r\nGET /c").cStr(),
               "http example.com 80 example.com /aHost:%20bGET%20/c");
  EXPECT_STREQ(describe(kj::StringPtr("http://example.com/a\0b", 22)).cStr(),
               "http example.com 80 example.com /a%00b");
}

TEST(TargetTest, BlockedPortsNeedARuleThatNamesThem) {
  EXPECT_STREQ(describe("http://example.com:22/").cStr(), "egress.not-allowed");
  EXPECT_STREQ(describe("http://example.com:0/").cStr(), "egress.not-allowed");
  AddressPolicy policy;
  policy.allow("search.corp:9200", "");
  EXPECT_STREQ(describe("http://search.corp:9200/", policy).cStr(),
               "http search.corp 9200 search.corp:9200 /");
  EXPECT_STREQ(describe("http://other.corp:9200/", policy).cStr(), "egress.not-allowed");
}

}  // namespace
}  // namespace mayfly::egress
