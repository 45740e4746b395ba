// Bodies between capabilities and connections, both ways, with a limit on size and on silence.
#pragma once

#include <kj/async-io.h>
#include <kj/memory.h>
#include <kj/timer.h>

#include "egress/network-entrypoint.h"
#include "egress/trouble.h"
#include "schema/value.capnp.h"

namespace mayfly::egress {

// Pulls a request body out of the sandbox and writes it to the connection. Rejects with a Trouble if the source
// fails, lies about its length or goes silent; with KJ's exception if the connection does.
// `timer` must outlive the promise.
kj::Promise<void> sendBody(schema::ByteSource::Client source,
                           kj::Own<kj::AsyncOutputStream> connection,
                           kj::Maybe<uint64_t> announcedBytes, kj::Timer& timer,
                           OutboundLimits limits);

// A response body for the sandbox to pull. `keep` is held as long as the body: the connection's owner.
schema::ByteSource::Client newResponseBody(kj::Own<kj::AsyncInputStream> body, kj::String host,
                                           kj::Timer& timer, OutboundLimits limits,
                                           kj::Own<void> keep);

}  // namespace mayfly::egress
