#include "rpc/web-socket-bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <string>
#include <vector>

namespace mayfly::rpc {
namespace {

using testing::ElementsAre;

constexpr size_t LIMIT = 1000;

// The process behind the wall: notes what it gets. `heard` outlives it.
class TestProcess final : public schema::MessageSink::Server {
public:
  explicit TestProcess(std::vector<std::string>& heard) : heard(heard) {}
  ~TestProcess() { heard.emplace_back("gone"); }

  kj::Promise<void> send(SendContext context) override {
    auto message = context.getParams().getMessage();
    if (message.isText())
      heard.emplace_back(kj::str("text ", message.getText()).cStr());
    else
      heard.emplace_back(kj::str("binary ", message.getBinary().size()).cStr());
    return kj::READY_NOW;
  }
  kj::Promise<void> close(CloseContext context) override {
    auto params = context.getParams();
    heard.emplace_back(kj::str("close ", params.getCode(), ' ', params.getReason()).cStr());
    return kj::READY_NOW;
  }

private:
  std::vector<std::string>& heard;
};

class WebSocketBridgeTest : public testing::Test {
public:
  ~WebSocketBridgeTest() noexcept override {}

  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::WebSocketPipe pipe = kj::newWebSocketPipe();
  kj::WebSocket& peer = *pipe.ends[1];
  std::vector<std::string> heard;
  schema::MessageSink::Client sink =
      WebSocketBridge::own(kj::mv(pipe.ends[0]), kj::heap<TestProcess>(heard), LIMIT, {});

  auto send(kj::StringPtr text) {
    auto request = sink.sendRequest();
    request.initMessage().setText(text);
    return request.send().ignoreResult();
  }
  auto close(uint16_t code, kj::StringPtr reason) {
    auto request = sink.closeRequest();
    request.setCode(code);
    request.setReason(reason);
    return request.send().ignoreResult();
  }
  template <typename Promise>
  bool fails(Promise promise) {
    return kj::runCatchingExceptions([&] { promise.wait(io.waitScope); }) != nullptr;
  }
  void settle() {
    kj::evalLast([] {}).wait(io.waitScope);
  }
};

TEST_F(WebSocketBridgeTest, MessagesOfBothKindsComeIn) {
  kj::byte bytes[] = {1, 2, 3};
  peer.send("a"_kj.asArray()).wait(io.waitScope);
  peer.send(kj::arrayPtr(bytes, 3)).wait(io.waitScope);
  peer.close(4000, "over").wait(io.waitScope);
  settle();
  EXPECT_THAT(heard, ElementsAre("text a", "binary 3", "close 4000 over"));
}

TEST_F(WebSocketBridgeTest, MessagesGoOutInTheOrderOfTheCalls) {
  auto first = send("one");
  auto second = send("two");
  auto last = close(1000, "done");
  EXPECT_EQ(peer.receive().wait(io.waitScope).get<kj::String>(), "one");
  EXPECT_EQ(peer.receive().wait(io.waitScope).get<kj::String>(), "two");
  auto end = peer.receive().wait(io.waitScope).get<kj::WebSocket::Close>();
  EXPECT_EQ(end.code, 1000);
  EXPECT_EQ(end.reason, "done");
  last.wait(io.waitScope);
}

TEST_F(WebSocketBridgeTest, ASendIsAnsweredWhenTheConnectionTookIt) {
  auto sending = send("x");
  EXPECT_FALSE(sending.poll(io.waitScope));
  auto received = peer.receive();
  sending.wait(io.waitScope);
  received.wait(io.waitScope);
}

TEST_F(WebSocketBridgeTest, AMessageOverTheLimitEndsTheConnection) {
  EXPECT_TRUE(fails(send(std::string(LIMIT + 1, 'x').c_str())));
  settle();
  EXPECT_THAT(heard, ElementsAre("gone"));
}

TEST_F(WebSocketBridgeTest, AProcessThatDoesNotWaitIsCutOff) {
  std::string big(LIMIT - 1, 'x');
  auto first = send(big.c_str());
  auto second = send(big.c_str());
  EXPECT_TRUE(fails(send(big.c_str())));
  settle();
  EXPECT_THAT(heard, ElementsAre("gone"));
}

TEST_F(WebSocketBridgeTest, NothingGoesOutAfterTheClose) {
  auto closing = close(1000, "");
  peer.receive().wait(io.waitScope);
  closing.wait(io.waitScope);
  EXPECT_TRUE(fails(send("late")));
}

TEST_F(WebSocketBridgeTest, APeerThatGoesWithoutCloseIsGoneForTheProcess) {
  pipe.ends[1] = nullptr;
  settle();
  EXPECT_THAT(heard, ElementsAre("gone"));
  EXPECT_TRUE(fails(send("x")));
}

TEST_F(WebSocketBridgeTest, AProcessThatGoesWithoutCloseIsGoneForThePeer) {
  {
    auto dropped = kj::mv(sink);
  }
  EXPECT_TRUE(fails(peer.receive()));
}

TEST_F(WebSocketBridgeTest, MessagesWaitForAConnectionThatComesLater) {
  WebSocketBridge bridge(LIMIT);
  auto early = bridge.takeSink();
  auto request = early.sendRequest();
  request.initMessage().setText("early");
  auto sending = request.send().ignoreResult();
  EXPECT_FALSE(sending.poll(io.waitScope));
  auto later = kj::newWebSocketPipe();
  std::vector<std::string> ignored;
  auto running = bridge.run(*later.ends[0], kj::heap<TestProcess>(ignored))
                     .eagerlyEvaluate([](kj::Exception&&) {});
  EXPECT_EQ(later.ends[1]->receive().wait(io.waitScope).get<kj::String>(), "early");
}

}  // namespace
}  // namespace mayfly::rpc
