// For tests: the program side of a parent sandbox, as a behaviour of FakeZygote's children. It speaks the worker
// schema on descriptor 4, in a thread of its own because the forked test's event loop cannot be used again.
#pragma once

namespace mayfly::supervisor {

// Answers tests() with what it has met so far: the names of its bindings, its listening socket (`listening`),
// `entrypoint NAME PROPS` for each that was asked for, `fetch begun` and `fetch cancelled`. Answers test("crash") by
// crashing, invoke() with its own pid, entrypoint().call() with a failure that has the pid for its message, and
// entrypoint().fetch() never.
void behaveAsWorker(int hostFd, int loaderFd);

// Answers every question with a program's failure to start, in two lines and with a terminal escape.
void behaveAsBrokenWorker(int hostFd, int loaderFd);

}  // namespace mayfly::supervisor
