// The clock that performance.now(), event times and console.time read: milliseconds since the Unix epoch, with
// fractions, so that performance.now() and Date.now() agree; 0 at global scope.

import { ops } from "../../internal/ops.ts";
import { abs, dateNow } from "../support/intrinsics.ts";
import { hooks } from "../support/platform-hooks.ts";

let anchorMs = Number.NaN;
let lastMonotonicMs = 0;

export function nowMs(): number {
  if (hooks().inGlobalScope?.()) return 0;
  const monotonic = ops.monotonicMs();
  const wall = dateNow();
  // The monotonic clock starts anew in each sandbox (the zygote may have read it before the fork), and the wall
  // clock may be set: then the two are matched again.
  if (monotonic < lastMonotonicMs || !(abs(anchorMs + monotonic - wall) < 1000)) anchorMs = wall - monotonic;
  lastMonotonicMs = monotonic;
  return anchorMs + monotonic;
}
