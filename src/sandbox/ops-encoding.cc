// Content codings: the codec… operations of builtins/internal/ops.ts.

#include <kj/debug.h>

#include "sandbox/content-codec.h"
#include "sandbox/handles.h"
#include "sandbox/reply.h"

namespace mayfly::sandbox {

namespace {

constexpr uint32_t MAX_PIECE = 1 << 20;

void newCodec(Bridge& bridge, const Info& info) {
  auto direction = info[1]->IsTrue() ? Direction::DECODE : Direction::ENCODE;
  auto codec = newContentCodec(engine::utf8(bridge.isolate, info[0]), direction);
  info.GetReturnValue().Set(wrapCodec(bridge, kj::mv(codec)));
}

void codecWrite(Bridge& bridge, const Info& info) {
  unwrapCodec(bridge, info[0]).write(bytesOf(info[1]));
}

void codecEnd(Bridge& bridge, const Info& info) { unwrapCodec(bridge, info[0]).end(); }

void codecRead(Bridge& bridge, const Info& info) {
  KJ_REQUIRE(info[1]->IsUint32() && info[1].As<v8::Uint32>()->Value() <= MAX_PIECE);
  auto& codec = unwrapCodec(bridge, info[0]);
  auto buffer = kj::heapArray<kj::byte>(info[1].As<v8::Uint32>()->Value());
  size_t count = 0;
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&] { count = codec.read(buffer); })) {
    bridge.throwTypeError(exception->getDescription());
    return;
  }
  info.GetReturnValue().Set(newBytes(bridge, buffer.slice(0, count)));
}

constexpr Operation OPERATIONS[] = {
    {"newCodec", operation<newCodec>},
    {"codecWrite", operation<codecWrite>},
    {"codecEnd", operation<codecEnd>},
    {"codecRead", operation<codecRead>},
};

}  // namespace

kj::ArrayPtr<const Operation> encodingOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
