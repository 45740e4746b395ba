// Byte streams between KJ and the wire: schema::ByteSource in front of a kj::AsyncInputStream and the reverse.
//
// Trust   Sizes that the other process names are capped; a source that sends more than it was asked for is cut off.
#pragma once

#include <kj/async-io.h>

#include "schema/value.capnp.h"

namespace mayfly::rpc {

constexpr uint32_t MAX_CHUNK_BYTES = 64 * 1024;

// Offers `stream` to another process. The stream may have to be taken back before the other side lets go of
// the capability: destroying `revoke` does that, and later reads fail.
struct OfferedSource {
  schema::ByteSource::Client source;
  kj::Own<void> revoke;
};
OfferedSource offerStream(kj::AsyncInputStream& stream);

// Offers a stream that lives as long as the capability.
schema::ByteSource::Client offerStream(kj::Own<kj::AsyncInputStream> stream);

// Copies all of `source` to `output`. Rejects if the source fails.
kj::Promise<void> pump(schema::ByteSource::Client source, kj::AsyncOutputStream& output);

}  // namespace mayfly::rpc
