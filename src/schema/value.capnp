# Values: how JavaScript values, errors and byte streams look between two processes.
#
# Trust: every field was written by the other process. Readers check sizes and indices where they use
# them. `Payload.bytes` is decoded only inside a sandboxed process; the supervisor passes it on unopened.

@0xd1f7a1d3c7b90e01;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("mayfly::schema");

struct Payload {
  # One JavaScript value: an RPC argument list, a result, a thrown value, an `env`, a `props`.

  bytes @0 :Data;
  # The value in V8's structured-clone format, at most MAX_PAYLOAD_BYTES (32 MiB). Where a capability or
  # a platform object stands in the value, the bytes hold a host object: a tag and an index into `caps`.

  caps @1 :List(Cap);
  # The capabilities that the value carries, in the order in which the bytes name them.
}

const maxPayloadBytes :UInt32 = 33554432;
# Larger values are refused by the sender, with the error that names the limit.

struct Cap {
  union {
    object @0 :JsObject;          # A function, an RpcTarget, a stub of either.
    entrypoint @1 :Entrypoint;    # A Fetcher: `fetch` and RPC methods.
    source @2 :ByteSource;        # A ReadableStream of bytes.
    sink @3 :ByteSink;            # A WritableStream of bytes.
  }
}

struct Failure {
  # Why something could not be answered: a thrown JavaScript value or a refusal by the system.

  name @0 :Text;        # `TypeError`
  message @1 :Text;     # at most 8 KiB
  stack @2 :Text;       # for the operator's log; never shown to the other program. At most 16 KiB
  code @3 :Text;        # stable code such as `ERR_CPU_LIMIT`; empty if there is none
  thrown @4 :Payload;   # the thrown value itself, when a program threw it; null if the system refused
}

struct Reply {
  union {
    value @0 :Payload;
    failure @1 :Failure;
  }
}

interface JsObject {
  # A JavaScript object or function in another process, addressed by paths of property names.

  call @0 (path :List(Text), args :Payload) -> (reply :Reply, target :JsObject, afterwards :JsObject) $Cxx.allowCancellation;
  # Calls the function at `path` (at most 65 names; empty: the object itself) with an array of arguments.
  # `target` is the result itself, for calls pipelined on it; null when the result is a primitive or
  # the call failed. `afterwards` is not null when the invocation goes on after its answer (`waitUntil`): reading it
  # (`get` with an empty path) answers when that is over.

  get @1 (path :List(Text)) -> (reply :Reply, target :JsObject, afterwards :JsObject) $Cxx.allowCancellation;
  # Reads the property at `path`, awaiting it if it is a promise.
}

interface Entrypoint extends(JsObject) {
  # A worker's entrypoint. Each call and each fetch is one invocation with an I/O context of its own.
  # The network is an Entrypoint too: the one whose `fetch` opens connections (see Host.outbound).

  fetch @0 (request :HttpRequest) -> (result :HttpResult, afterwards :JsObject) $Cxx.allowCancellation;
  # A caller who goes away cancels the invocation.

  tail @1 (items :Text) -> (failure :Failure);
  # Delivers trace items, as a JSON array, to the worker's `tail` handler.

  connect @2 (address :Text, secureTransport :SecureTransport) -> (result :ConnectResult) $Cxx.allowCancellation;
  # Opens a byte connection to `address`, `host:port`: the network dials it, a worker's `connect` handler answers it.
}

enum SecureTransport {
  off @0;
  on @1;         # TLS from the first byte
  startTls @2;   # plain now, TLS when the holder asks for it
}

struct ConnectResult {
  union {
    connection @0 :Connection;
    failure @1 :Failure;
  }
}

struct Connection {
  # An open connection. It ends when both streams are over, or dropped.

  source @0 :ByteSource;       # what the other side sends
  sink @1 :ByteSink;           # what goes to it
  remoteAddress @2 :Text;      # for the program to read; says nothing about where the bytes really go
  tls @3 :TlsStarter;          # null unless `startTls` was asked for
}

interface TlsStarter {
  start @0 (host :Text) -> (result :ConnectResult) $Cxx.allowCancellation;
  # Begins TLS on the connection, with a certificate of `host` (empty: of the host dialled). The streams it had so
  # far fail from then on. Works once, when nothing is being written.
}

struct HttpHeader {
  name @0 :Text;
  value @1 :Text;      # bytes 0x20-0xff, no CR or LF; UTF-8 if programs are to read it
}

struct HttpRequest {
  method @0 :Text;
  url @1 :Text;        # absolute, no fragment
  headers @2 :List(HttpHeader);
  body @3 :Body;
  webSocket @4 :MessageSink;
  # With `Upgrade: websocket` among the headers: takes the messages for the client, should the answer be 101.

  cfJson @5 :Text;     # the program's `cf`, for interceptors and services; empty for none
}

struct HttpResponse {
  status @0 :UInt16;   # 200-999 (servers invent some), or 101 with a `webSocket`
  statusText @1 :Text;
  headers @2 :List(HttpHeader);
  body @3 :Body;
  webSocket @4 :MessageSink;   # takes the messages of the client
  maxMessageBytes @5 :UInt32 = 33554432;   # the longest that it takes
}

struct HttpResult {
  union {
    response @0 :HttpResponse;
    failure @1 :Failure;
  }
}

struct Body {
  union {
    none @0 :Void;
    bytes @1 :Data;           # a short body travels with its message
    stream @2 :ByteSource;    # a long one is pulled by its reader
  }
  length @3 :Int64 = -1;      # of a stream, in bytes; -1 if not known
}

interface ByteSource {
  # The readable end of a byte stream. The reader pulls, so memory is bounded by what was asked for.
  # Dropping the capability cancels the stream.

  read @0 (maxBytes :UInt32) -> (bytes :Data, done :Bool, failure :Failure) $Cxx.allowCancellation;
  # Waits for at least one byte, unless `done`. After `done` or a failure the stream is over. One read
  # at a time. The source may answer with less than `maxBytes`, never with more.
}

interface ByteSink {
  # The writable end. Dropping it without `close` aborts the stream.

  write @0 (bytes :Data) -> (failure :Failure);
  # Answers when there is room for more.

  close @1 () -> (failure :Failure);
  abort @2 (reason :Text) -> ();
}

const maxMessageBytes :UInt32 = 33554432;
# Of one WebSocket message. Longer ones are refused by the sender, and end the connection where they arrive.

interface MessageSink {
  # One direction of a WebSocket. Messages arrive in the order they were sent, and are answered when there is room for
  # more: who sends without waiting for answers is cut off when what it sent piles up.
  # Dropping the capability without `close` is an abnormal end (code 1006).

  send @0 (message :Message) -> ();
  # Fails when nobody takes messages any more.

  close @1 (code :UInt16, reason :Text) -> ();
  # The last message. Code 1005 stands for a Close frame without a code.
}

struct Message {
  union {
    text @0 :Text;
    binary @1 :Data;
  }
}
