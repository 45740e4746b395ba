#include "engine/out-of-memory.h"

#include <unistd.h>

#include <new>

namespace {

// Process-wide, as the callbacks are: V8 and the C++ library pass them nothing of ours.
int status = 1;

}  // namespace

namespace mayfly::engine {

void exitOnOutOfMemory(int exitStatus) {
  status = exitStatus;
  std::set_new_handler([] { _exit(status); });
}

void onHeapExhausted(const char*, const v8::OOMDetails&) { _exit(status); }

}  // namespace mayfly::engine

// V8 has no callback for an allocation of its own that fails (a marking worklist, a zone): it crashes, which would be
// told from a real crash by nothing. libnode calls this function through its procedure linkage table, so that a
// definition in the program takes its place; out-of-memory-test.cc fails the day it no longer does.
namespace v8::base {

enum class OOMType { kJavaScript, kProcess };

[[noreturn]] __attribute__((visibility("default"), used)) void FatalOOM(OOMType, const char*) {
  _exit(status);
}

}  // namespace v8::base
