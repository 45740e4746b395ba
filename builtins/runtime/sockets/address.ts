// The address of connect(): "host:port" or {hostname, port}.

import { ops } from "../../internal/ops.ts";
import { isObject, toDOMString } from "../support/webidl.ts";

/** The address as `host:port`. Throws TypeError. */
export function readAddress(value: unknown): string {
  if (value === undefined || value === null)
    throw new TypeError("Cannot read a SocketAddress from an undefined or null value.");
  return isObject(value) ? fromParts(value as { hostname?: unknown; port?: unknown }) : fromText(toDOMString(value));
}

function fromParts({ hostname, port }: { hostname?: unknown; port?: unknown }): string {
  const number = Number(port);
  if (port === undefined || Number.isNaN(number))
    throw new TypeError("The port of a SocketAddress cannot be converted because it is not an integer.");
  const whole = Math.trunc(number);
  if (whole < 0) throw new TypeError("The port of a SocketAddress is negative.");
  if (whole > 65535) throw new TypeError("Value out of range. Must be less than or equal to 65535.");
  return `${toDOMString(hostname ?? "")}:${whole}`;
}

function fromText(text: string): string {
  const url = ops.parseUrl(`fake://${text}`, undefined);
  if (url === null) {
    if (text === "") throw new TypeError("Specified address is missing hostname.");
    throw new TypeError("Specified address could not be parsed.");
  }
  if (url.hostname === "") throw new TypeError("Specified address is missing hostname.");
  if (url.port === "") throw new TypeError("Specified address is missing port.");
  if (url.username !== "" || url.password !== "" || url.pathname !== "" || url.search !== "" || url.hash !== "") {
    throw new TypeError("Specified address is empty string, contains unsupported characters or is too long.");
  }
  return `${url.hostname}:${url.port}`;
}
