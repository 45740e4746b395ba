// What a `tail(events)` handler gets: trace items as host objects, redacted. Made from the JSON that was delivered.

import { redactedHeaders, redactedUrl } from "./redaction.ts";
import type { TraceContent, TraceEvent } from "./trace.ts";

interface TraceLogContent {
  timestamp: number;
  level: string;
  message: unknown[];
  errorInfo?: unknown[];
}

interface TraceExceptionContent {
  timestamp: number;
  name: string;
  message: string;
  stack?: string;
}

/** Properties that are undefined are there, and JSON leaves them out. */
export class TraceItem {
  constructor(content: TraceContent) {
    Object.assign(this, {
      wallTime: content.wallTime,
      cpuTime: 0,
      truncated: content.truncated,
      executionModel: "stateless",
      outcome: content.outcome,
      durableObjectId: undefined,
      preview: undefined,
      tailAttributes: undefined,
      scriptTags: undefined,
      dispatchNamespace: undefined,
      scriptVersion: undefined,
      entrypoint: content.entrypoint,
      scriptName: null,
      diagnosticsChannelEvents: [],
      exceptions: (content.exceptions as TraceExceptionContent[]).map((entry) => new TraceException(entry)),
      logs: (content.logs as TraceLogContent[]).map((entry) => new TraceLog(entry)),
      eventTimestamp: content.eventTimestamp,
      event: eventInfo(content.event),
    });
  }
}

class TraceLog {
  constructor({ errorInfo, message, level, timestamp }: TraceLogContent) {
    Object.assign(this, { errorInfo, message, level, timestamp });
  }
}

class TraceException {
  constructor({ stack, name, message, timestamp }: TraceExceptionContent) {
    Object.assign(this, { stack, name, message, timestamp });
  }
}

class FetchEventInfo {
  constructor(request: TracedRequest, response: { status: number } | undefined) {
    Object.assign(this, { request, response: response === undefined ? undefined : new TracedResponse(response.status) });
  }
}

class JsRpcEventInfo {
  constructor(readonly rpcMethod: string) {}
}

interface RequestContent {
  url: string;
  method: string;
  headers: Record<string, string>;
}

class TracedRequest {
  readonly #original: RequestContent;

  constructor(original: RequestContent, redacted: boolean) {
    this.#original = original;
    const { url, method, headers } = original;
    Object.assign(this, {
      cf: undefined,
      url: redacted ? redactedUrl(url) : url,
      method,
      headers: redacted ? redactedHeaders(headers) : { ...headers },
    });
  }

  getUnredacted(): TracedRequest {
    return new TracedRequest(this.#original, false);
  }
}

class TracedResponse {
  constructor(readonly status: number) {}
}

const tags: [new (...args: never[]) => object, string][] = [
  [TraceItem, "TraceItem"], [TraceLog, "TraceLog"], [TraceException, "TraceException"],
  [FetchEventInfo, "FetchEventInfo"], [JsRpcEventInfo, "JsRpcEventInfo"], [TracedRequest, "Request"], [TracedResponse, "Response"],
];
for (const [Class, tag] of tags) Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: tag, configurable: true });

function eventInfo(event: TraceEvent | null): object | null {
  if (event === null) return null;
  if ("rpcMethod" in event) return new JsRpcEventInfo(event.rpcMethod);
  return new FetchEventInfo(new TracedRequest(event.request, true), event.response);
}

/** The argument of a tail handler. Throws if `text` is not JSON of trace items. */
export function readTraceItems(text: string): TraceItem[] {
  return (JSON.parse(text) as TraceContent[]).map((content) => new TraceItem(content));
}
