// Header fields on their way out and in: what may pass, and what belongs to one connection only.
#pragma once

#include <capnp/list.h>
#include <kj/common.h>
#include <kj/compat/http.h>
#include <kj/string.h>

#include <cstddef>

#include "egress/trouble.h"
#include "schema/value.capnp.h"

namespace mayfly::egress {

using HeaderList = capnp::List<schema::HttpHeader>;

// Copies a request's fields. Refused: names that are no tokens, values with control characters, more than
// `maxBytes` in all. Left out: what describes the connection (Connection and what it lists, Transfer-Encoding,
// Content-Length, Upgrade, …), which is ours to write, and Host, which is `authority`.
kj::Maybe<Trouble> copyRequestFields(HeaderList::Reader fields, kj::StringPtr authority,
                                     size_t maxBytes, kj::HttpHeaders& out);

// Copies a response's fields, but for those that describe the connection; how the body was framed may be seen.
kj::Maybe<Trouble> copyResponseFields(const kj::HttpHeaders& fields, size_t maxBytes,
                                      schema::HttpResponse::Builder out);

}  // namespace mayfly::egress
