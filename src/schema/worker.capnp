# Workers: a program on its way into a sandbox, and what its loader holds afterwards.
#
# Spoken on a sandbox's descriptor 4, between the sandbox and whoever loaded it: a parent worker for a
# dynamic worker, the supervisor for a parent worker and for `mayfly run`.

@0xd1f7a1d3c7b90e02;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("mayfly::schema");

using Value = import "value.capnp";
using Host = import "host.capnp";

struct Module {
  # One module of a program. Names are paths in a virtual root, such as `lib/prices.js`.

  name @0 :Text;
  union {
    esm @1 :Text;          # ES module source
    commonJs @2 :Text;
    typeScript @3 :Text;   # ES module source whose types are stripped inside the sandbox
    text @4 :Text;
    json @5 :Text;
    data @6 :Data;
    wasm @7 :Data;
    snippet @8 :Text;
    # What a model writes when asked for "a program": a bare (async) arrow function or function expression,
    # or statements. May contain TypeScript. Becomes a module whose default export is that function.
  }
}

struct Binding {
  # One property of a parent worker's `env`, as its configuration names it.

  name @0 :Text;
  union {
    json @1 :Text;               # `vars`
    loader @2 :Host.Loader;      # `worker_loaders`
    service @3 :Value.Entrypoint;# `services`
  }
  idleMs @4 :UInt32;             # of a loader: how long a named worker keeps its sandbox without a call
}

struct Program {
  # Everything a sandbox needs to become one worker.

  name @0 :Text;                 # for logs and stack traces; not an identity
  compatibilityDate @1 :Text;    # YYYY-MM-DD
  compatibilityFlags @2 :List(Text);
  mainModule @3 :Text;           # a name in `modules`
  modules @4 :List(Module);

  env :union {
    none @5 :Void;
    value @6 :Value.Payload;          # from a parent worker: `WorkerCode.env`
    bindings @7 :List(Binding);       # from the supervisor: the configuration
  }

  outbound :union {
    blocked @8 :Void;                 # `globalOutbound: null`
    host @9 :Void;                    # through the supervisor, which decides what is reachable
    interceptor @10 :Value.Entrypoint;
  }

  tails @11 :List(Value.Entrypoint);
  # Who hears of the invocations of a parent worker. (Those of dynamic workers are told by their loader.)

  subrequests @12 :Int32 = -1;
  # How many requests one invocation may send out; -1: 10,000. Worker.entrypoint may lower it.

  loaded :group {
    # The same for workers that this one loads: what those get that ask for nothing, and the most they can ask for.
    subrequests @13 :UInt32 = 10000;
    maxSubrequests @14 :UInt32 = 10000;
  }
}

interface Blank {
  # A sandbox that has never seen a program: the bootstrap capability on descriptor 4.

  start @0 (program :Program) -> (worker :Worker);
  # Compiles and evaluates the program. Works once. A program that fails to start still answers with a
  # Worker: every call on it is refused with the error that says why.
}

interface Worker {
  # A program in its sandbox. Dropping the last reference to it, or to anything obtained through it, does
  # not end the sandbox: dropping its Lease does.

  entrypoint @0 (name :Text, props :Value.Payload, propsJson :Text, trace :Value.JsObject, subrequests :Int32 = -1)
      -> (entrypoint :Value.Entrypoint);
  # `props`, or from callers that hold no V8 `propsJson`, becomes `ctx.props`. `trace`, if there are tails, is told what the one invocation
  # that follows does (builtins/trace/trace.ts). `name` empty: the default export. A missing entrypoint refuses its calls, not this request.
  # `subrequests`: as in Program, for the invocations of this entrypoint.

  invoke @1 (method :Text, args :Text, timeoutMs :UInt32) -> (result :JsonResult);
  # For callers that hold no V8 (`mayfly run`): calls `method` (empty: `run`, else the default export if it
  # is a function) with the JSON array `args`; the result comes back as JSON.

  tests @2 () -> (names :List(Text), failure :Value.Failure);
  # The exports that have a `test(controller, env, ctx)` handler, in module order. `failure` has a name if
  # the program could not start.

  test @3 (name :Text) -> (failure :Value.Failure);
  # Runs one of them. `failure` has a name if it threw.

  listen @4 (socket :Host.ListenSocket, logRequests :Bool, countRequests :Bool) -> ();
  # Parent workers: serves HTTP on the listening socket that is attached to the capability, answering each
  # request by the default entrypoint's `fetch`. Returns when the socket is being served. `logRequests`: Host.served is told
  # of each. `countRequests`: Host.began and Host.finished are.

  drain @5 () -> ();
  # Stops accepting, lets requests in flight finish, then returns.
}

struct JsonResult {
  union {
    json @0 :Text;      # `null` stands for undefined too
    failure @1 :Value.Failure;
  }
}
