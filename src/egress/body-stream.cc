#include "egress/body-stream.h"

#include <kj/debug.h>

#include <algorithm>

namespace mayfly::egress {
namespace {

constexpr uint32_t PIECE_BYTES = 64 * 1024;

[[noreturn]] void raise(TroubleKind kind, kj::StringPtr detail) {
  kj::throwFatalException(Trouble{kind, kj::str(detail)}.toException());
}

// Rejects with TIMEOUT if `promise` takes longer than `time`.
template <typename T>
kj::Promise<T> within(kj::Timer& timer, kj::Duration time, kj::Promise<T> promise) {
  auto tooLate = timer.afterDelay(time).then([]() -> kj::Promise<T> {
    return Trouble{TroubleKind::TIMEOUT, kj::str("the body stood still")}.toException();
  });
  return promise.exclusiveJoin(kj::mv(tooLate));
}

class ResponseBody final : public schema::ByteSource::Server {
public:
  ResponseBody(kj::Own<kj::AsyncInputStream> bodyToRead, kj::String hostName, kj::Timer& clock,
               OutboundLimits bounds, kj::Own<void> owner)
      : keep(kj::mv(owner)),
        body(kj::mv(bodyToRead)),
        host(kj::mv(hostName)),
        timer(clock),
        limits(bounds) {}

  kj::Promise<void> read(ReadContext context) override {
    if (reading) {
      fail(context, {TroubleKind::MALFORMED, kj::str("a body takes one read at a time")});
      co_return;
    }
    reading = true;
    KJ_DEFER(reading = false);
    uint32_t most = std::clamp<uint32_t>(context.getParams().getMaxBytes(), 1, PIECE_BYTES);
    kj::Maybe<Trouble> trouble;
    try {
      co_await readPiece(context, most);
      co_return;
    } catch (...) {
      trouble = Trouble::from(kj::getCaughtExceptionAsKj(), TroubleKind::BODY);
    }
    end();
    fail(context, kj::mv(KJ_ASSERT_NONNULL(trouble)));
  }

private:
  kj::Own<void> keep;
  kj::Maybe<kj::Own<kj::AsyncInputStream>> body;  // null when it is over
  kj::String host;
  kj::Timer& timer;
  OutboundLimits limits;
  uint64_t readBytes = 0;
  bool reading = false;

  kj::Promise<void> readPiece(ReadContext& context, uint32_t most) {
    kj::AsyncInputStream* stream = nullptr;
    KJ_IF_MAYBE (open, body) stream = open->get();
    if (stream == nullptr) {
      context.getResults().setDone(true);
      co_return;
    }
    auto buffer = kj::heapArray<kj::byte>(most);
    size_t count =
        co_await within(timer, limits.idleTime, stream->tryRead(buffer.begin(), 1, buffer.size()));
    readBytes += count;
    if (readBytes > limits.bodyBytes) raise(TroubleKind::BODY, "the response body is too large");
    bool done = count == 0;
    KJ_IF_MAYBE (left, stream->tryGetLength()) done = done || *left == 0;
    auto results = context.getResults(capnp::MessageSize{count / sizeof(capnp::word) + 16, 0});
    results.setBytes(buffer.slice(0, count));
    results.setDone(done);
    if (done) end();
  }

  void fail(ReadContext& context, Trouble trouble) {
    auto results = context.getResults();
    fillFailure(results.initFailure(), trouble, host);
  }

  void end() {
    body = nullptr;
    keep = nullptr;
  }
};

}  // namespace

kj::Promise<void> sendBody(schema::ByteSource::Client source,
                           kj::Own<kj::AsyncOutputStream> connection,
                           kj::Maybe<uint64_t> announcedBytes, kj::Timer& timer,
                           OutboundLimits limits) {
  uint64_t sentBytes = 0;
  for (;;) {
    auto request = source.readRequest();
    request.setMaxBytes(PIECE_BYTES);
    kj::Promise<capnp::Response<schema::ByteSource::ReadResults>> reading =
        request.send().dropPipeline();
    auto piece = co_await within(timer, limits.idleTime, kj::mv(reading));
    if (piece.hasFailure() && piece.getFailure().getName().size() > 0) {
      raise(TroubleKind::BODY, "the sandbox could not go on with its request body");
    }
    auto bytes = piece.getBytes();
    if (bytes.size() > PIECE_BYTES || (bytes.size() == 0 && !piece.getDone())) {
      raise(TroubleKind::BODY, "the sandbox broke the rules of ByteSource.read");
    }
    sentBytes += bytes.size();
    if (sentBytes > limits.bodyBytes) raise(TroubleKind::BODY, "the request body is too large");
    KJ_IF_MAYBE (announced, announcedBytes) {
      if (sentBytes > *announced || (piece.getDone() && sentBytes < *announced)) {
        raise(TroubleKind::BODY, "the request body is not as long as announced");
      }
    }
    if (bytes.size() > 0) {
      co_await within(timer, limits.idleTime, connection->write(bytes.begin(), bytes.size()));
    }
    if (piece.getDone()) co_return;
  }
}

schema::ByteSource::Client newResponseBody(kj::Own<kj::AsyncInputStream> body, kj::String host,
                                           kj::Timer& timer, OutboundLimits limits,
                                           kj::Own<void> keep) {
  return kj::heap<ResponseBody>(kj::mv(body), kj::mv(host), timer, limits, kj::mv(keep));
}

}  // namespace mayfly::egress
