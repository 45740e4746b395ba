// The classes that programs see as globals, by name.

import { Blob } from "./blob/blob.ts";
import { File } from "./blob/file.ts";
import { FormData } from "./blob/form-data.ts";
import { Crypto } from "./crypto/crypto.ts";
import { CryptoKey, SubtleCrypto } from "./crypto/subtle-crypto.ts";
import { TextDecoder } from "./encoding/text-decoder.ts";
import { TextEncoder } from "./encoding/text-encoder.ts";
import { TextDecoderStream, TextEncoderStream } from "./encoding/text-streams.ts";
import { DOMException } from "./errors/dom-exception.ts";
import { AbortController, AbortSignal } from "./events/abort.ts";
import { CloseEvent, CustomEvent, ErrorEvent, MessageEvent, PromiseRejectionEvent } from "./events/event-kinds.ts";
import { EventTarget } from "./events/event-target.ts";
import { Event } from "./events/event.ts";
import { Headers } from "./fetch/headers.ts";
import { Request } from "./fetch/request.ts";
import { Response } from "./fetch/response.ts";
import { Navigator } from "./navigator/navigator.ts";
import { Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure } from "./performance/performance.ts";
import { FixedLengthStream, IdentityTransformStream } from "./streams/identity-transform-stream.ts";
import * as streams from "./streams/streams.ts";
import { ServiceWorkerGlobalScope, WorkerGlobalScope } from "./support/worker-scope.ts";
import { Scheduler } from "./timers/scheduler.ts";
import { URLSearchParams } from "./url/url-search-params.ts";
import { URL } from "./url/url.ts";
import { WebSocketPair } from "./websocket/web-socket-pair.ts";
import { WebSocket } from "./websocket/web-socket.ts";

export const platformClasses = {
  AbortController,
  AbortSignal,
  Blob,
  ByteLengthQueuingStrategy: streams.ByteLengthQueuingStrategy,
  CloseEvent,
  CountQueuingStrategy: streams.CountQueuingStrategy,
  Crypto,
  CryptoKey,
  CustomEvent,
  DOMException,
  ErrorEvent,
  Event,
  EventTarget,
  File,
  FixedLengthStream,
  FormData,
  Headers,
  IdentityTransformStream,
  MessageEvent,
  Navigator,
  Performance,
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
  PromiseRejectionEvent,
  ReadableByteStreamController: streams.ReadableByteStreamController,
  ReadableStream: streams.ReadableStream,
  ReadableStreamBYOBReader: streams.ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest: streams.ReadableStreamBYOBRequest,
  ReadableStreamDefaultController: streams.ReadableStreamDefaultController,
  ReadableStreamDefaultReader: streams.ReadableStreamDefaultReader,
  Request,
  Response,
  Scheduler,
  ServiceWorkerGlobalScope,
  SubtleCrypto,
  TextDecoder,
  TextDecoderStream,
  TextEncoder,
  TextEncoderStream,
  TransformStream: streams.TransformStream,
  TransformStreamDefaultController: streams.TransformStreamDefaultController,
  URL,
  URLSearchParams,
  WebSocket,
  WebSocketPair,
  WorkerGlobalScope,
  WritableStream: streams.WritableStream,
  WritableStreamDefaultController: streams.WritableStreamDefaultController,
  WritableStreamDefaultWriter: streams.WritableStreamDefaultWriter,
};

export type PlatformClasses = typeof platformClasses;
