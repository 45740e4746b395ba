// The members that Request and Response share: body, bodyUsed and the readers.

import { createBlob, type Blob } from "../blob/blob.ts";
import { createFormData, type FormData } from "../blob/form-data.ts";
import { ops } from "../../internal/ops.ts";
import { defineProperty, getOwnPropertyNames, getOwnPropertyDescriptor, jsonParse } from "../support/intrinsics.ts";
import { parseUrlencoded } from "../url/form-urlencoded.ts";
import type { ReadableStream } from "../streams/streams.ts";
import type { Body } from "./body.ts";
import type { HeaderList } from "./header-list.ts";
import { parseMimeType } from "./mime-type.ts";
import { parseMultipart } from "./multipart-parser.ts";

export interface BodyMembers {
  readonly body: ReadableStream<Uint8Array> | null;
  readonly bodyUsed: boolean;
  text(): Promise<string>;
  json(): Promise<unknown>;
  arrayBuffer(): Promise<ArrayBuffer>;
  bytes(): Promise<Uint8Array>;
  blob(): Promise<Blob>;
  formData(): Promise<FormData>;
}

export interface MessageContent {
  body: Body | null;
  headers: HeaderList;
}

/** Puts the shared members on a prototype. `contentOf` throws TypeError for objects of another class. */
export function addBodyMembers<T extends object>(prototype: T, contentOf: (message: T) => MessageContent): void {
  const members: BodyMembers & ThisType<T> = {
    get body(): ReadableStream<Uint8Array> | null {
      return contentOf(this as unknown as T).body?.stream ?? null;
    },
    get bodyUsed(): boolean {
      return contentOf(this as unknown as T).body?.used ?? false;
    },
    async text(): Promise<string> {
      const { body } = contentOf(this as unknown as T);
      return body === null ? "" : body.takeText();
    },
    async json(): Promise<unknown> {
      const { body } = contentOf(this as unknown as T);
      return jsonParse(body === null ? "" : await body.takeText());
    },
    async arrayBuffer(): Promise<ArrayBuffer> {
      const { body } = contentOf(this as unknown as T);
      return body === null ? new ArrayBuffer(0) : (await body.takeBytes()).buffer;
    },
    async bytes(): Promise<Uint8Array> {
      const { body } = contentOf(this as unknown as T);
      return body === null ? new Uint8Array(0) : body.takeBytes();
    },
    async blob(): Promise<Blob> {
      const { body, headers } = contentOf(this as unknown as T);
      const bytes = body === null ? new Uint8Array(0) : await body.takeBytes();
      return createBlob(bytes, (headers.get("content-type") ?? "").toLowerCase());
    },
    async formData(): Promise<FormData> {
      const { body, headers } = contentOf(this as unknown as T);
      return readFormData(body, headers);
    },
  };
  for (const name of getOwnPropertyNames(members)) {
    defineProperty(prototype, name, getOwnPropertyDescriptor(members, name)!);
  }
}

async function readFormData(body: Body | null, headers: HeaderList): Promise<FormData> {
  const type = parseMimeType(headers.get("content-type") ?? "");
  switch (type?.essence) {
    case "application/x-www-form-urlencoded": {
      const bytes = body === null ? new Uint8Array(0) : await body.takeBytes();
      return createFormData(parseUrlencoded(ops.utf8Decode(bytes, false)));
    }
    case "multipart/form-data": {
      const boundary = type.parameters.get("boundary");
      if (boundary === undefined)
        throw new TypeError(
          "No boundary string in Content-Type header. The multipart/form-data MIME type requires one.",
        );
      const bytes = body === null ? new Uint8Array(0) : await body.takeBytes();
      return createFormData(parseMultipart(bytes, boundary));
    }
    default:
      body?.requireUnused();
      throw new TypeError(
        "Unrecognized Content-Type header value. FormData can only parse the following MIME types: multipart/form-data, application/x-www-form-urlencoded.",
      );
  }
}
