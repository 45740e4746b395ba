// DOMException, and the table of names that have a legacy code.

import { defineProperty } from "../support/intrinsics.ts";
import { defineConstants, defineInterface, isObject, toDOMString } from "../support/webidl.ts";

const CODES: Record<string, [constant: string, code: number]> = {
  IndexSizeError: ["INDEX_SIZE_ERR", 1],
  HierarchyRequestError: ["HIERARCHY_REQUEST_ERR", 3],
  WrongDocumentError: ["WRONG_DOCUMENT_ERR", 4],
  InvalidCharacterError: ["INVALID_CHARACTER_ERR", 5],
  NoModificationAllowedError: ["NO_MODIFICATION_ALLOWED_ERR", 7],
  NotFoundError: ["NOT_FOUND_ERR", 8],
  NotSupportedError: ["NOT_SUPPORTED_ERR", 9],
  InUseAttributeError: ["INUSE_ATTRIBUTE_ERR", 10],
  InvalidStateError: ["INVALID_STATE_ERR", 11],
  SyntaxError: ["SYNTAX_ERR", 12],
  InvalidModificationError: ["INVALID_MODIFICATION_ERR", 13],
  NamespaceError: ["NAMESPACE_ERR", 14],
  InvalidAccessError: ["INVALID_ACCESS_ERR", 15],
  TypeMismatchError: ["TYPE_MISMATCH_ERR", 17],
  SecurityError: ["SECURITY_ERR", 18],
  NetworkError: ["NETWORK_ERR", 19],
  AbortError: ["ABORT_ERR", 20],
  URLMismatchError: ["URL_MISMATCH_ERR", 21],
  QuotaExceededError: ["QUOTA_EXCEEDED_ERR", 22],
  TimeoutError: ["TIMEOUT_ERR", 23],
  InvalidNodeTypeError: ["INVALID_NODE_TYPE_ERR", 24],
  DataCloneError: ["DATA_CLONE_ERR", 25],
};
// Constants without a name of their own today.
const RETIRED = { DOMSTRING_SIZE_ERR: 2, NO_DATA_ALLOWED_ERR: 6, VALIDATION_ERR: 16 };

const codeByName = new Map(Object.entries(CODES).map(([name, [, code]]) => [name, code]));

const captureStack = (Error as unknown as { captureStackTrace?: (target: object, until?: unknown) => void })
  .captureStackTrace;

let brand: (value: object) => boolean;

// An Error underneath, so that it has a stack and counts as a native error everywhere.
export class DOMException extends Error {
  readonly #name: string;
  readonly #message: string;
  readonly #code: number;

  constructor(message: unknown = "", options: unknown = "Error") {
    super();
    this.#message = toDOMString(message);
    let name: unknown = options;
    if (isObject(options)) {
      name = (options as { name?: unknown }).name;
      if (name === undefined) name = "Error";
      if ("cause" in options) {
        defineProperty(this, "cause", { value: options.cause, writable: true, configurable: true });
      }
    }
    this.#name = toDOMString(name);
    this.#code = codeByName.get(this.#name) ?? 0;
    // The stack of `super()` was taken before name and message existed.
    captureStack?.(this, new.target);
  }

  override get name(): string {
    // The prototype itself is asked when V8 writes the first line of a stack.
    return #name in this ? this.#name : "Error";
  }

  override get message(): string {
    return #message in this ? this.#message : "";
  }

  get code(): number {
    return this.#code;
  }

  static {
    brand = (value) => #name in value;
  }
}

export function isDOMException(value: unknown): value is DOMException {
  return isObject(value) && brand(value);
}

/** Makes a DOMException that shows `stack` as where it came from: for values that arrive from another process. */
export function domExceptionWithStack(message: string, name: string, stack: string | undefined): DOMException {
  const error = new DOMException(message, name);
  if (stack !== undefined) defineProperty(error, "stack", { value: stack, writable: true, configurable: true });
  return error;
}

export function stackOf(error: Error): string | undefined {
  try {
    const { stack } = error;
    return typeof stack === "string" ? stack : undefined;
  } catch {
    return undefined; // a getter of the program
  }
}

defineInterface(DOMException, "DOMException");
defineConstants(DOMException, { ...Object.fromEntries(Object.values(CODES)), ...RETIRED });
