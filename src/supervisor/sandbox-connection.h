// A Cap'n Proto connection to a sandbox, the supervisor's end of it.
//
// Contract   Messages are bounded before they are read: in size by `maxMessageBytes`, in depth, and in sum by
//            `maxUnansweredBytes` of calls the supervisor has not answered; beyond that it stops reading.
//            A malformed message ends the connection. It touches no other.
// Trust      Descriptors are never received, on any connection: all of them are read with read(2), those that can send
//            descriptors included.
// Ownership  Destroying it drops every capability that the sandbox holds or gave, and cancels their calls.
//            It must not be destroyed from within a call of its own sandbox.
// Threads    The supervisor's event loop.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/io.h>
#include <kj/memory.h>

#include <cstdint>

namespace mayfly::supervisor {

struct ConnectionBounds {
  uint64_t maxMessageBytes;
  uint64_t maxUnansweredBytes;
};

// Descriptor 3. Console lines and requests; long bodies are pulled in pieces.
constexpr ConnectionBounds HOST_BOUNDS = {.maxMessageBytes = 8 << 20,
                                          .maxUnansweredBytes = 4 << 20};

// Descriptor 4, when the supervisor is the loader. Carries values of up to 32 MiB (schema/value.capnp).
constexpr ConnectionBounds LOADER_BOUNDS = {.maxMessageBytes = 40 << 20,
                                            .maxUnansweredBytes = 64 << 20};

enum class Descriptors : uint8_t { NONE, OUTGOING };

class SandboxConnection final {
public:
  // For descriptor 3: the sandbox asks for `host`.
  SandboxConnection(kj::LowLevelAsyncIoProvider& io, kj::AutoCloseFd socket,
                    capnp::Capability::Client host);

  // For descriptor 4: we ask for the sandbox's bootstrap capability. `descriptors` says whether capabilities sent
  // to the sandbox may carry one.
  SandboxConnection(kj::LowLevelAsyncIoProvider& io, kj::AutoCloseFd socket,
                    Descriptors descriptors);

  KJ_DISALLOW_COPY_AND_MOVE(SandboxConnection);

  // The sandbox's bootstrap capability.
  capnp::Capability::Client bootstrap();

  kj::Promise<void> onDisconnect() { return network->onDisconnect(); }

  // After a disconnect: whether the other side closed its end, as it does when its process ends. If not, it sent
  // something that is no message.
  bool peerHungUp() const;

private:
  struct Transport {
    kj::Own<kj::AsyncIoStream> stream;
    kj::Own<capnp::TwoPartyVatNetwork> network;
  };
  static Transport plain(kj::LowLevelAsyncIoProvider& io, kj::AutoCloseFd socket);
  static Transport sending(kj::LowLevelAsyncIoProvider& io, kj::AutoCloseFd socket);
  explicit SandboxConnection(Transport transport);

  kj::Own<kj::AsyncIoStream> stream;
  kj::Own<capnp::TwoPartyVatNetwork> network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
};

}  // namespace mayfly::supervisor
