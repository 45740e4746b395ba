# Host: what the supervisor does for a sandbox.
#
# Spoken on descriptor 3. Every sandbox gets a Host of its own: the supervisor knows who is speaking by the
# connection, never by what is said. Whatever arrives was written by hostile code.

@0xd1f7a1d3c7b90e03;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("mayfly::schema");

using Value = import "value.capnp";

interface Host {
  log @0 (level :LogLevel, message :Text);
  # One console line, at most 16 KiB; longer ones and lines over the budget are cut and counted.

  outbound @1 () -> (network :Value.Entrypoint);
  # The network, as far as this sandbox's lease allows it. Refuses every fetch if it allows none.

  started @2 () -> ();
  # The program has been evaluated: what runs from now on is charged to invocations, no longer to the start-up. Said
  # before the first invocation runs. A sandbox that lies gains nothing: start-up and invocation have limits of their
  # own, and both are counted on the same clock.

  served @3 (request :ServedRequest) -> ();
  # Parent workers: one line of the request log.

  began @4 (invocation :UInt32) -> ();
  finished @5 (invocation :UInt32) -> ();
  # Parent workers whose configuration limits their CPU time: as in Lease, of themselves. A worker that keeps these books
  # badly cheats itself.
}

struct ServedRequest {
  # An HTTP request that a parent worker has answered, or has not.

  method @0 :Text;
  target @1 :Text;          # path and query as the client wrote them
  status @2 :UInt16;        # 0: none was sent
  durationMicros @3 :UInt64;# to the end of the answer's body
  outcome @4 :Outcome;

  enum Outcome {
    ok @0;
    exception @1;                   # the worker threw, or refused
    canceled @2;                    # the client left before an answer
    responseStreamDisconnected @3;  # the answer broke off in its body
  }
}

enum LogLevel {
  debug @0;
  info @1;
  log @2;
  warn @3;
  error @4;
}

struct Limits {
  # Zero stands for the operator's default. A value over the operator's cap is lowered to it.

  cpuMs @0 :UInt32;      # CPU time per invocation
  wallMs @1 :UInt32;     # time per invocation
  memoryMb @2 :UInt32;   # private memory of the sandbox, in MiB, beyond the blank sandbox's own
}

interface Loader {
  # The right to have sandboxes, as held by a parent worker under a name in its `env`.

  lease @0 (limits :Limits, profile :Text, outbound :Bool, label :Text) -> (lease :Lease) $Cxx.allowCancellation;
  # Takes a blank sandbox. The far end of its descriptor 4 is the file descriptor attached to `lease`.
  # `profile` empty: standard. `outbound`: whether Host.outbound may reach the network. `label`: for logs.
  # The start-up counts as begun; it has a limit of its own, which is the operator's. Waits in turn, for a bounded time, while
  # all sandboxes that this worker or everybody may have are taken.

  shortage @1 () -> (leases :UInt32) $Cxx.allowCancellation;
  # Answers when leases are being waited for that this worker could make room for: it should drop so many of those it holds
  # and that nothing runs in.
}

interface Lease {
  # One sandbox, from the moment it was handed out. Dropping the lease kills the sandbox.

  began @0 (invocation :UInt32, limits :Limits) -> ();
  # An invocation starts, under a number of the holder's choice that none in flight has. Limits that are zero mean
  # those of the lease. One that begins before the start-up is over is charged from the end of the start-up on.

  finished @1 (invocation :UInt32) -> ();
  # That invocation is over. With none left, and the program started, the wall clock stands still; what the sandbox still
  # does may use what the last one left of its CPU time.

  ended @2 () -> (ending :Ending) $Cxx.allowCancellation;
  # Answers when the sandbox is gone.
}

struct Ending {
  reason @0 :Reason;
  detail @1 :Text;      # for the operator, e.g. `SIGSEGV`

  enum Reason {
    released @0;        # the lease was dropped
    cpuLimit @1;
    startupCpuLimit @2;
    wallLimit @3;
    memoryLimit @4;
    violation @5;       # a forbidden system call, or malformed messages
    crashed @6;
    retired @7;         # its zygote or the supervisor is going away
    exited @8;          # the process ended by itself
    aborted @9;         # its program ended it, by abortIsolate()
  }
}

interface ListenSocket {}
# A listening socket: the file descriptor attached to this capability.
