// A socket that can send descriptors and never takes one in.
//
// Why        TwoPartyVatNetwork sends descriptors only if it is also told to accept some. The bytes are therefore read
//            with read(2), for which the kernel drops whatever descriptors a sandbox tried to pass.
// Ownership  Owns the inner stream.
#pragma once

#include <kj/async-io.h>
#include <kj/memory.h>

namespace mayfly::supervisor {

kj::Own<kj::AsyncCapabilityStream> newSendingStream(kj::Own<kj::AsyncCapabilityStream> inner);

}  // namespace mayfly::supervisor
