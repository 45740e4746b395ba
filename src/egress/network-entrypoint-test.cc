#include "egress/network-entrypoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egress/outbound-fixture.h"

namespace mayfly::egress {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// Answers with what it was asked, and counts connections.
class EchoService final : public kj::HttpService {
public:
  explicit EchoService(const kj::HttpHeaderTable& headerTable) : table(headerTable) {}
  std::vector<std::string> requests;

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url,
                            const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                            Response& response) override {
    requests.emplace_back(
        kj::str(method, ' ', url, ' ', KJ_ASSERT_NONNULL(headers.get(kj::HttpHeaderId::HOST)))
            .cStr());
    auto seen = headers.serializeRequest(method, url);
    auto sent = co_await body.readAllText();
    kj::HttpHeaders out(table);
    if (url == "/redirect") {
      out.set(kj::HttpHeaderId::LOCATION, "http://169.254.169.254/");
      response.send(302, "Found", out, uint64_t(0));
      co_return;
    }
    if (url == "/no-content") {
      response.send(204, "No Content", out);
      co_return;
    }
    auto text = url == "/headers" ? kj::mv(seen) : kj::str(url, ' ', sent);
    auto stream =
        response.send(200, "Fine", out, url == "/chunked" ? kj::Maybe<uint64_t>() : text.size());
    if (method != kj::HttpMethod::HEAD) co_await stream->write(text.begin(), text.size());
  }

private:
  const kj::HttpHeaderTable& table;
};

class NetworkEntrypointTest : public OutboundFixture {
public:
  ~NetworkEntrypointTest() noexcept override {}

  kj::HttpHeaderTable table;
  EchoService service{table};
  kj::HttpServer server{io.provider->getTimer(), table, service};
  kj::Own<kj::ConnectionReceiver> listener =
      io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
  uint16_t port = static_cast<uint16_t>(listener->getPort());
  kj::Promise<void> serving = server.listenHttp(*listener).eagerlyEvaluate(nullptr);

  kj::String url(kj::StringPtr path, kj::StringPtr host = "127.0.0.1") {
    return kj::str("http://", host, ':', port, path);
  }
  void permit() { policy.allow(kj::str("127.0.0.1:", port), "test"); }
};

TEST_F(NetworkEntrypointTest, FetchesFromAnAddressThatTheOperatorAllows) {
  permit();
  auto answer = fetch(url("/a?b=c"));
  EXPECT_EQ(answer.failure, "");
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.statusText, "Fine");
  EXPECT_EQ(answer.body, "/a?b=c ");
  EXPECT_THAT(answer.headers, Contains("Content-Length: 7"));
}

TEST_F(NetworkEntrypointTest, ChunkedAnswersArrive) {
  permit();
  EXPECT_EQ(fetch(url("/chunked")).body, "/chunked ");
}

TEST_F(NetworkEntrypointTest, SendsTheGuestsFieldsAndItsOwn) {
  permit();
  auto entrypoint = open();
  auto call = get(entrypoint, url("/headers"));
  auto fields = call.getRequest().initHeaders(2);
  fields[0].setName("X-A");
  fields[0].setValue("1");
  fields[1].setName("Host");
  fields[1].setValue("evil.example");
  EXPECT_EQ(
      finish(call.send()).body,
      kj::str("GET /headers HTTP/1.1\r\nHost: 127.0.0.1:", port, "\r\nX-A: 1\r\n\r\n").cStr());
}

TEST_F(NetworkEntrypointTest, LoopbackIsRefusedWithoutARuleAndTheGuestLearnsNoAddress) {
  resolver.names["innocent.example"] = {"127.0.0.1"};
  auto answer = fetch(url("/", "innocent.example"));
  EXPECT_EQ(
      answer.failure,
      "Error ERR_OUTBOUND_BLOCKED fetch to innocent.example is not permitted (egress.not-allowed)");
  EXPECT_THAT(events.lines, ElementsAre(kj::str("refused egress.not-allowed innocent.example ",
                                                port, ": innocent.example is 127.0.0.1:", port)
                                            .cStr()));
  EXPECT_THAT(service.requests, SizeIs(0));
}

TEST_F(NetworkEntrypointTest, EverySpellingOfLoopbackIsRefused) {
  for (auto host : {"127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0", "0.0.0.0",
                    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
                    "[2001:0::1]", "[fe80::1]", "169.254.169.254", "10.0.0.1"}) {
    EXPECT_THAT(fetch(url("/", host)).failure, HasSubstr("ERR_OUTBOUND_BLOCKED")) << host;
  }
  EXPECT_THAT(service.requests, SizeIs(0));
}

// NET-06
TEST_F(NetworkEntrypointTest, OneForbiddenAddressAmongManyRefusesTheName) {
  permit();
  resolver.names["mixed.example"] = {"127.0.0.1", "fd00::1"};
  EXPECT_THAT(fetch(url("/", "mixed.example")).failure, HasSubstr("ERR_OUTBOUND_BLOCKED"));
  resolver.names["both.example"] = {"93.184.216.34", "10.0.0.1"};
  EXPECT_THAT(fetch("http://both.example/").failure, HasSubstr("ERR_OUTBOUND_BLOCKED"));
  EXPECT_THAT(service.requests, SizeIs(0));
}

// NET-06: the name is looked up once for each connection, and what was checked is what is connected to.
TEST_F(NetworkEntrypointTest, LocalhostIsThisMachineWhateverANameServerSays) {
  resolver.names["localhost"] = {"127.0.0.1"};
  for (auto host : {"localhost", "LOCALHOST.", "foo.localhost", "a.b.localhost."}) {
    if (kj::StringPtr(host) != "localhost") resolver.names[host] = {"8.8.8.8"};
    EXPECT_THAT(fetch(kj::str("http://", host, ":", port, "/")).failure,
                StartsWith("Error ERR_OUTBOUND_BLOCKED"))
        << host;
  }
  for (auto& name : resolver.asked)
    EXPECT_EQ(name, "localhost");
}

TEST_F(NetworkEntrypointTest, AnAnswerThatChangesBetweenRequestsIsCheckedAgain) {
  permit();
  auto entrypoint = open();
  resolver.names["rebind.example"] = {"127.0.0.1"};
  EXPECT_EQ(finish(get(entrypoint, url("/1", "rebind.example")).send()).status, 200u);
  EXPECT_THAT(resolver.asked, SizeIs(1));
  resolver.names["rebind.example"] = {"10.0.0.1"};
  advance(1 * kj::MINUTES);  // the idle connection, which is to the checked address, is gone
  EXPECT_THAT(finish(get(entrypoint, url("/2", "rebind.example")).send()).failure,
              HasSubstr("ERR_OUTBOUND_BLOCKED"));
  EXPECT_THAT(resolver.asked, SizeIs(2));
}

TEST_F(NetworkEntrypointTest, ANameWithoutAddressIsNoSuchHost) {
  EXPECT_EQ(fetch("http://nowhere.example/").failure,
            "Error ERR_OUTBOUND_CONNECT fetch to nowhere.example failed: no such host "
            "(egress.no-such-host)");
}

TEST_F(NetworkEntrypointTest, ARefusedConnectionIsAConnectError) {
  permit();
  auto address = url("/");
  serving = nullptr;
  listener = nullptr;
  EXPECT_THAT(fetch(address).failure, StartsWith("Error ERR_OUTBOUND_CONNECT Network connection "
                                                 "lost. fetch to 127.0.0.1 failed: no connection"));
  EXPECT_THAT(events.lines, ElementsAre(HasSubstr("failed egress.connect-failed")));
}

// NET-07: the next hop comes back as a fetch of its own.
TEST_F(NetworkEntrypointTest, ARedirectIsAnsweredAndNotFollowed) {
  permit();
  auto answer = fetch(url("/redirect"));
  EXPECT_EQ(answer.status, 302u);
  EXPECT_THAT(answer.headers, Contains("Location: http://169.254.169.254/"));
  EXPECT_THAT(service.requests, SizeIs(1));
}

TEST_F(NetworkEntrypointTest, ABodyOfBytesIsSentWithItsLength) {
  permit();
  auto entrypoint = open();
  auto call = get(entrypoint, url("/up"));
  call.getRequest().setMethod("POST");
  call.getRequest().getBody().setBytes("hello"_kj.asBytes());
  EXPECT_EQ(finish(call.send()).body, "/up hello");
}

TEST_F(NetworkEntrypointTest, AStreamedBodyIsSentAsItComes) {
  permit();
  for (int64_t length : {-1, 11}) {
    auto source = kj::heap<TestSource>();
    source->pieces = {"hello ", "world"};
    auto entrypoint = open();
    auto call = get(entrypoint, url("/up"));
    call.getRequest().setMethod("PUT");
    call.getRequest().getBody().setStream(kj::mv(source));
    call.getRequest().getBody().setLength(length);
    EXPECT_EQ(finish(call.send()).body, "/up hello world") << length;
  }
}

TEST_F(NetworkEntrypointTest, ABodyThatBreaksTheRulesEndsTheFetch) {
  permit();
  using End = TestSource::End;
  struct Case {
    End end;
    int64_t length;
  };
  for (auto [end, length] :
       {Case{End::FAILURE, -1}, Case{End::EMPTY_FOREVER, -1}, Case{End::OVERSIZED, -1},
        Case{End::DONE, 4}, Case{End::DONE, 6}, Case{End::DONE, int64_t(1) << 40}}) {
    auto source = kj::heap<TestSource>();
    source->pieces = {"hello"};
    source->end = end;
    auto entrypoint = open();
    auto call = get(entrypoint, url("/up"));
    call.getRequest().setMethod("POST");
    call.getRequest().getBody().setStream(kj::mv(source));
    call.getRequest().getBody().setLength(length);
    EXPECT_THAT(finish(call.send()).failure, StartsWith("Error ERR_OUTBOUND_BODY"))
        << static_cast<int>(end) << ' ' << length;
  }
}

// NET-18
TEST_F(NetworkEntrypointTest, AnEndlessUploadMeetsItsLimit) {
  permit();
  limits.bodyBytes = 1'000'000;
  auto source = kj::heap<TestSource>();
  source->pieces.assign(1000, std::string(10'000, 'x'));
  auto entrypoint = open();
  auto call = get(entrypoint, url("/no-content"));
  call.getRequest().setMethod("POST");
  call.getRequest().getBody().setStream(kj::mv(source));
  EXPECT_THAT(finish(call.send()).failure, StartsWith("Error ERR_OUTBOUND_BODY"));
}

TEST_F(NetworkEntrypointTest, AnUploadThatGoesSilentTimesOut) {
  permit();
  auto source = kj::heap<TestSource>();
  source->end = TestSource::End::SILENCE;
  auto entrypoint = open();
  auto call = get(entrypoint, url("/up"));
  call.getRequest().setMethod("POST");
  call.getRequest().getBody().setStream(kj::mv(source));
  auto promise = call.send();
  io.waitScope.poll();
  advance(limits.idleTime + 1 * kj::SECONDS);
  EXPECT_THAT(finish(kj::mv(promise)).failure, StartsWith("Error ERR_OUTBOUND_TIMEOUT"));
}

TEST_F(NetworkEntrypointTest, MalformedRequestsAreTypeErrors) {
  permit();
  auto entrypoint = open();
  for (auto method :
       {"", "CONNECT", "TRACE", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "get\n", "FOO"}) {
    auto call = get(entrypoint, url("/"));
    call.getRequest().setMethod(method);
    EXPECT_THAT(finish(call.send()).failure, StartsWith("TypeError ")) << method;
  }
  auto call = get(entrypoint, url("/"));
  call.getRequest().getBody().setBytes("x"_kj.asBytes());
  EXPECT_THAT(finish(call.send()).failure, StartsWith("TypeError "));
  EXPECT_THAT(fetch("ftp://example.com/").failure,
              StartsWith("TypeError  Fetch API cannot load: ftp://example.com/"));
  EXPECT_THAT(service.requests, SizeIs(0));
}

TEST_F(NetworkEntrypointTest, SomeAnswersHaveNoBody) {
  permit();
  EXPECT_EQ(fetch(url("/no-content")).status, 204u);
  auto entrypoint = open();
  auto call = get(entrypoint, url("/x"));
  call.getRequest().setMethod("HEAD");
  auto response = call.send().wait(io.waitScope);
  EXPECT_TRUE(response.getResult().getResponse().getBody().isNone());
}

TEST_F(NetworkEntrypointTest, RequestsOverTheLimitWaitUntilABodyIsGone) {
  permit();
  limits.requestsAtOnce = 2;
  auto entrypoint = open();
  kj::Vector<capnp::Response<schema::Entrypoint::FetchResults>> held;
  for (int i = 0; i < 2; ++i)
    held.add(get(entrypoint, url("/x")).send().wait(io.waitScope));
  auto third = get(entrypoint, url("/third")).send();
  auto fourth = get(entrypoint, url("/fourth")).send();
  io.waitScope.poll();
  EXPECT_THAT(service.requests, SizeIs(2));
  held.removeLast();
  EXPECT_EQ(finish(kj::mv(third)).body, "/third ");
  EXPECT_EQ(finish(kj::mv(fourth)).body, "/fourth ");
}

TEST_F(NetworkEntrypointTest, WaitingHasItsLimits) {
  permit();
  limits.requestsAtOnce = 1;
  limits.requestsWaiting = 1;
  auto entrypoint = open();
  auto held = get(entrypoint, url("/x")).send().wait(io.waitScope);
  {
    auto second = get(entrypoint, url("/second")).send();
    io.waitScope.poll();
    EXPECT_THAT(finish(get(entrypoint, url("/third")).send()).failure,
                StartsWith("Error ERR_OUTBOUND_LIMIT"));
  }
  io.waitScope.poll();
  auto fourth =
      get(entrypoint, url("/fourth")).send();  // the second gave its place in the queue back
  io.waitScope.poll();
  advance(limits.placeTime);
  EXPECT_THAT(finish(kj::mv(fourth)).failure, StartsWith("Error ERR_OUTBOUND_LIMIT"));
  EXPECT_THAT(service.requests, SizeIs(1));
}

TEST_F(NetworkEntrypointTest, ABodyOutlivesTheEntrypoint) {
  permit();
  Answer answer;
  schema::ByteSource::Client body = nullptr;
  {
    auto entrypoint = open();
    body = get(entrypoint, url("/x"))
               .send()
               .wait(io.waitScope)
               .getResult()
               .getResponse()
               .getBody()
               .getStream();
  }
  io.waitScope.poll();
  readAll(body, answer);
  EXPECT_EQ(answer.body, "/x ");
}

TEST_F(NetworkEntrypointTest, LookingUpANameMayNotTakeForever) {
  resolver.hangs = true;
  auto entrypoint = open();
  auto promise = get(entrypoint, "http://slow.example/").send();
  io.waitScope.poll();
  advance(limits.connectTime + 1 * kj::SECONDS);
  EXPECT_THAT(finish(kj::mv(promise)).failure, StartsWith("Error ERR_OUTBOUND_TIMEOUT"));
}

TEST_F(NetworkEntrypointTest, TheRefusingEntrypointLooksNothingUp) {
  auto entrypoint = newRefusingEntrypoint();
  EXPECT_THAT(finish(get(entrypoint, "http://example.com/").send()).failure,
              StartsWith("Error ERR_OUTBOUND_BLOCKED This worker is not permitted to access the "
                         "internet via global "
                         "functions like fetch()."));
  EXPECT_THAT(resolver.asked, SizeIs(0));
}

TEST_F(NetworkEntrypointTest, TheNetworkHasNoMethods) {
  schema::Entrypoint::Client entrypoints[] = {open(), newRefusingEntrypoint()};
  for (auto& entrypoint : entrypoints) {
    auto call = entrypoint.callRequest().send().wait(io.waitScope);
    EXPECT_EQ(call.getReply().getFailure().getName(), "TypeError");
    auto read = entrypoint.getRequest().send().wait(io.waitScope);
    EXPECT_EQ(read.getReply().getFailure().getName(), "TypeError");
  }
}

TEST(SystemResolverTest, AnswersLiteralsAndLocalhost) {
  auto io = kj::setupAsyncIo();
  auto resolver = newSystemResolver();
  auto addresses = resolver->resolve(kj::str("127.0.0.1"), 80).wait(io.waitScope);
  ASSERT_EQ(addresses.size(), 1u);
  EXPECT_STREQ(addresses[0].toString().cStr(), "127.0.0.1:80");
  auto named = resolver->resolve(kj::str("localhost"), 81).wait(io.waitScope);
  ASSERT_GE(named.size(), 1u);
  EXPECT_EQ(named[0].port(), 81);
  EXPECT_FALSE(isPublicAddress(named[0]));
}

TEST(SystemResolverTest, GivesAnswersToAllOfManyAskersAndForgetsThoseWhoLeft) {
  auto io = kj::setupAsyncIo();
  auto resolver = newSystemResolver();
  kj::Vector<kj::Promise<kj::Array<SocketAddress>>> asked;
  for (unsigned i = 0; i < 4 * MAX_LOOKUPS; ++i)
    asked.add(resolver->resolve(kj::str("127.0.0.1"), 80));
  for (unsigned i = 0; i < asked.size(); i += 2)
    asked[i] = nullptr;
  for (unsigned i = 1; i < asked.size(); i += 2)
    EXPECT_EQ(asked[i].wait(io.waitScope).size(), 1u);
}

}  // namespace
}  // namespace mayfly::egress
