#include "supervisor/sending-stream.h"

#include <kj/debug.h>

namespace mayfly::supervisor {
namespace {

class SendingStream final : public kj::AsyncCapabilityStream {
public:
  explicit SendingStream(kj::Own<kj::AsyncCapabilityStream> inner) : inner(kj::mv(inner)) {}

  kj::Promise<ReadResult> tryReadWithFds(void* buffer, size_t minBytes, size_t maxBytes,
                                         kj::AutoCloseFd*, size_t) override {
    return inner->tryRead(buffer, minBytes, maxBytes).then([](size_t size) {
      return ReadResult{.byteCount = size, .capCount = 0};
    });
  }
  kj::Promise<ReadResult> tryReadWithStreams(void*, size_t, size_t,
                                             kj::Own<kj::AsyncCapabilityStream>*, size_t) override {
    return KJ_EXCEPTION(UNIMPLEMENTED, "nothing but bytes is accepted from a sandbox");
  }
  kj::Promise<void> writeWithFds(kj::ArrayPtr<const kj::byte> data,
                                 kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> moreData,
                                 kj::ArrayPtr<const int> fds) override {
    return inner->writeWithFds(data, moreData, fds);
  }
  kj::Promise<void> writeWithStreams(
      kj::ArrayPtr<const kj::byte> data, kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> moreData,
      kj::Array<kj::Own<kj::AsyncCapabilityStream>> streams) override {
    return inner->writeWithStreams(data, moreData, kj::mv(streams));
  }

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override {
    return inner->tryRead(buffer, minBytes, maxBytes);
  }
  kj::Promise<void> write(const void* buffer, size_t size) override {
    return inner->write(buffer, size);
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return inner->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return inner->whenWriteDisconnected(); }
  void shutdownWrite() override { inner->shutdownWrite(); }
  void abortRead() override { inner->abortRead(); }
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    inner->getsockopt(level, option, value, length);
  }
  kj::Maybe<int> getFd() const override { return inner->getFd(); }

private:
  kj::Own<kj::AsyncCapabilityStream> inner;
};

}  // namespace

kj::Own<kj::AsyncCapabilityStream> newSendingStream(kj::Own<kj::AsyncCapabilityStream> inner) {
  return kj::heap<SendingStream>(kj::mv(inner));
}

}  // namespace mayfly::supervisor
