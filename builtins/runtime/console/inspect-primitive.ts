// Primitives as text.

/** A string in quotes: single ones, unless another kind needs no escapes. */
export function quote(text: string): string {
  const mark = !text.includes("'")
    ? "'"
    : !text.includes('"')
      ? '"'
      : !text.includes("`") && !text.includes("${")
        ? "`"
        : "'";
  const escaped = text.toWellFormed().replace(/[\0-\x1f\x7f-\x9f\\]/g, escape);
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

const SHORT: Record<string, string> = { "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\\": "\\\\" };

function escape(character: string): string {
  return SHORT[character] ?? `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Strings longer than `maxLength` are cut. */
export function formatPrimitive(value: unknown, maxLength: number): string {
  switch (typeof value) {
    case "string":
      return value.length > maxLength
        ? `${quote(value.slice(0, maxLength))}... ${value.length - maxLength} more characters`
        : quote(value);
    case "number":
      return Object.is(value, -0) ? "-0" : `${value}`;
    case "bigint":
      return `${formatBigInt(value)}n`;
    case "symbol":
      return symbolText(value);
    default:
      return `${value as null}`;
  }
}

// Decimal digits of a huge BigInt take quadratic time.
function formatBigInt(value: bigint): string {
  return BigInt.asIntN(4096, value) === value ? `${value}` : `0x${value.toString(16).slice(0, 1024)}…`;
}

const symbolToString = Symbol.prototype.toString;
export function symbolText(value: symbol): string {
  return Reflect.apply(symbolToString, value, []);
}
