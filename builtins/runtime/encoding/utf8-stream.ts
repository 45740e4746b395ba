// Where a chunk of UTF-8 may be cut: a character begun at the end of one chunk waits for the next.

/** How many bytes at the end of `bytes` begin a character that is well-formed so far, but unfinished (0 to 3). */
export function unfinishedSuffix(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back]!;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue; // a continuation byte: look further back
    const needed =
      byte >= 0xc2 && byte <= 0xdf ? 2 : byte >= 0xe0 && byte <= 0xef ? 3 : byte >= 0xf0 && byte <= 0xf4 ? 4 : 0;
    if (back >= needed) return 0;
    return back === 1 || secondIsValid(byte, bytes[length - back + 1]!) ? back : 0;
  }
  return 0;
}

// Overlong forms, surrogates and points above U+10FFFF are wrong from the second byte on.
function secondIsValid(lead: number, second: number): boolean {
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}
