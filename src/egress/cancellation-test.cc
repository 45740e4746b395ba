// A guest who goes away takes its traffic along: what it cancels at the far end of its connection to the supervisor
// ends at the server and at the source of the request's body.
#include <capnp/rpc-twoparty.h>
#include <gtest/gtest.h>

#include "egress/outbound-fixture.h"

namespace mayfly::egress {
namespace {

// Goes silent, and tells when it is read from and when nobody wants it any more.
class WatchedSource final : public schema::ByteSource::Server {
public:
  WatchedSource(bool& wasRead, bool& wasDropped) : wasRead(wasRead), wasDropped(wasDropped) {}
  ~WatchedSource() noexcept(false) { wasDropped = true; }

  kj::Promise<void> read(ReadContext) override {
    wasRead = true;
    return kj::NEVER_DONE;
  }

private:
  bool& wasRead;
  bool& wasDropped;
};

class CancellationTest : public OutboundFixture {
public:
  CancellationTest() { policy.allow(kj::str("127.0.0.1:", listener->getPort()), "test"); }
  ~CancellationTest() noexcept override {}

protected:
  // Answers one connection with `head`, then says nothing more.
  void answerWith(kj::StringPtr head) { serving = serve(head).eagerlyEvaluate(nullptr); }

  schema::Entrypoint::Client network() { return guest.bootstrap().castAs<schema::Entrypoint>(); }

  // Bounded by real time, because sockets take some.
  template <typename Condition>
  bool waitUntil(Condition condition) {
    auto& clock = io.provider->getTimer();
    auto deadline = clock.now() + 10 * kj::SECONDS;
    while (!condition()) {
      if (clock.now() > deadline) return false;
      clock.afterDelay(0 * kj::SECONDS).wait(io.waitScope);
    }
    return true;
  }

  kj::Own<kj::ConnectionReceiver> listener =
      io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
  kj::String url = kj::str("http://127.0.0.1:", listener->getPort(), "/");
  bool asked = false;
  bool hungUp = false;

private:
  kj::Promise<void> serve(kj::StringPtr head) {
    auto connection = co_await listener->accept();
    char buffer[4096];
    asked = co_await connection->tryRead(buffer, 1, sizeof buffer) > 0;
    co_await connection->write(head.begin(), head.size());
    try {
      while (co_await connection->tryRead(buffer, 1, sizeof buffer) > 0) {
      }
    } catch (...) {
      // A reset is a way to hang up, too.
    }
    hungUp = true;
  }

  kj::Promise<void> serving = nullptr;
  kj::TwoWayPipe pipe = kj::newTwoWayPipe();
  capnp::TwoPartyClient supervisor{*pipe.ends[0], open(), capnp::rpc::twoparty::Side::SERVER};
  capnp::TwoPartyClient guest{*pipe.ends[1]};
};

TEST_F(CancellationTest, ACancelledFetchClosesItsConnection) {
  answerWith("HTTP/1.1 200 OK\r\n");
  auto entrypoint = network();
  {
    auto fetch = get(entrypoint, url).send();
    ASSERT_TRUE(waitUntil([&]() { return asked; }));
    EXPECT_FALSE(hungUp);
  }
  EXPECT_TRUE(waitUntil([&]() { return hungUp; }));
}

TEST_F(CancellationTest, ACancelledFetchLetsGoOfItsRequestBody) {
  answerWith("");
  auto entrypoint = network();
  bool wasRead = false;
  bool wasDropped = false;
  {
    auto call = get(entrypoint, url);
    call.getRequest().setMethod("POST");
    call.getRequest().getBody().setStream(kj::heap<WatchedSource>(wasRead, wasDropped));
    auto fetch = call.send();
    ASSERT_TRUE(waitUntil([&]() { return wasRead; }));
    EXPECT_FALSE(wasDropped);
  }
  EXPECT_TRUE(waitUntil([&]() { return wasDropped; }));
  EXPECT_TRUE(waitUntil([&]() { return hungUp; }));
}

TEST_F(CancellationTest, ABodyDroppedInTheMiddleOfAReadClosesItsConnection) {
  answerWith("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  auto entrypoint = network();
  {
    auto response = get(entrypoint, url).send().wait(io.waitScope);
    auto read = response.getResult().getResponse().getBody().getStream().readRequest().send();
    io.waitScope.poll();
    EXPECT_FALSE(hungUp);
  }
  EXPECT_TRUE(waitUntil([&]() { return hungUp; }));
}

// A cancelled request must not count against those that follow.
TEST_F(CancellationTest, ACancelledFetchGivesItsPlaceBack) {
  limits.requestsAtOnce = 1;
  auto entrypoint = open();
  answerWith("");
  {
    auto fetch = get(entrypoint, url).send();
    ASSERT_TRUE(waitUntil([&]() { return asked; }));
  }
  ASSERT_TRUE(waitUntil([&]() { return hungUp; }));
  answerWith("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(finish(get(entrypoint, url).send()).status, 204u);
}

}  // namespace
}  // namespace mayfly::egress
