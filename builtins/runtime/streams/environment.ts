// What the streams library looks up on the global object while it is evaluated. installPlatform() defines the
// same property properly later. Import this before the library.

import { DOMException } from "../errors/dom-exception.ts";
import { defineProperty } from "../support/intrinsics.ts";

defineProperty(globalThis, "DOMException", { value: DOMException, writable: true, configurable: true });
