// For tests: a network that nothing reaches.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/tls.h>

#include "egress/network-entrypoint.h"

namespace mayfly::supervisor {

class NoNames final : public egress::Resolver {
public:
  kj::Promise<kj::Array<egress::SocketAddress>> resolve(kj::String, uint16_t) override {
    return kj::Array<egress::SocketAddress>();
  }
};

struct FakeOutbound {
  explicit FakeOutbound(kj::AsyncIoContext& io, kj::Timer& timer)
      : network{.network = io.provider->getNetwork(),
                .timer = timer,
                .resolver = names,
                .tls = tls,
                .policy = policy,
                .limits = {}} {}

  NoNames names;
  kj::TlsContext tls;
  egress::AddressPolicy policy;
  egress::OutboundNetwork network;
};

}  // namespace mayfly::supervisor
