// What amaro takes from node's `util`. The bundle resolves `util` to this file (build.mjs).
export { TextDecoder } from "../../runtime/encoding/text-decoder.ts";
export { TextEncoder } from "../../runtime/encoding/text-encoder.ts";
