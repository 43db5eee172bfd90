// Addresses as people write them, and as the lab prints them: host:port, and URLs of one server or of several.
// A host is a name (letters, digits, - _ .), an IPv4 address, or an IPv6 address, which text has in brackets: [::1]:80.
// A port is 1 to 65535. In cb, as the breakers use it too.
// Errors: std::invalid_argument, one line that says what is wrong; never with a user, a password, or what may be one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cb::net {

struct Endpoint {
  std::string host;  // an IPv6 address without brackets
  int port = 0;      // 0: not given
  bool operator==(const Endpoint&) const = default;
  std::string to_text() const;
};

// "host", "host:port", "[IPv6]" or "[IPv6]:port".
Endpoint parse_endpoint(std::string_view text);

// A host without a port, such as an address to listen on: an IPv6 address may lack the brackets.
std::string parse_host(std::string_view text);

// An endpoint as servers report each other's: the host is a name or an address without brackets. Nothing unless both
// parts are valid.
std::optional<Endpoint> reported_endpoint(const std::string& host, const std::string& port);

// SCHEME://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...][/PATH], or unix:///PATH.
struct Url {
  std::string scheme;  // in lower case
  std::string user, password;
  std::vector<Endpoint> hosts;  // at least one, unless the scheme is unix
  std::string path;             // with its first slash, or empty
};

// User and password may be %-encoded; @ / % and, in the user, : must be.
Url parse_url(std::string_view text);

// The address of an HTTP server, in one form: http://HOST:PORT. Without a port it is the scheme's; a slash at the end
// is left out. `name` is what the error calls the setting.
std::string http_address(const std::string& name, const std::string& text,
                         const std::vector<std::string>& schemes = {"http"});

// A whole number in decimal digits. `what` is what the error calls it.
int parse_number(std::string_view text, const std::string& what, int least, int most);

std::string percent_encoded(std::string_view text);  // for a part of a URL

}  // namespace cb::net
