// Having sandboxes: the loader… , blank… , worker… and lease… operations of builtins/internal/ops.ts.
// Only a parent worker ever holds a Loader capability to use them on.

#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <kj/debug.h>

#include "sandbox/program.h"
#include "sandbox/reply.h"
#include "schema/worker.capnp.h"

namespace mayfly::sandbox {

namespace {

// Our end of a leased sandbox's descriptor 4.
class Connection {
public:
  Connection(Bridge& bridge, int fd)
      : stream(bridge.ioContext().lowLevelProvider->wrapSocketFd(
            kj::AutoCloseFd(fd), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC |
                                     kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK)),
        network(*stream, capnp::rpc::twoparty::Side::CLIENT, readerOptions()),
        rpc(capnp::makeRpcClient(network)) {}

  schema::Blank::Client blank() {
    capnp::MallocMessageBuilder message(8);
    auto vat = message.initRoot<capnp::rpc::twoparty::VatId>();
    vat.setSide(capnp::rpc::twoparty::Side::SERVER);
    return rpc.bootstrap(vat).castAs<schema::Blank>();
  }

private:
  static capnp::ReaderOptions readerOptions() {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = (schema::MAX_PAYLOAD_BYTES + (1 << 20)) / sizeof(capnp::word);
    return options;
  }

  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
};

// Where the connection will be once the lease has been granted.
struct Pending {
  kj::Maybe<kj::Own<Connection>> connection;
};

void fillLimits(Bridge& bridge, v8::Local<v8::Value> value, schema::Limits::Builder limits) {
  if (!value->IsObject()) return;
  auto object = value.As<v8::Object>();
  auto read = [&](kj::StringPtr name) -> uint32_t {
    auto number = getField(bridge, object, name);
    return number->IsUint32() ? number.As<v8::Uint32>()->Value() : 0;
  };
  limits.setCpuMs(read("cpuMs"));
  limits.setWallMs(read("wallMs"));
  limits.setMemoryMb(read("memoryMb"));
}

// loaderLease(loader, limits, profile, outbound, label) → { lease, blank, granted }
void loaderLease(Bridge& bridge, const Info& info) {
  auto request = unwrapCap(bridge, info[0]).as<schema::Loader>().leaseRequest();
  fillLimits(bridge, info[1], request.initLimits());
  request.setProfile(engine::utf8(bridge.isolate, info[2]));
  request.setOutbound(info[3]->IsTrue());
  request.setLabel(engine::utf8(bridge.isolate, info[4]));

  auto promise = request.send();
  schema::Lease::Client lease = promise.getLease();
  auto pending = kj::refcountedWrapper<Pending>();
  auto granted =
      promise.then([lease](auto&&) mutable { return lease.getFd(); })
          .then([&bridge, lease, pending = pending->addWrappedRef()](kj::Maybe<int> fd) mutable {
            // The descriptor belongs to the lease; the connection needs one of its own.
            int own;
            KJ_SYSCALL(own = fcntl(KJ_REQUIRE_NONNULL(fd, "a lease without its socket"),
                                   F_DUPFD_CLOEXEC, 6));
            auto connection = kj::heap<Connection>(bridge, own);
            auto blank = connection->blank();
            pending->connection = kj::mv(connection);
            return blank;
          })
          .fork();
  schema::Blank::Client blank = granted.addBranch();

  auto result = v8::Object::New(bridge.isolate);
  setField(bridge, result, "lease", wrapCap(bridge, CapKind::LEASE, lease, kj::mv(pending)));
  setField(bridge, result, "blank", wrapCap(bridge, CapKind::BLANK, kj::mv(blank)));
  setField(bridge, result, "granted",
           bridge.toJs(granted.addBranch().ignoreResult(), [&bridge]() -> v8::Local<v8::Value> {
             return v8::Undefined(bridge.isolate);
           }));
  info.GetReturnValue().Set(result);
}

// loaderShortage(loader) → promise of a number
void loaderShortage(Bridge& bridge, const Info& info) {
  auto promise = unwrapCap(bridge, info[0]).as<schema::Loader>().shortageRequest().send();
  info.GetReturnValue().Set(
      bridge.toJs(promise.then([](auto&& response) { return response.getLeases(); }),
                  [&bridge](uint32_t leases) -> v8::Local<v8::Value> {
                    return v8::Integer::NewFromUnsigned(bridge.isolate, leases);
                  }));
}

// blankStart(blank, program) → worker
void blankStart(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsObject());
  auto request = unwrapCap(bridge, info[0]).as<schema::Blank>().startRequest();
  writeProgram(bridge, info[1].As<v8::Object>(), request.initProgram());
  info.GetReturnValue().Set(wrapCap(bridge, CapKind::WORKER, request.send().getWorker()));
}

// workerEntrypoint(worker, name, props | null, trace | null, subrequests) → entrypoint
void workerEntrypoint(Bridge& bridge, const Info& info) {
  auto request = unwrapCap(bridge, info[0]).as<schema::Worker>().entrypointRequest();
  request.setName(engine::utf8(bridge.isolate, info[1]));
  if (info[2]->IsObject()) unwrapEncoded(bridge, info[2]).write(request.initProps());
  if (info[3]->IsObject())
    request.setTrace(unwrapCap(bridge, info[3]).take().castAs<schema::JsObject>());
  KJ_REQUIRE(info[4]->IsInt32());
  request.setSubrequests(info[4].As<v8::Int32>()->Value());
  info.GetReturnValue().Set(wrapCap(bridge, CapKind::ENTRYPOINT, request.send().getEntrypoint()));
}

// leaseBegan(lease, invocation, limits)
void leaseBegan(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsUint32());
  auto request = unwrapCap(bridge, info[0]).as<schema::Lease>().beganRequest();
  request.setInvocation(info[1].As<v8::Uint32>()->Value());
  fillLimits(bridge, info[2], request.initLimits());
  bridge.detach(request.send().ignoreResult().catch_([](kj::Exception&&) {}));
}

// leaseFinished(lease, invocation)
void leaseFinished(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsUint32());
  auto request = unwrapCap(bridge, info[0]).as<schema::Lease>().finishedRequest();
  request.setInvocation(info[1].As<v8::Uint32>()->Value());
  bridge.detach(request.send().ignoreResult().catch_([](kj::Exception&&) {}));
}

kj::StringPtr reasonName(schema::Ending::Reason reason) {
  switch (reason) {
    case schema::Ending::Reason::RELEASED:
      return "released";
    case schema::Ending::Reason::CPU_LIMIT:
      return "cpuLimit";
    case schema::Ending::Reason::STARTUP_CPU_LIMIT:
      return "startupCpuLimit";
    case schema::Ending::Reason::WALL_LIMIT:
      return "wallLimit";
    case schema::Ending::Reason::MEMORY_LIMIT:
      return "memoryLimit";
    case schema::Ending::Reason::VIOLATION:
      return "violation";
    case schema::Ending::Reason::CRASHED:
      return "crashed";
    case schema::Ending::Reason::RETIRED:
      return "retired";
    case schema::Ending::Reason::EXITED:
      return "exited";
    case schema::Ending::Reason::ABORTED:
      return "aborted";
  }
  return "exited";
}

// leaseEnded(lease) → promise of { reason, detail }
void leaseEnded(Bridge& bridge, const Info& info) {
  auto& lease = unwrapCap(bridge, info[0]);
  auto promise = lease.as<schema::Lease>().endedRequest().send();
  // Dropping the lease must end this call too: a pending one would keep the sandbox alive.
  info.GetReturnValue().Set(bridge.toJs(
      lease.endingWithHandle(promise.then([](auto&& response) { return kj::mv(response); })),
      [&bridge](auto&& response) -> v8::Local<v8::Value> {
        auto object = v8::Object::New(bridge.isolate);
        auto ending = response.getEnding();
        setField(bridge, object, "reason",
                 engine::text(bridge.isolate, reasonName(ending.getReason())));
        setField(bridge, object, "detail",
                 engine::text(bridge.isolate, ending.getDetail().asArray()));
        return object;
      }));
}

// hostOutbound() → entrypoint
void hostOutbound(Bridge& bridge, const Info& info) {
  info.GetReturnValue().Set(
      wrapCap(bridge, CapKind::ENTRYPOINT, bridge.host().outboundRequest().send().getNetwork()));
}

constexpr Operation OPERATIONS[] = {
    {"loaderLease", operation<loaderLease>}, {"loaderShortage", operation<loaderShortage>},
    {"blankStart", operation<blankStart>},   {"workerEntrypoint", operation<workerEntrypoint>},
    {"leaseBegan", operation<leaseBegan>},   {"leaseFinished", operation<leaseFinished>},
    {"leaseEnded", operation<leaseEnded>},   {"hostOutbound", operation<hostOutbound>},
};

}  // namespace

kj::ArrayPtr<const Operation> loaderOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
