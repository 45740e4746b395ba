// What must be put right so that a booted V8 can be forked at all, and so that a fork inherits nothing by accident.
#pragma once

#include <cstdint>

namespace mayfly::confine {

// A fork copies one thread; what the others were doing is lost, their locks stay locked. Throws WallFailure if
// this process has more than one.
void requireSingleThread();

// V8 marks its memory MADV_DONTFORK; a fork would crash at its first step. Undoes that for every mapping of this
// process, as of now. Requires /proc. Throws WallFailure.
void makeMemoryForkable();

// Private writable memory of this process (VmData), which RLIMIT_DATA counts. Requires /proc. Throws WallFailure.
uint64_t measureDataBytes();

// Closes every descriptor from `first` on. Throws WallFailure.
void closeDescriptorsFrom(unsigned first);

// Makes `from` descriptor `to`, closing what was there; neither survives an exec. Throws WallFailure.
void moveDescriptor(int from, int to);

}  // namespace mayfly::confine
