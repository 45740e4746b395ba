#include "egress/header-fields.h"

#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include <string>
#include <utility>
#include <vector>

namespace mayfly::egress {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Copied {
  bool refused;
  std::string text;  // what goes on the wire, or why not
};

Copied copyRequest(const Fields& fields, size_t maxBytes = 64 * 1024) {
  capnp::MallocMessageBuilder message;
  auto list =
      message.initRoot<schema::HttpRequest>().initHeaders(static_cast<unsigned>(fields.size()));
  for (unsigned i = 0; i < fields.size(); ++i) {
    list[i].setName(kj::StringPtr(fields[i].first.c_str(), fields[i].first.size()));
    list[i].setValue(kj::StringPtr(fields[i].second.c_str(), fields[i].second.size()));
  }
  kj::HttpHeaderTable table;
  kj::HttpHeaders headers(table);
  KJ_IF_MAYBE (trouble, copyRequestFields(list.asReader(), "example.com", maxBytes, headers)) {
    return {true, trouble->detail.cStr()};
  }
  return {false, headers.serializeRequest(kj::HttpMethod::GET, "/").cStr()};
}

TEST(HeaderFieldsTest, OrdinaryFieldsPassAndTheHostIsOurs) {
  auto copied = copyRequest({{"X-A", " 1 "}, {"host", "evil.example"}, {"Cookie", "a=b"}});
  EXPECT_EQ(copied.text, "GET / HTTP/1.1\r\nHost: example.com\r\nX-A: 1\r\nCookie: a=b\r\n\r\n");
}

TEST(HeaderFieldsTest, AnEncodingIsWhatTheProgramAskedFor) {
  EXPECT_THAT(copyRequest({{"accept-encoding", "gzip"}}).text,
              testing::HasSubstr("accept-encoding: gzip\r\n\r\n"));
  EXPECT_THAT(copyRequest({{"X-A", "1"}}).text, testing::Not(testing::HasSubstr("ncoding")));
}

// NET-10: whatever could make one request into two.
TEST(HeaderFieldsTest, WhatDescribesTheConnectionIsLeftOut) {
  auto copied = copyRequest({{"Content-Length", "5"},
                             {"content-length", "6"},
                             {"Transfer-Encoding", "chunked, x"},
                             {"Connection", "close, X-Secret"},
                             {"X-Secret", "s"},
                             {"TE", "trailers"},
                             {"Keep-Alive", "1"},
                             {"Proxy-Connection", "x"},
                             {"Upgrade", "h2c"},
                             {"Expect", "100-continue"},
                             {"HTTP2-Settings", "x"},
                             {"Trailer", "x"}});
  EXPECT_EQ(copied.text, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
}

TEST(HeaderFieldsTest, IllegalNamesAndValuesAreRefused) {
  for (auto& name : {"", "a b", "a:", "a\r\nb", "(a)", "\xc3\xa9", "a\x7f"}) {
    EXPECT_TRUE(copyRequest({{name, "x"}}).refused) << name;
  }
  EXPECT_TRUE(copyRequest({{std::string("a\0b", 3), "x"}}).refused);
  for (auto& value : {"a\rb", "a\nb", "a\r\nX: y", "\x01", "\x1b[31m", "\x7f"}) {
    EXPECT_TRUE(copyRequest({{"x", value}}).refused) << value;
  }
  EXPECT_TRUE(copyRequest({{"x", std::string("a\0b", 3)}}).refused);
  EXPECT_FALSE(copyRequest({{"x", "a\tb \xc3\xa9\xff"}}).refused);
}

TEST(HeaderFieldsTest, AnUpgradeIsToWebSocketOrLeftOut) {
  EXPECT_FALSE(copyRequest({{"Upgrade", "WebSocket"}}).refused);
  EXPECT_FALSE(copyRequest({{"Upgrade", "h2c"}}).refused);
  EXPECT_THAT(copyRequest({{"Upgrade", "websocket, h2c"}}).text,
              testing::Not(testing::HasSubstr("pgrade")));
}

TEST(HeaderFieldsTest, TooMuchIsRefused) {
  EXPECT_TRUE(copyRequest({{"x", std::string(1000, 'a')}}, 1000).refused);
  EXPECT_FALSE(copyRequest({{"x", std::string(900, 'a')}}, 1000).refused);
}

TEST(HeaderFieldsTest, AResponseLosesWhatDescribesItsConnection) {
  kj::HttpHeaderTable table;
  kj::HttpHeaders headers(table);
  auto raw = kj::heapString(
      "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nSet-Cookie: "
      "a\r\nSet-Cookie: b\r\n"
      "Content-Length: 3\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\n\r\n");
  ASSERT_TRUE(headers.tryParseResponse(raw.asArray()).is<kj::HttpHeaders::Response>());
  capnp::MallocMessageBuilder message;
  auto response = message.initRoot<schema::HttpResponse>();
  ASSERT_TRUE(copyResponseFields(headers, 1000, response) == nullptr);
  std::vector<std::string> lines;
  for (auto field : response.getHeaders()) {
    lines.push_back(kj::str(field.getName(), ": ", field.getValue()).cStr());
  }
  EXPECT_THAT(lines,
              testing::UnorderedElementsAre("Set-Cookie: a", "Set-Cookie: b", "Content-Length: 3"));
  EXPECT_FALSE(copyResponseFields(headers, 50, response) == nullptr);
}

}  // namespace
}  // namespace mayfly::egress
