#include "egress/byte-connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "egress/outbound-fixture.h"
#include "egress/target.h"

namespace mayfly::egress {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using Opened = capnp::Response<schema::Entrypoint::ConnectResults>;

class ByteConnectionTest : public OutboundFixture {
public:
  ~ByteConnectionTest() noexcept override {}

  kj::Own<kj::ConnectionReceiver> listener =
      io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();

  kj::String address(kj::StringPtr host = "127.0.0.1") {
    return kj::str(host, ':', listener->getPort());
  }
  void allowAll() { policy.allow("loopback", "test"); }

  Opened connect(schema::Entrypoint::Client entrypoint, kj::StringPtr to) {
    auto request = entrypoint.connectRequest();
    request.setAddress(to);
    return request.send().wait(io.waitScope);
  }
  std::string failure(kj::StringPtr to) {
    auto response = connect(open(), to);
    auto result = response.getResult();
    return result.isFailure() ? describe(result.getFailure()) : "";
  }
  std::string read(schema::ByteSource::Client source) {
    auto request = source.readRequest();
    request.setMaxBytes(100);
    auto response = request.send().wait(io.waitScope);
    if (response.getFailure().getName().size() > 0) return describe(response.getFailure());
    return response.getDone()
               ? "end"
               : std::string(response.getBytes().asChars().begin(), response.getBytes().size());
  }
  auto write(schema::ByteSink::Client sink, kj::StringPtr text) {
    auto request = sink.writeRequest();
    request.setBytes(text.asBytes());
    return request.send();
  }
};

TEST_F(ByteConnectionTest, BytesGoBothWaysAndEachWayEndsByItself) {
  allowAll();
  auto opened = connect(open(), address());
  auto connection = opened.getResult().getConnection();
  EXPECT_EQ(connection.getRemoteAddress(), address());
  EXPECT_FALSE(connection.hasTls());
  auto peer = listener->accept().wait(io.waitScope);

  write(connection.getSink(), "up").wait(io.waitScope);
  char buffer[8];
  EXPECT_EQ(peer->read(buffer, 2, sizeof buffer).wait(io.waitScope), 2u);
  connection.getSink().closeRequest().send().wait(io.waitScope);
  EXPECT_EQ(peer->tryRead(buffer, 1, sizeof buffer).wait(io.waitScope), 0u);

  peer->write("down", 4).wait(io.waitScope);
  EXPECT_EQ(read(connection.getSource()), "down");
  peer->shutdownWrite();
  EXPECT_EQ(read(connection.getSource()), "end");
}

TEST_F(ByteConnectionTest, AForbiddenAddressIsRefusedWithoutSayingWhichItIs) {
  resolver.names["inner.example"] = {"10.1.2.3"};
  auto said = failure("inner.example:5432");
  EXPECT_THAT(
      said, StartsWith("Error ERR_OUTBOUND_BLOCKED connection to inner.example is not permitted"));
  EXPECT_THAT(said, testing::Not(HasSubstr("10.1.2.3")));
  EXPECT_THAT(events.lines, ElementsAre(HasSubstr("10.1.2.3:5432")));
}

TEST_F(ByteConnectionTest, OneForbiddenAddressAmongPublicOnesIsEnough) {
  resolver.names["rebound.example"] = {"93.184.216.34", "127.0.0.1"};
  EXPECT_THAT(failure("rebound.example:443"), StartsWith("Error ERR_OUTBOUND_BLOCKED"));
}

TEST_F(ByteConnectionTest, HostsAreReadAsInUrls) {
  for (auto host :
       {"127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]"}) {
    EXPECT_THAT(failure(address(host)), StartsWith("Error ERR_OUTBOUND_BLOCKED")) << host;
  }
}

TEST_F(ByteConnectionTest, WhatIsNoAddressIsATypeError) {
  for (auto text :
       {"", "a b:1", "u@h:1", "h:1/x", "h:1?x", "h:1#x", "h:1\\x", "h:99999", "http://h:1"}) {
    EXPECT_THAT(failure(text), StartsWith("TypeError ")) << text;
  }
  EXPECT_TRUE(resolver.asked.empty());
}

TEST_F(ByteConnectionTest, MailAndPortZeroAreRefusedButDatabasesAreNot) {
  allowAll();
  for (auto port : {"25", "0"}) {
    EXPECT_THAT(failure(kj::str("127.0.0.1:", port)), StartsWith("Error ERR_OUTBOUND_BLOCKED"));
  }
  EXPECT_TRUE(readSocketTarget("db.example:5432", policy).is<Target>());
  EXPECT_TRUE(readSocketTarget("db.example:6379", policy).is<Target>());
}

TEST_F(ByteConnectionTest, ConnectionsCountAsRequestsUntilBothHalvesAreDropped) {
  allowAll();
  limits.requestsAtOnce = 1;
  auto entrypoint = open();
  kj::Maybe<Opened> first = connect(entrypoint, address());
  auto request = entrypoint.connectRequest();
  request.setAddress(address());
  auto second = request.send();
  EXPECT_FALSE(second.poll(io.waitScope));
  first = nullptr;
  EXPECT_TRUE(second.wait(io.waitScope).getResult().isConnection());
}

TEST_F(ByteConnectionTest, ConnectingTakesNoLongerThanItMay) {
  resolver.hangs = true;
  auto request = open().connectRequest();
  request.setAddress("slow.example:80");
  auto promise = request.send();
  promise.poll(io.waitScope);
  advance(limits.connectTime + 1 * kj::SECONDS);
  auto response = promise.wait(io.waitScope);
  EXPECT_THAT(describe(response.getResult().getFailure()), HasSubstr("ERR_OUTBOUND_TIMEOUT"));
}

TEST_F(ByteConnectionTest, AfterTlsBeginsTheOldStreamsFail) {
  allowAll();
  auto request = open().connectRequest();
  request.setAddress(address());
  request.setSecureTransport(schema::SecureTransport::START_TLS);
  auto opened = request.send().wait(io.waitScope);
  auto connection = opened.getResult().getConnection();
  ASSERT_TRUE(connection.hasTls());
  auto peer = listener->accept().wait(io.waitScope);
  auto starting = connection.getTls().startRequest().send();
  EXPECT_FALSE(starting.poll(io.waitScope));
  EXPECT_THAT(read(connection.getSource()), HasSubstr("Network connection lost."));
  EXPECT_TRUE(write(connection.getSink(), "x").wait(io.waitScope).hasFailure());
  peer = nullptr;
  EXPECT_TRUE(starting.wait(io.waitScope).getResult().isFailure());
}

TEST_F(ByteConnectionTest, ASandboxWithoutNetworkHasNoConnections) {
  auto response = connect(newRefusingEntrypoint(), "example.com:443");
  EXPECT_THAT(describe(response.getResult().getFailure()),
              HasSubstr("not permitted to access the internet"));
}

}  // namespace
}  // namespace mayfly::egress
