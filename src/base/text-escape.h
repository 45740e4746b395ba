// Text of unknown origin, made safe to print.
//
// Contract   The result holds no control character, no terminal escape, no character that reorders or hides
//            others (bidirectional controls, zero-width and tag characters), no line or paragraph separator (but
//            for the newlines that escapeLines() keeps) and no invalid UTF-8. What is replaced stays visible: `\x1b`, `\u{202e}`, and `\xff` for a stray byte.
// Threads    Pure; any thread.
#pragma once

#include <kj/string.h>

namespace mayfly {

// Escapes one line: a newline comes out as `\n`, a tab as `\t`.
kj::String escapeLine(kj::ArrayPtr<const char> text);

// Escapes a text of several lines: newlines stay, and `indent` is put in front of each line but the first.
kj::String escapeLines(kj::ArrayPtr<const char> text, kj::StringPtr indent = "");

// A JSON string literal, quotes included, with everything above escaped as `\u....`.
kj::String quoteJson(kj::ArrayPtr<const char> text);

}  // namespace mayfly
