// Test fixture: an entrypoint with a resolver that answers what a test says, a timer that a test moves, and
// real connections to servers on the loopback interface.
#pragma once

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <kj/timer.h>

#include <map>
#include <string>
#include <vector>

#include "egress/network-entrypoint.h"

namespace mayfly::egress {

class FakeResolver final : public Resolver {
public:
  std::map<std::string, std::vector<std::string>> names;
  std::vector<std::string> asked;
  bool hangs = false;

  kj::Promise<kj::Array<SocketAddress>> resolve(kj::String host, uint16_t port) override {
    if (hangs) return kj::NEVER_DONE;
    KJ_IF_MAYBE (literal, SocketAddress::tryParse(host, port)) {
      return kj::heapArray<SocketAddress>({*literal});
    }
    asked.emplace_back(host.cStr());
    kj::Vector<SocketAddress> result;
    for (auto& ip : names[host.cStr()])
      result.add(KJ_ASSERT_NONNULL(SocketAddress::tryParse(ip.c_str(), port)));
    return result.releaseAsArray();
  }
};

struct SeenEvents {
  std::vector<std::string> lines;
};

class RecordingObserver final : public OutboundObserver {
public:
  explicit RecordingObserver(SeenEvents& events) : seen(events) {}
  void refused(const OutboundEvent& event) override { add("refused", event); }
  void failed(const OutboundEvent& event) override { add("failed", event); }

private:
  SeenEvents& seen;

  void add(const char* what, const OutboundEvent& event) {
    seen.lines.emplace_back(
        kj::str(what, ' ', event.code, ' ', event.host, ' ', event.port, ": ", event.detail)
            .cStr());
  }
};

// A body that a test writes: pieces, then an end of its choice.
class TestSource final : public schema::ByteSource::Server {
public:
  std::vector<std::string> pieces;
  enum class End { DONE, FAILURE, SILENCE, EMPTY_FOREVER, OVERSIZED } end = End::DONE;

  kj::Promise<void> read(ReadContext context) override {
    auto results = context.getResults();
    if (next < pieces.size()) {
      auto& piece = pieces[next++];
      results.setBytes(kj::ArrayPtr<const char>(piece.data(), piece.size()).asBytes());
      return kj::READY_NOW;
    }
    switch (end) {
      case End::DONE:
        results.setDone(true);
        break;
      case End::FAILURE:
        results.initFailure().setName("Error");
        break;
      case End::SILENCE:
        return kj::NEVER_DONE;
      case End::EMPTY_FOREVER:
        break;
      case End::OVERSIZED:
        results.initBytes(context.getParams().getMaxBytes() + 1);
        break;
    }
    return kj::READY_NOW;
  }

private:
  size_t next = 0;
};

struct Answer {
  std::string failure;  // `Error ERR_OUTBOUND_BLOCKED message`, or empty
  unsigned status = 0;
  std::string statusText;
  std::vector<std::string> headers;
  std::string body;  // as far as it was read
  std::string bodyFailure;
};

class OutboundFixture : public testing::Test {
public:
  ~OutboundFixture() noexcept override {}

  kj::AsyncIoContext io = kj::setupAsyncIo();
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  FakeResolver resolver;
  kj::TlsContext tls;
  AddressPolicy policy;
  OutboundLimits limits;
  SeenEvents events;

  schema::Entrypoint::Client open() {
    OutboundNetwork outbound{io.provider->getNetwork(), timer, resolver, tls, policy, limits};
    return newNetworkEntrypoint(outbound, kj::heap<RecordingObserver>(events));
  }

  void advance(kj::Duration time) { timer.advanceTo(timer.now() + time); }

  static std::string describe(schema::Failure::Reader failure) {
    return kj::str(failure.getName(), ' ', failure.getCode(), ' ', failure.getMessage()).cStr();
  }

  static capnp::Request<schema::Entrypoint::FetchParams, schema::Entrypoint::FetchResults> get(
      schema::Entrypoint::Client& entrypoint, kj::StringPtr url) {
    auto call = entrypoint.fetchRequest();
    auto request = call.initRequest();
    request.setMethod("GET");
    request.setUrl(url);
    return call;
  }

  Answer finish(capnp::RemotePromise<schema::Entrypoint::FetchResults> promise) {
    auto response = promise.wait(io.waitScope);
    auto result = response.getResult();
    Answer answer;
    if (result.isFailure()) {
      answer.failure = describe(result.getFailure());
      return answer;
    }
    auto http = result.getResponse();
    answer.status = http.getStatus();
    answer.statusText = http.getStatusText().cStr();
    for (auto field : http.getHeaders())
      answer.headers.emplace_back(kj::str(field.getName(), ": ", field.getValue()).cStr());
    if (http.getBody().isStream()) readAll(http.getBody().getStream(), answer);
    return answer;
  }

  void readAll(schema::ByteSource::Client body, Answer& answer) {
    for (;;) {
      auto read = body.readRequest();
      read.setMaxBytes(1 << 20);
      auto piece = read.send().wait(io.waitScope);
      if (piece.getFailure().getName().size() > 0) {
        answer.bodyFailure = describe(piece.getFailure());
        return;
      }
      answer.body.append(piece.getBytes().asChars().begin(), piece.getBytes().size());
      if (piece.getDone()) return;
    }
  }

  Answer fetch(kj::StringPtr url) {
    auto entrypoint = open();
    return finish(get(entrypoint, url).send());
  }
};

}  // namespace mayfly::egress
