// HTTP/1 messages as a proxy reads and forwards them: strictly parsed, and with their header fields in the order and
// the spelling that they came in. What two parsers could read differently is refused: a bare LF, a folded line, a blank
// before a colon, both Content-Length and Transfer-Encoding, two lengths. That prevents request smuggling.
// Pure functions and values.
// Errors: parse_...() and framing_of() throw Refused.
// Source: RFC 9110 and 9112.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cb {

struct Field {
  std::string name, value;
};
using Fields = std::vector<Field>;

// A message that is not understood, or is too large. `status`: what an HTTP server answers to such a request.
struct Refused : std::runtime_error {
  Refused(int http_status, const std::string& why) : std::runtime_error(why), status(http_status) {}
  const int status;
};

struct RequestHead {
  std::string method;
  std::string target;  // as sent: a path with its query, or *
  bool is_http_1_0 = false;
  Fields fields;
};

struct ResponseHead {
  int status = 0;
  std::string reason;
  bool is_http_1_0 = false;
  Fields fields;
};

// `head` ends with its empty line.
RequestHead parse_request(std::string_view head);
ResponseHead parse_response(std::string_view head);

// How a body ends.
struct Framing {
  enum class Kind { length, chunked, until_close };
  Kind kind = Kind::length;
  uint64_t length = 0;
};

Framing framing_of(const RequestHead& request);
Framing framing_of(const ResponseHead& response, std::string_view request_method);

// Names in lower case. The value of the first such field; empty: there is none.
std::string_view value_of(const Fields& fields, std::string_view name);
bool wants_close(const Fields& fields);                       // Connection: close
bool is_named(std::string_view text, std::string_view name);  // whatever the case of `text`

// Without the fields that are for one hop only (Connection and those that it names, Keep-Alive, TE, Trailer,
// Transfer-Encoding, Upgrade and the proxies'), and without those named in `replaced`. Connection cannot remove Host,
// Content-Length, Authorization, Cookie or X-Forwarded-For.
Fields end_to_end(const Fields& fields, const std::vector<std::string_view>& replaced);

std::string to_text(std::string_view start_line, const Fields& fields);  // with the empty line

}  // namespace cb
