// What amaro takes from `node:buffer`: decoding its own Wasm module. The bundle resolves the name to this file.
import { ops } from "../../internal/ops.ts";

export const Buffer = {
  from(text: string, _encoding: "base64"): Uint8Array {
    return ops.base64Decode(text)!;
  },
};
