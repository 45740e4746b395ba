// The end of a process whose memory ran out: one exit status, by whichever road V8 or the C++ library finds out.
#pragma once

#include <v8.h>

namespace mayfly::engine {

// From now on memory that runs out ends the process with `exitStatus`: V8's heap limit, an allocation inside V8 that
// the kernel refuses, operator new. Call once, before V8 starts.
void exitOnOutOfMemory(int exitStatus);

// For v8::Isolate::CreateParams.
void onHeapExhausted(const char* location, const v8::OOMDetails& details);

}  // namespace mayfly::engine
