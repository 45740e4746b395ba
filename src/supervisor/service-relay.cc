#include "supervisor/service-relay.h"

#include <capnp/capability.h>

namespace mayfly::supervisor {
namespace {

using AnyCall = capnp::CallContext<capnp::AnyPointer, capnp::AnyPointer>;

class ServiceRelay final : public capnp::Capability::Server {
public:
  ServiceRelay(kj::Function<ParentWorker&()> target, kj::String entrypoint, kj::String propsJson)
      : target(kj::mv(target)), entrypoint(kj::mv(entrypoint)), propsJson(kj::mv(propsJson)) {}

  // Of whatever interface the call is: how the schema annotates its methods is the target's business.
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
    if (propsJson != "") ask.setPropsJson(propsJson);
    capnp::Capability::Client destination = ask.send().getEntrypoint();
    auto call =
        destination.typelessRequest(interfaceId, methodId, context.getParams().targetSize(), {});
    call.set(context.getParams());
    context.releaseParams();
    co_await context.tailCall(kj::mv(call));
  }

  kj::Function<ParentWorker&()> target;
  const kj::String entrypoint;
  const kj::String propsJson;
};

}  // namespace

schema::Entrypoint::Client newServiceRelay(kj::Function<ParentWorker&()> target,
                                           kj::String entrypoint, kj::String propsJson) {
  return capnp::Capability::Client(
             kj::heap<ServiceRelay>(kj::mv(target), kj::mv(entrypoint), kj::mv(propsJson)))
      .castAs<schema::Entrypoint>();
}

}  // namespace mayfly::supervisor
