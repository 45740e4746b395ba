// Errors for the person who operates Mayfly.
//
// Contract   Says what happened, where, why and what to do about it, under a stable code `area.what`.
//            Rendered as
//                error[config.unknown-worker]: worker "shop" names a service "ordres" that no worker has
//                  where  wrangler.jsonc:14
//                  why    the workers of this configuration are "shop" and "orders"
//                  fix    correct the name, or add that worker's file to "mayfly.workers"
// Threads    Plain values; any thread.
// Trust      Guest text that goes into one must pass through base/text-escape.h first.
// Errors     Thrown as a kj::Exception whose description is the rendered text, so that one travels through
//            promises unharmed and findOperatorError() can tell it from a fault of ours.
#pragma once

#include <kj/exception.h>
#include <kj/string.h>

namespace mayfly {

struct OperatorError {
  kj::String code;   // `area.what`; scripts may rely on it
  kj::String what;   // one line; quotes what the user wrote
  kj::String where;  // `file:line`, or empty
  kj::String why;    // may have several lines, or be empty
  kj::String fix;    // may be empty

  kj::String render(kj::StringPtr severity = "error") const;
  kj::Exception toException() const;
  [[noreturn]] void raise() const;
};

// The rendered text, if this exception came from an OperatorError.
kj::Maybe<kj::StringPtr> findOperatorError(const kj::Exception& exception);

// What to print for any exception: the operator's text, or `error[internal.fault]` with the description.
kj::String describeForOperator(const kj::Exception& exception);

}  // namespace mayfly
