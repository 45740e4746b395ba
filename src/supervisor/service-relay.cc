#include "supervisor/service-relay.h"

#include <capnp/capability.h>

namespace mayfly::supervisor {
namespace {

using AnyCall = capnp::CallContext<capnp::AnyPointer, capnp::AnyPointer>;

class ServiceRelay final : public capnp::Capability::Server {
public:
  ServiceRelay(kj::Function<ParentWorker&()> target, kj::String entrypoint)
      : target(kj::mv(target)), entrypoint(kj::mv(entrypoint)) {}

  DispatchCallResult dispatchCall(uint64_t interfaceId, uint16_t methodId,
                                  AnyCall context) override {
    return {.promise = forward(interfaceId, methodId, context),
            .isStreaming = false,
            .allowCancellation = true};
  }

private:
  kj::Promise<void> forward(uint64_t interfaceId, uint16_t methodId, AnyCall context) {
    auto worker = co_await target().worker();
    auto ask = worker.entrypointRequest();
    ask.setName(entrypoint);
    capnp::Capability::Client destination = ask.send().getEntrypoint();
    auto call =
        destination.typelessRequest(interfaceId, methodId, context.getParams().targetSize(), {});
    call.set(context.getParams());
    context.releaseParams();
    co_await context.tailCall(kj::mv(call));
  }

  kj::Function<ParentWorker&()> target;
  const kj::String entrypoint;
};

}  // namespace

schema::Entrypoint::Client newServiceRelay(kj::Function<ParentWorker&()> target,
                                           kj::String entrypoint) {
  return capnp::Capability::Client(kj::heap<ServiceRelay>(kj::mv(target), kj::mv(entrypoint)))
      .castAs<schema::Entrypoint>();
}

}  // namespace mayfly::supervisor
