// For tests: the program side of a parent sandbox, as a behaviour of FakeZygote's children. It speaks the worker
// schema on descriptor 4, in a thread of its own because the forked test's event loop cannot be used again.
#pragma once

namespace mayfly::supervisor {

// Answers tests() with the names of its bindings and of its listening socket (`listening`), test("crash") by
// crashing, invoke() with its own pid, and entrypoint().call() with an empty reply.
void behaveAsWorker(int hostFd, int loaderFd);

// Answers every question with a program's failure to start.
void behaveAsBrokenWorker(int hostFd, int loaderFd);

}  // namespace mayfly::supervisor
