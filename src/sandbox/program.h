// schema::Program to and from the WireProgram of builtins/internal/ops.ts. Both need an active Turn.
#pragma once

#include <v8.h>

#include "sandbox/bridge.h"
#include "schema/worker.capnp.h"

namespace mayfly::sandbox {

void writeProgram(Bridge& bridge, v8::Local<v8::Object> program, schema::Program::Builder builder);
v8::Local<v8::Object> programFrom(Bridge& bridge, schema::Program::Reader program);

}  // namespace mayfly::sandbox
