// Where finished log lines go.
//
// Contract   write() takes one whole line, newline included, and returns at once. A sink that cannot keep up
//            drops whole lines and says how many when it can write again.
// Threads    One.
#pragma once

#include <kj/common.h>
#include <kj/memory.h>
#include <kj/string.h>

namespace mayfly::observe {

class LogSink {
public:
  virtual ~LogSink() noexcept(false) = default;
  virtual void write(kj::StringPtr line) = 0;
};

// Writes to a descriptor that it does not own (standard error) and that stays in the mode it is in. When
// nobody reads the other end, up to 1 MiB waits in memory, to be written with a later line or, for at most a
// second, by the destructor: a stopped terminal must not stop the clocks that end sandboxes.
kj::Own<LogSink> newDescriptorSink(int fd);

}  // namespace mayfly::observe
