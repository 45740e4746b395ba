#include "supervisor/ending.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "zygote/control-protocol.h"

namespace mayfly::supervisor {
namespace {

kj::String signalName(int signal) {
  const char* abbreviation = sigabbrev_np(signal);
  return abbreviation == nullptr ? kj::str("signal ", signal) : kj::str("SIG", abbreviation);
}

// A SIGKILL that the supervisor did not send came from the kernel (RLIMIT_CPU, the out-of-memory killer) or
// from a person. The kernel does not say which, but the books do.
Ending classifyForeignKill(const ExitFacts& facts) {
  if (facts.zygoteDied) return {EndReason::RETIRED, kj::str("its zygote died"), facts.cpuMicros};
  if (facts.cpuBackstopSeconds > 0 && facts.cpuMicros >= facts.cpuBackstopSeconds * 1'000'000ull) {
    return {EndReason::CPU_LIMIT, kj::str("RLIMIT_CPU of ", facts.cpuBackstopSeconds, " s"),
            facts.cpuMicros};
  }
  if (facts.memoryBytes > 0 && facts.maxRssKb * 1024 >= facts.memoryBytes) {
    return {EndReason::MEMORY_LIMIT,
            kj::str("SIGKILL by the kernel at ", facts.maxRssKb, " KiB resident"), facts.cpuMicros};
  }
  return {EndReason::CRASHED, kj::str("SIGKILL, not sent by the supervisor"), facts.cpuMicros};
}

}  // namespace

Ending classifyExit(const ExitFacts& facts) {
  if (WIFEXITED(facts.waitStatus)) {
    int status = WEXITSTATUS(facts.waitStatus);
    if (status == zygote::EXIT_OUT_OF_MEMORY) {
      return {EndReason::MEMORY_LIMIT, kj::str("out of memory"), facts.cpuMicros};
    }
    if (status == zygote::EXIT_ISOLATE_ABORTED) {
      return {EndReason::ABORTED, kj::str("abortIsolate()"), facts.cpuMicros};
    }
    // Dropping a lease closes the sandbox's connection as well, so it may leave before SIGKILL reaches it.
    KJ_IF_MAYBE (reason, facts.killedFor)
      return {*reason, kj::str("exit status ", status), facts.cpuMicros};
    if (facts.zygoteDied) return {EndReason::RETIRED, kj::str("its zygote died"), facts.cpuMicros};
    return {EndReason::EXITED, kj::str("exit status ", status), facts.cpuMicros};
  }
  int signal = WTERMSIG(facts.waitStatus);
  switch (signal) {
    case SIGKILL:
      KJ_IF_MAYBE (reason, facts.killedFor) return {*reason, kj::str("SIGKILL"), facts.cpuMicros};
      return classifyForeignKill(facts);
    case SIGXCPU:
      return {EndReason::CPU_LIMIT, kj::str("SIGXCPU"), facts.cpuMicros};
    case SIGSYS:
      return {EndReason::VIOLATION, kj::str("SIGSYS: a forbidden system call"), facts.cpuMicros};
    default:
      return {EndReason::CRASHED, signalName(signal), facts.cpuMicros};
  }
}

kj::StringPtr nameOf(EndReason reason) {
  switch (reason) {
    case EndReason::RELEASED:
      return "released";
    case EndReason::CPU_LIMIT:
      return "cpuLimit";
    case EndReason::STARTUP_CPU_LIMIT:
      return "startupCpuLimit";
    case EndReason::WALL_LIMIT:
      return "wallLimit";
    case EndReason::MEMORY_LIMIT:
      return "memoryLimit";
    case EndReason::VIOLATION:
      return "violation";
    case EndReason::CRASHED:
      return "crashed";
    case EndReason::RETIRED:
      return "retired";
    case EndReason::EXITED:
      return "exited";
    case EndReason::ABORTED:
      return "aborted";
  }
  return "unknown";
}

EndingText textOf(EndReason reason) {
  switch (reason) {
    case EndReason::RELEASED:
      return {"ERR_SANDBOX_RELEASED", "The sandbox was released."};
    case EndReason::CPU_LIMIT:
      return {"ERR_CPU_LIMIT", "Worker exceeded CPU time limit."};
    case EndReason::STARTUP_CPU_LIMIT:
      return {"ERR_STARTUP_CPU_LIMIT", "Script startup exceeded CPU time limit."};
    case EndReason::WALL_LIMIT:
      return {"ERR_WALL_LIMIT", "Worker exceeded wall time limit."};
    case EndReason::MEMORY_LIMIT:
      return {"ERR_MEMORY_LIMIT", "Worker exceeded memory limit."};
    case EndReason::VIOLATION:
      return {"ERR_SANDBOX_VIOLATION", "The sandbox did something forbidden and was killed."};
    case EndReason::CRASHED:
      return {"ERR_SANDBOX_CRASHED", "The sandbox crashed."};
    case EndReason::RETIRED:
      return {"ERR_SANDBOX_RETIRED", "The sandbox was retired. Try again."};
    case EndReason::EXITED:
      return {"ERR_SANDBOX_EXITED", "The sandbox ended without an answer."};
    case EndReason::ABORTED:
      return {"ERR_ISOLATE_ABORTED", "Worker ended its own isolate with abortIsolate()."};
  }
  return {"ERR_SANDBOX_CRASHED", "The sandbox ended."};
}

bool isLimit(EndReason reason) {
  return reason == EndReason::CPU_LIMIT || reason == EndReason::STARTUP_CPU_LIMIT ||
         reason == EndReason::WALL_LIMIT || reason == EndReason::MEMORY_LIMIT;
}

}  // namespace mayfly::supervisor
