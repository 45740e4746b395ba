// A connection that a sandbox asked for, as the capabilities it gets: bytes both ways, and TLS if it may begin later.
//
// Ownership  The connection lasts until source and sink are gone, and `keep` with it. The secure network must outlive
//            it.
// Trust      Sizes are the sandbox's: a read gives at most 64 KiB. Concurrent reads or writes are refused.
// Errors     A broken connection is a failure of the read or write that meets it, without a word about the cause.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/tls.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "schema/value.capnp.h"

namespace mayfly::egress {

// Fills in all of `connection` but its address. `tls` null: it stays as it is; otherwise the holder may begin TLS, with a
// certificate of `host` unless it names another.
void fillConnection(schema::Connection::Builder connection, kj::Own<kj::AsyncIoStream> stream,
                    kj::Maybe<kj::SecureNetworkWrapper&> tls, kj::StringPtr host,
                    kj::Own<void> keep);

}  // namespace mayfly::egress
