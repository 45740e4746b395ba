#include "egress/byte-connection.h"

#include <kj/debug.h>
#include <kj/refcount.h>

#include "rpc/byte-streams.h"

namespace mayfly::egress {
namespace {

kj::Exception lost() { return KJ_EXCEPTION(DISCONNECTED, "the connection is gone"); }

// The stream behind source and sink, until TLS takes it away from them.
struct Link final : kj::Refcounted {
  Link(kj::Own<kj::AsyncIoStream> stream, kj::Own<void> keep)
      : stream(kj::mv(stream)), keep(kj::mv(keep)) {}

  kj::Own<kj::AsyncIoStream> stream;  // null once taken
  kj::Own<void> keep;
  kj::Canceler uses;
  bool reading = false;
  bool writing = false;

  kj::AsyncIoStream& open() {
    if (stream.get() == nullptr) kj::throwFatalException(lost());
    return *stream;
  }
};

void fail(schema::Failure::Builder failure) {
  failure.setName("Error");
  failure.setMessage("Network connection lost.");
}

class Source final : public schema::ByteSource::Server {
public:
  explicit Source(kj::Own<Link> link) : link(kj::mv(link)) {}

protected:
  kj::Promise<void> read(ReadContext context) override {
    KJ_REQUIRE(!link->reading, "one read at a time");
    link->reading = true;
    KJ_DEFER(link->reading = false);
    auto size = kj::min(kj::max(context.getParams().getMaxBytes(), 1u), rpc::MAX_CHUNK_BYTES);
    auto buffer = kj::heapArray<kj::byte>(size);
    bool broken = false;
    size_t count = 0;
    try {
      count = co_await link->uses.wrap(link->open().tryRead(buffer.begin(), 1, size));
    } catch (...) {
      broken = true;
    }
    auto results = context.getResults(capnp::MessageSize{count / sizeof(capnp::word) + 16, 0});
    results.setDone(count == 0);
    if (broken) fail(results.initFailure());
    results.setBytes(buffer.slice(0, count));
  }

private:
  kj::Own<Link> link;
};

class Sink final : public schema::ByteSink::Server {
public:
  explicit Sink(kj::Own<Link> link) : link(kj::mv(link)) {}
  ~Sink() noexcept(false) { shutdown(); }

protected:
  kj::Promise<void> write(WriteContext context) override {
    KJ_REQUIRE(!link->writing && !closed, "one write at a time, and none after close");
    link->writing = true;
    KJ_DEFER(link->writing = false);
    bool broken = false;
    try {
      auto bytes = context.getParams().getBytes();
      co_await link->uses.wrap(link->open().write(bytes.begin(), bytes.size()));
    } catch (...) {
      broken = true;
    }
    if (broken) fail(context.getResults().initFailure());
  }

  kj::Promise<void> close(CloseContext) override {
    KJ_REQUIRE(!link->writing, "a write is under way");
    shutdown();
    return kj::READY_NOW;
  }

  kj::Promise<void> abort(AbortContext) override {
    if (!link->writing) shutdown();
    return kj::READY_NOW;
  }

private:
  void shutdown() {
    if (closed) return;
    closed = true;
    if (link->stream.get() == nullptr) return;
    // The peer may have reset the connection already.
    kj::runCatchingExceptions([&] { link->stream->shutdownWrite(); });
  }

  kj::Own<Link> link;
  bool closed = false;
};

class Starter final : public schema::TlsStarter::Server {
public:
  Starter(kj::Own<Link> link, kj::SecureNetworkWrapper& tls, kj::String host)
      : link(kj::mv(link)), tls(tls), host(kj::mv(host)) {}

protected:
  kj::Promise<void> start(StartContext context) override {
    auto result = context.getResults().initResult();
    if (link->stream.get() == nullptr || link->writing) {
      fail(result.initFailure());
      co_return;
    }
    auto named = context.getParams().getHost();
    auto name = named.size() > 0 ? kj::str(named) : kj::str(host);
    link->uses.cancel("TLS begins");
    auto stream = kj::mv(link->stream);
    auto keep = kj::mv(link->keep);
    bool broken = false;
    kj::Own<kj::AsyncIoStream> secure;
    try {
      secure = co_await tls.wrapClient(kj::mv(stream), name);
    } catch (...) {
      broken = true;
    }
    if (broken) {
      fail(result.initFailure());
    } else {
      fillConnection(result.initConnection(), kj::mv(secure), nullptr, name, kj::mv(keep));
    }
  }

private:
  kj::Own<Link> link;
  kj::SecureNetworkWrapper& tls;
  const kj::String host;
};

}  // namespace

void fillConnection(schema::Connection::Builder connection, kj::Own<kj::AsyncIoStream> stream,
                    kj::Maybe<kj::SecureNetworkWrapper&> tls, kj::StringPtr host,
                    kj::Own<void> keep) {
  auto link = kj::refcounted<Link>(kj::mv(stream), kj::mv(keep));
  connection.setSource(kj::heap<Source>(kj::addRef(*link)));
  connection.setSink(kj::heap<Sink>(kj::addRef(*link)));
  KJ_IF_MAYBE (wrapper, tls)
    connection.setTls(kj::heap<Starter>(kj::mv(link), *wrapper, kj::str(host)));
}

}  // namespace mayfly::egress
