// JavaScript objects of this process as capabilities for others: ObjectHandlers, SourceHandlers and
// SinkHandlers (builtins/internal/ops.ts) behind the interfaces of schema/value.capnp.
//
// Ownership  The capability holds the handlers; when its last reference goes, `released()` or `cancel()` is called.
// Trust      Callers are other processes: paths, arguments and sizes are theirs.
#pragma once

#include "sandbox/bridge.h"
#include "schema/value.capnp.h"

namespace mayfly::sandbox {

schema::Entrypoint::Client exportObject(Bridge& bridge, v8::Local<v8::Object> handlers);
schema::ByteSource::Client exportSource(Bridge& bridge, v8::Local<v8::Object> handlers);
schema::ByteSink::Client exportSink(Bridge& bridge, v8::Local<v8::Object> handlers);

}  // namespace mayfly::sandbox
