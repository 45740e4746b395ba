// What a trace item hides: secrets in headers, and identifiers in URLs.

const HIDDEN = "REDACTED";

export function redactedHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isSecret(name) ? HIDDEN : value]));
}

function isSecret(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === "cookie" || lower === "set-cookie" || /auth|jwt|key|secret|token/.test(lower);
}

// Runs of what identifiers are made of.
const RUN = /[0-9A-Za-z+_-]{13,}/g;
const MIN_HEX_DIGITS = 32;
const MIN_MIXED = 21;

/** `url` with everything that looks like an identifier replaced: long hex, long mixed runs, card numbers. */
export function redactedUrl(url: string): string {
  return url.replace(RUN, (run) => (looksLikeHex(run) || looksMixed(run) || looksLikeCard(run) ? HIDDEN : run));
}

function looksLikeHex(run: string): boolean {
  return /^[0-9a-fA-F+_-]+$/.test(run) && run.replace(/[+_-]/g, "").length >= MIN_HEX_DIGITS;
}

function looksMixed(run: string): boolean {
  if (run.length < MIN_MIXED) return false;
  const count = (pattern: RegExp) => (run.match(pattern) ?? []).length;
  return count(/[0-9]/g) >= 2 && count(/[A-Z]/g) >= 2 && count(/[a-z]/g) >= 2;
}

// Luhn's check digit.
function looksLikeCard(run: string): boolean {
  if (!/^[0-9]{13,19}$/.test(run)) return false;
  const sum = [...run].reverse().reduce((total, digit, index) => {
    const value = index % 2 === 0 ? Number(digit) : 2 * Number(digit);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}
