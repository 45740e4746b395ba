#include "egress/address-policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

namespace mayfly::egress {
namespace {

SocketAddress at(kj::StringPtr ip, uint16_t port = 80) {
  return KJ_ASSERT_NONNULL(SocketAddress::tryParse(ip, port), ip);
}

AddressPolicy allowing(std::initializer_list<kj::StringPtr> rules) {
  AddressPolicy policy;
  for (auto rule : rules)
    policy.allow(rule, "wrangler.jsonc:7");
  return policy;
}

TEST(AddressPolicyTest, NothingButPublicUnicastIsAllowedByDefault) {
  AddressPolicy policy;
  for (auto ip : {
           // NET-02, NET-04: IPv4
           "0.0.0.0",
           "0.1.2.3",
           "10.0.0.1",
           "10.255.255.255",
           "100.64.0.1",
           "100.100.100.200",
           "100.127.255.255",
           "127.0.0.1",
           "127.255.255.254",
           "168.63.129.16",
           "169.254.0.1",
           "169.254.169.254",
           "172.16.0.1",
           "172.31.255.255",
           "192.0.0.1",
           "192.0.0.192",
           "192.0.2.1",
           "192.88.99.1",
           "192.168.0.1",
           "198.18.0.1",
           "198.19.255.255",
           "198.51.100.1",
           "203.0.113.1",
           "224.0.0.1",
           "239.255.255.255",
           "240.0.0.1",
           "255.255.255.255",
           // NET-03: IPv6, and IPv4 in its disguises
           "::",
           "::1",
           "::ffff:127.0.0.1",
           "::ffff:7f00:1",
           "::ffff:10.0.0.1",
           "::ffff:169.254.169.254",
           "::127.0.0.1",
           "64:ff9b::7f00:1",
           "64:ff9b::8.8.8.8",
           "64:ff9b:1::1",
           "100::1",
           "2001::1",
           "2001:0:4136:e378:8000:63bf:3fff:fdd2",
           "2001:2::1",
           "2001:10::1",
           "2001:20::1",
           "2001:db8::1",
           "2002:7f00:1::",
           "2002:808:808::1",
           "3fff::1",
           "4000::1",
           "5f00::1",
           "fc00::1",
           "fd00:ec2::254",
           "fe80::1",
           "fec0::1",
           "ff02::1",
       }) {
    EXPECT_EQ(policy.judge("example.com", at(ip)), Verdict::FORBIDDEN) << ip;
  }
}

TEST(AddressPolicyTest, PublicAddressesAreAllowed) {
  AddressPolicy policy;
  for (auto ip : {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255",
                  "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255",
                  "172.15.255.255", "172.32.0.0", "192.0.1.1", "198.17.255.255", "223.255.255.255",
                  "::ffff:8.8.8.8", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1"}) {
    EXPECT_EQ(policy.judge("example.com", at(ip)), Verdict::PUBLIC) << ip;
  }
}

TEST(AddressPolicyTest, AnAddressWithAPortOpensThatPortOnly) {
  auto policy = allowing({"127.0.0.1:9000", "[::1]:9001"});
  EXPECT_EQ(policy.judge("localhost", at("127.0.0.1", 9000)), Verdict::OPERATOR);
  EXPECT_EQ(policy.judge("localhost", at("::ffff:127.0.0.1", 9000)), Verdict::OPERATOR);
  EXPECT_EQ(policy.judge("localhost", at("127.0.0.1", 9001)), Verdict::FORBIDDEN);
  EXPECT_EQ(policy.judge("localhost", at("127.0.0.2", 9000)), Verdict::FORBIDDEN);
  EXPECT_EQ(policy.judge("localhost", at("::1", 9001)), Verdict::OPERATOR);
  EXPECT_EQ(policy.judge("localhost", at("::1", 9000)), Verdict::FORBIDDEN);
}

TEST(AddressPolicyTest, ARangeOpensItself) {
  auto policy = allowing({"10.1.0.0/16", "192.168.7.0/24:8080", "fd00::/8", "[fc00:1::]/32:443"});
  EXPECT_EQ(policy.judge("x", at("10.1.2.3", 5)), Verdict::OPERATOR);
  EXPECT_EQ(policy.judge("x", at("10.2.0.1", 5)), Verdict::FORBIDDEN);
  EXPECT_EQ(policy.judge("x", at("192.168.7.9", 8080)), Verdict::OPERATOR);
  EXPECT_EQ(policy.judge("x", at("192.168.7.9", 80)), Verdict::FORBIDDEN);
  EXPECT_EQ(policy.judge("x", at("fd12::1")), Verdict::OPERATOR);
  EXPECT_EQ(policy.judge("x", at("fc00:1::1", 443)), Verdict::OPERATOR);
  EXPECT_EQ(policy.judge("x", at("fc00:2::1", 443)), Verdict::FORBIDDEN);
}

TEST(AddressPolicyTest, ANameOpensWhateverItResolvesToOnItsPort) {
  auto policy = allowing({"DB.corp:5432"});
  EXPECT_EQ(policy.judge("db.corp", at("10.0.0.5", 5432)), Verdict::OPERATOR);
  EXPECT_EQ(policy.judge("db.corp", at("10.0.0.5", 5433)), Verdict::FORBIDDEN);
  EXPECT_EQ(policy.judge("evil.example", at("10.0.0.5", 5432)), Verdict::FORBIDDEN);
  EXPECT_TRUE(policy.namesPort("db.corp", 5432));
  EXPECT_FALSE(policy.namesPort("evil.example", 5432));
}

TEST(AddressPolicyTest, PrivateIsNotLoopbackNorLinkLocal) {
  auto policy = allowing({"private"});
  for (auto ip : {"10.0.0.1", "172.20.0.1", "192.168.1.1", "fd00::1"}) {
    EXPECT_EQ(policy.judge("x", at(ip)), Verdict::OPERATOR) << ip;
  }
  for (auto ip : {"127.0.0.1", "::1", "169.254.169.254", "fe80::1", "100.64.0.1", "0.0.0.0"}) {
    EXPECT_EQ(policy.judge("x", at(ip)), Verdict::FORBIDDEN) << ip;
  }
  EXPECT_EQ(allowing({"loopback"}).judge("x", at("127.0.0.1")), Verdict::OPERATOR);
}

TEST(AddressPolicyTest, ARangeDoesNotUnblockPorts) {
  EXPECT_FALSE(allowing({"10.0.0.0/8"}).namesPort("10.0.0.1", 6379));
  EXPECT_TRUE(allowing({"10.0.0.1:6379"}).namesPort("10.0.0.1", 6379));
}

TEST(AddressPolicyTest, ARangeDoesNotNamePortZero) {
  EXPECT_FALSE(allowing({"loopback"}).namesPort("127.0.0.1", 0));
  EXPECT_TRUE(allowing({"127.0.0.1:22"}).namesPort("127.0.0.1", 22));
}

TEST(AddressPolicyTest, PortsOfOtherProtocolsAreBlocked) {
  for (uint16_t port : {0, 22, 25, 53, 110, 143, 2375, 6379, 9200, 10080, 11211})
    EXPECT_TRUE(isBlockedPort(port)) << port;
  for (uint16_t port : {80, 443, 3000, 8080, 8443, 65535})
    EXPECT_FALSE(isBlockedPort(port)) << port;
}

TEST(AddressPolicyTest, ARuleThatIsNoneNamesItsPlaceAndRemedy) {
  for (auto rule : {"",
                    "*",
                    "db.corp",
                    "10.0.0.0/33",
                    "10.0.0.0/",
                    "10.0.0/8",
                    "fd00::/129",
                    "host:0",
                    "host:65536",
                    "host:x",
                    "host:",
                    "[::1",
                    "[127.0.0.1]:80",
                    "a b:80",
                    "u@h:80",
                    "127.1:80",
                    "0x7f000001:80",
                    "host/24:80",
                    "10.0.0.0/8:",
                    "http://x:80",
                    "::1/x"}) {
    auto thrown = kj::runCatchingExceptions([&] { allowing({rule}); });
    ASSERT_FALSE(thrown == nullptr) << rule;
    auto text = kj::str(KJ_ASSERT_NONNULL(thrown).getDescription());
    EXPECT_THAT(text.cStr(), testing::StartsWith("error[config.egress-rule]: ")) << rule;
    EXPECT_THAT(text.cStr(), testing::HasSubstr("wrangler.jsonc:7")) << rule;
  }
}

}  // namespace
}  // namespace mayfly::egress
