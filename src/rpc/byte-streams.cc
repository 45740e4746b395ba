#include "rpc/byte-streams.h"

#include <kj/debug.h>
#include <kj/refcount.h>

namespace mayfly::rpc {

namespace {

// The stream behind a source, until it is taken back.
struct Link final : kj::Refcounted {
  explicit Link(kj::AsyncInputStream& stream) : stream(stream) {}
  kj::Maybe<kj::AsyncInputStream&> stream;
  kj::Canceler reads;
};

class StreamSource final : public schema::ByteSource::Server {
public:
  explicit StreamSource(kj::Own<Link> link, kj::Own<void> owned = {})
      : link(kj::mv(link)), owned(kj::mv(owned)) {}

protected:
  kj::Promise<void> read(ReadContext context) override {
    KJ_IF_MAYBE (stream, link->stream) {
      auto size = kj::min(kj::max(context.getParams().getMaxBytes(), 1u), MAX_CHUNK_BYTES);
      context.releaseParams();
      auto buffer = kj::heapArray<kj::byte>(size);
      auto reading = stream->tryRead(buffer.begin(), 1, size);
      return link->reads.wrap(kj::mv(reading))
          .then(
              [context, buffer = kj::mv(buffer)](size_t n) mutable {
                if (n == 0) {
                  context.getResults().setDone(true);
                } else {
                  context.getResults(capnp::MessageSize{n / sizeof(capnp::word) + 16, 0})
                      .setBytes(buffer.slice(0, n));
                }
              },
              [context](kj::Exception&& e) mutable { fail(context, e.getDescription()); });
    }
    fail(context, "the stream has ended with its request");
    return kj::READY_NOW;
  }

private:
  static void fail(ReadContext& context, kj::StringPtr why) {
    auto results = context.getResults();
    results.setDone(true);
    auto failure = results.initFailure();
    failure.setName("Error");
    failure.setMessage(why);
  }

  kj::Own<Link> link;
  kj::Own<void> owned;
};

// Takes the stream back when destroyed.
class Revoke {
public:
  explicit Revoke(kj::Own<Link> link) : link(kj::mv(link)) {}
  ~Revoke() noexcept(false) {
    link->reads.cancel("the stream has ended with its request");
    link->stream = nullptr;
  }

private:
  kj::Own<Link> link;
};

}  // namespace

OfferedSource offerStream(kj::AsyncInputStream& stream) {
  auto link = kj::refcounted<Link>(stream);
  auto source = kj::heap<StreamSource>(kj::addRef(*link));
  return {kj::mv(source), kj::heap<Revoke>(kj::mv(link))};
}

schema::ByteSource::Client offerStream(kj::Own<kj::AsyncInputStream> stream) {
  auto& reference = *stream;
  return kj::heap<StreamSource>(kj::refcounted<Link>(reference), kj::mv(stream));
}

kj::Promise<void> pump(schema::ByteSource::Client source, kj::AsyncOutputStream& output) {
  for (;;) {
    auto request = source.readRequest();
    request.setMaxBytes(MAX_CHUNK_BYTES);
    auto response = co_await request.send();
    if (response.hasFailure() && response.getFailure().getMessage().size() > 0) {
      KJ_FAIL_REQUIRE("the stream failed", response.getFailure().getMessage());
    }
    auto bytes = response.getBytes();
    KJ_REQUIRE(bytes.size() <= MAX_CHUNK_BYTES, "a source sent more than it was asked for");
    if (bytes.size() > 0) co_await output.write(bytes.begin(), bytes.size());
    if (response.getDone()) co_return;
  }
}

}  // namespace mayfly::rpc
