// The supervisor's end of the control socket: questions out, answers in. Non-blocking; knows sizes and shapes,
// not their meaning.
//
// Trust   An answer that is not exactly one well-formed message is INVALID. What it says is for the caller to check.
#pragma once

#include <kj/io.h>
#include <kj/string.h>
#include <kj/vector.h>

#include <sys/types.h>

#include "zygote/control-protocol.h"

namespace mayfly::zygote {

// A request with the descriptors that go with it, until it is sent. Destroying it closes our copies of them.
class Question {
public:
  explicit Question(const Reap& order);
  Question(const ForkOrder& order, kj::AutoCloseFd hostSocket, kj::AutoCloseFd loaderSocket);

  // A broken socket counts as sent: the zygote's death is seen elsewhere.
  enum class Departure { SENT, SOCKET_FULL, TOO_MANY_IN_FLIGHT };
  Departure trySend(int control) const;

private:
  alignas(8) char bytes[sizeof(ForkOrder)];
  size_t size;
  kj::Vector<kj::AutoCloseFd> descriptors;
};

// An answer: one message and at most one descriptor.
class Answer {
public:
  enum class Arrival { NOTHING_YET, MESSAGE, INVALID, END };

  Arrival tryReceive(int control);

  // After MESSAGE: the message, if its kind and its size agree; else null.
  const Forked* asForked() const { return as<Forked>(Kind::FORKED); }
  const Reaped* asReaped() const { return as<Reaped>(Kind::REAPED); }
  const Failed* asFailed() const { return as<Failed>(Kind::FAILED); }
  const ReadyReport* asReady() const { return as<ReadyReport>(Kind::READY); }
  kj::Maybe<kj::AutoCloseFd> takeDescriptor() { return kj::mv(descriptor); }

private:
  union {
    Kind kind;
    ReadyReport ready;
    Forked forked;
    Reaped reaped;
    Failed failed;
    char bytes[sizeof(ReadyReport) + sizeof(Failed)] = {};
  };
  size_t size = 0;
  kj::Maybe<kj::AutoCloseFd> descriptor;

  template <typename T>
  const T* as(Kind expected) const {
    return size == sizeof(T) && kind == expected ? reinterpret_cast<const T*>(bytes) : nullptr;
  }
};

// The zygote's words in a Failed, whether or not it ended them with a NUL.
kj::String textOf(const Failed& failed);

}  // namespace mayfly::zygote
