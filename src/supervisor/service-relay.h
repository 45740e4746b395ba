// A service binding: calls go to an entrypoint of another parent worker, whichever process it has at the time.
//
// Contract   Resolves its target at each call, so workers may name each other in a circle, start in any order and
//            be restarted; a call that finds the target between two processes waits for the next one. A call that
//            its caller cancels is cancelled at the target.
// Ownership  The target must outlive it.
// Trust      Parameters and results pass through unopened.
// Threads    The supervisor's event loop.
#pragma once

#include <kj/string.h>

#include "schema/value.capnp.h"
#include "supervisor/parent-worker.h"

namespace mayfly::supervisor {

// `entrypoint` empty: the default export. `propsJson`: what it finds as `ctx.props`; empty: none. `target` is asked at
// the time of each call.
schema::Entrypoint::Client newServiceRelay(kj::Function<ParentWorker&()> target,
                                           kj::String entrypoint, kj::String propsJson);

}  // namespace mayfly::supervisor
