#include "supervisor/sandbox-connection.h"

#include <capnp/message.h>
#include <sys/socket.h>

#include "supervisor/sending-stream.h"

namespace mayfly::supervisor {
namespace {

using capnp::rpc::twoparty::Side;

constexpr int NESTING_LIMIT = 64;
// Zero would also forbid to send any. None arrives: see sending-stream.h.
constexpr unsigned DESCRIPTORS_PER_MESSAGE = 1;
constexpr auto FLAGS =
    kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC;

// The traversal limit bounds the size of a message before memory is allocated for it.
capnp::ReaderOptions readerOptions(const ConnectionBounds& bounds) {
  return {.traversalLimitInWords = bounds.maxMessageBytes / sizeof(capnp::word),
          .nestingLimit = NESTING_LIMIT};
}

}  // namespace

SandboxConnection::SandboxConnection(kj::LowLevelAsyncIoProvider& io, kj::AutoCloseFd socket,
                                     capnp::Capability::Client host)
    : stream(io.wrapSocketFd(kj::mv(socket), FLAGS)),
      network(
          kj::heap<capnp::TwoPartyVatNetwork>(*stream, Side::SERVER, readerOptions(HOST_BOUNDS))),
      rpc(capnp::makeRpcServer(*network, kj::mv(host))) {
  rpc.setFlowLimit(HOST_BOUNDS.maxUnansweredBytes / sizeof(capnp::word));
}

SandboxConnection::SandboxConnection(kj::LowLevelAsyncIoProvider& io, kj::AutoCloseFd socket,
                                     Descriptors descriptors)
    : SandboxConnection(descriptors == Descriptors::NONE ? plain(io, kj::mv(socket))
                                                         : sending(io, kj::mv(socket))) {}

SandboxConnection::SandboxConnection(Transport transport)
    : stream(kj::mv(transport.stream)),
      network(kj::mv(transport.network)),
      rpc(capnp::makeRpcClient(*network)) {
  rpc.setFlowLimit(LOADER_BOUNDS.maxUnansweredBytes / sizeof(capnp::word));
}

SandboxConnection::Transport SandboxConnection::plain(kj::LowLevelAsyncIoProvider& io,
                                                      kj::AutoCloseFd socket) {
  auto stream = io.wrapSocketFd(kj::mv(socket), FLAGS);
  auto network =
      kj::heap<capnp::TwoPartyVatNetwork>(*stream, Side::CLIENT, readerOptions(LOADER_BOUNDS));
  return {kj::mv(stream), kj::mv(network)};
}

SandboxConnection::Transport SandboxConnection::sending(kj::LowLevelAsyncIoProvider& io,
                                                        kj::AutoCloseFd socket) {
  auto stream = newSendingStream(io.wrapUnixSocketFd(kj::mv(socket), FLAGS));
  auto network = kj::heap<capnp::TwoPartyVatNetwork>(*stream, DESCRIPTORS_PER_MESSAGE, Side::CLIENT,
                                                     readerOptions(LOADER_BOUNDS));
  return {kj::mv(stream), kj::mv(network)};
}

capnp::Capability::Client SandboxConnection::bootstrap() {
  capnp::word scratch[4]{};
  capnp::MallocMessageBuilder message(scratch);
  auto vatId = message.getRoot<capnp::rpc::twoparty::VatId>();
  vatId.setSide(Side::SERVER);
  return rpc.bootstrap(vatId);
}

bool SandboxConnection::peerHungUp() const {
  int fd = KJ_ASSERT_NONNULL(stream->getFd());
  char byte;
  return recv(fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) == 0;
}

}  // namespace mayfly::supervisor
