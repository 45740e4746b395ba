// A sandbox as its loader sees it: the Blank that takes one program, and the Worker it becomes.
#pragma once

#include "sandbox/bridge.h"
#include "schema/worker.capnp.h"

namespace mayfly::sandbox {

schema::Blank::Client makeBlank(Bridge& bridge);

}  // namespace mayfly::sandbox
