// Servers that do not behave (NET-12): each is a listener that answers every connection with given bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egress/outbound-fixture.h"

namespace mayfly::egress {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HostileServerTest : public OutboundFixture {
public:
  ~HostileServerTest() noexcept override {}

  kj::Own<kj::ConnectionReceiver> listener =
      io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
  kj::String url = kj::str("http://127.0.0.1:", listener->getPort(), "/");
  std::string received;
  kj::Promise<void> serving = nullptr;

  // Answers with `head`, then `repeated` again and again (if not empty), then closes or stays silent.
  void answerWith(std::string head, std::string repeated = "", bool close = true) {
    policy.allow(kj::str("127.0.0.1:", listener->getPort()), "test");
    serving = serve(kj::mv(head), kj::mv(repeated), close).eagerlyEvaluate(nullptr);
  }

private:
  kj::Promise<void> serve(std::string head, std::string repeated, bool close) {
    auto connection = co_await listener->accept();
    char buffer[4096];
    size_t count = co_await connection->tryRead(buffer, 1, sizeof buffer);
    received.append(buffer, count);
    try {
      co_await connection->write(head.data(), head.size());
      while (!repeated.empty())
        co_await connection->write(repeated.data(), repeated.size());
    } catch (...) {
      co_return;  // the client had enough
    }
    if (!close) co_await kj::Promise<void>(kj::NEVER_DONE);
  }
};

TEST_F(HostileServerTest, WhatIsNotHttpIsABadAnswer) {
  answerWith("SSH-2.0-OpenSSH_9.9\r\n\r\n");
  EXPECT_THAT(fetch(url).failure, StartsWith("Error ERR_OUTBOUND_PROTOCOL"));
}

TEST_F(HostileServerTest, ClosingWithoutAnAnswerIsAConnectError) {
  answerWith("");
  EXPECT_THAT(fetch(url).failure, StartsWith("Error ERR_OUTBOUND_CONNECT"));
}

TEST_F(HostileServerTest, AnEndlessHeaderIsABadAnswer) {
  answerWith("HTTP/1.1 200 OK\r\nX: ", std::string(4096, 'a'));
  EXPECT_THAT(fetch(url).failure, StartsWith("Error ERR_OUTBOUND_PROTOCOL"));
}

TEST_F(HostileServerTest, EndlesslyManyHeadersAreABadAnswer) {
  answerWith("HTTP/1.1 200 OK\r\n", "A: b\r\n");
  EXPECT_THAT(fetch(url).failure, StartsWith("Error ERR_OUTBOUND_PROTOCOL"));
}

TEST_F(HostileServerTest, AHeaderOverOurOwnLimitIsABadAnswer) {
  limits.headerBytes = 64 * 1024;
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 70; ++i)
    head += "X-" + std::to_string(i) + ": " + std::string(1000, 'a') + "\r\n";
  answerWith(head + "\r\n");
  EXPECT_THAT(fetch(url).failure, StartsWith("Error ERR_OUTBOUND_PROTOCOL"));
}

TEST_F(HostileServerTest, AStatusOutsideOfHttpIsABadAnswer) {
  for (auto status : {"000", "199", "1000", "-1", "20"}) {
    answerWith(std::string("HTTP/1.1 ") + status + " X\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(fetch(url).failure, StartsWith("Error ERR_OUTBOUND_PROTOCOL")) << status;
  }
}

TEST_F(HostileServerTest, EndlessInterimAnswersEndWithinTheHeaderTime) {
  answerWith("", "HTTP/1.1 100 Continue\r\n\r\n");
  auto entrypoint = open();
  auto promise = get(entrypoint, url).send();
  io.waitScope.poll(1000);
  advance(limits.headerTime + 1 * kj::SECONDS);
  EXPECT_THAT(finish(kj::mv(promise)).failure, testing::AnyOf(HasSubstr("ERR_OUTBOUND_PROTOCOL"),
                                                              HasSubstr("ERR_OUTBOUND_TIMEOUT")));
}

TEST_F(HostileServerTest, ASilentServerTimesOut) {
  answerWith("HTTP/1.1 200 OK\r\n", "", /*close=*/false);
  auto entrypoint = open();
  auto promise = get(entrypoint, url).send();
  while (received.empty())
    io.provider->getTimer().afterDelay(0 * kj::SECONDS).wait(io.waitScope);
  io.waitScope.poll();
  advance(limits.headerTime + 1 * kj::SECONDS);
  EXPECT_THAT(finish(kj::mv(promise)).failure, StartsWith("Error ERR_OUTBOUND_TIMEOUT"));
}

TEST_F(HostileServerTest, ABodyThatStandsStillTimesOut) {
  answerWith("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "", /*close=*/false);
  auto entrypoint = open();
  auto response = get(entrypoint, url).send().wait(io.waitScope);
  auto body = response.getResult().getResponse().getBody().getStream();
  auto read = [&] {
    auto request = body.readRequest();
    request.setMaxBytes(100);
    return request.send();
  };
  EXPECT_EQ(read().wait(io.waitScope).getBytes().size(), 3u);
  auto second = read();
  io.waitScope.poll();
  advance(limits.idleTime + 1 * kj::SECONDS);
  EXPECT_EQ(second.wait(io.waitScope).getFailure().getCode(), "ERR_OUTBOUND_TIMEOUT");
  EXPECT_TRUE(read().wait(io.waitScope).getDone());
}

TEST_F(HostileServerTest, ABodyShorterThanAnnouncedIsAnError) {
  answerWith("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  auto answer = fetch(url);
  EXPECT_EQ(answer.body, "abc");
  EXPECT_THAT(answer.bodyFailure, StartsWith("Error ERR_OUTBOUND_BODY"));
}

TEST_F(HostileServerTest, BadChunksAreAnError) {
  answerWith("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
  auto answer = fetch(url);
  EXPECT_THAT(answer.bodyFailure, StartsWith("Error ERR_OUTBOUND_BODY"));
}

TEST_F(HostileServerTest, AnEndlessBodyMeetsItsLimit) {
  limits.bodyBytes = 1'000'000;
  answerWith("HTTP/1.1 200 OK\r\n\r\n", std::string(65536, 'x'));
  auto answer = fetch(url);
  EXPECT_LE(answer.body.size(), limits.bodyBytes);
  EXPECT_THAT(answer.bodyFailure, StartsWith("Error ERR_OUTBOUND_BODY"));
}

TEST_F(HostileServerTest, AnAnnouncedLengthOverTheLimitIsRefusedAtOnce) {
  answerWith("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n");
  EXPECT_THAT(fetch(url).failure, StartsWith("Error ERR_OUTBOUND_BODY"));
}

TEST_F(HostileServerTest, ContradictingLengthsDoNotPass) {
  answerWith("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde");
  auto answer = fetch(url);
  EXPECT_TRUE(!answer.failure.empty() || !answer.bodyFailure.empty() || answer.body == "abc")
      << answer.body;
}

TEST_F(HostileServerTest, ASecureFetchFromWhatSpeaksNoTlsFails) {
  answerWith("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  auto answer = fetch(kj::str("https://127.0.0.1:", listener->getPort(), "/"));
  EXPECT_THAT(
      answer.failure,
      StartsWith("Error ERR_OUTBOUND_CONNECT fetch to 127.0.0.1 failed: no trustworthy TLS"));
}

// NET-10: what the guest writes into a URL or a header stays in its place.
TEST_F(HostileServerTest, TheWireHoldsOneRequest) {
  answerWith("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  fetch(kj::str(url, "a b\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(received,
            kj::str("GET /a%20bGET%20/admin%20HTTP/1.1Host:%20x HTTP/1.1\r\nHost: 127.0.0.1:",
                    listener->getPort(), "\r\n\r\n")
                .cStr());
}

}  // namespace
}  // namespace mayfly::egress
