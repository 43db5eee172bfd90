#include "program/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "program/text.hpp"

namespace cb::net {
namespace {

using words::shortened;

constexpr size_t longest_url = 2048;
constexpr size_t longest_host = 253;
constexpr size_t longest_label = 63;
constexpr size_t longest_socket_path = 107;  // sockaddr_un has room for 108 with the final zero
constexpr std::string_view digits = "0123456789";
constexpr std::string_view hex_digits = "0123456789ABCDEFabcdef";
constexpr std::string_view lower_case = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view of_names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

[[noreturn]] void refuse(const std::string& why) { throw std::invalid_argument(why); }

bool consists_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_address(int family, std::string_view text) {
  std::array<char, sizeof(in6_addr)> address;
  return inet_pton(family, std::string(text).c_str(), address.data()) == 1;
}

std::string quoted(char letter) {
  const bool is_visible = letter >= ' ' && letter <= '~';
  return is_visible ? std::string{'\'', letter, '\''} : "character that is not visible ASCII";
}

void require_name(std::string_view host) {
  const size_t wrong = host.find_first_not_of(of_names);
  if (wrong != std::string_view::npos) refuse("the host has a " + quoted(host[wrong]) + "; use A-Z a-z 0-9 - _ .");
  if (host.size() > longest_host) refuse("the host is longer than 253 characters");
  for (size_t start = 0; start < host.size();) {  // a dot at the end is allowed
    const size_t end = std::min(host.find('.', start), host.size());
    if (end == start) refuse("the host has an empty part beside a dot");
    if (end - start > longest_label) refuse("the host has a part of more than 63 characters between its dots");
    start = end + 1;
  }
}

// A name or an IPv4 address.
void require_host(std::string_view host) {
  if (host.empty()) refuse("the host is missing");
  if (!consists_of(host, "0123456789.")) return require_name(host);
  if (!is_address(AF_INET, host)) refuse("'" + shortened(host, 40) + "' is not an IPv4 address");
}

void require_ipv6(std::string_view host) {
  if (is_address(AF_INET6, host)) return;
  const bool may_be_quoted = consists_of(host, "0123456789ABCDEFabcdef:.");
  refuse(may_be_quoted ? "'" + shortened(host, 60) + "' is not an IPv6 address"
                       : "what is in brackets is not an IPv6 address");
}

Endpoint parse_bracketed(std::string_view text) {
  const size_t end = text.find(']');
  if (end == std::string_view::npos) refuse("the ] after the IPv6 address is missing");
  const std::string_view host = text.substr(1, end - 1);
  const std::string_view rest = text.substr(end + 1);
  require_ipv6(host);
  if (rest.empty()) return {std::string(host), 0};
  if (rest.front() != ':') refuse("only a port may follow the ], as in [::1]:80");
  return {std::string(host), parse_number(rest.substr(1), "port", 1, 65535)};
}

std::optional<unsigned char> hex_byte(std::string_view code) {
  unsigned char byte = 0;
  if (code.size() != 2 || !consists_of(code, hex_digits)) return std::nullopt;
  std::from_chars(code.data(), code.data() + code.size(), byte, 16);
  return byte;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto byte = hex_byte(text.substr(i + 1, 2));
    if (!byte) refuse("the user or password has a % that does not start a %-code; write % as %25");
    decoded += static_cast<char>(*byte);
    i += 2;
  }
  return decoded;
}

[[noreturn]] void refuse_login() {
  refuse("the user or password has a character that must be encoded: write @ : / % as %40 %3A %2F %25");
}

void parse_login(std::string_view login, Url& url) {
  if (login.find('@') != std::string_view::npos) refuse_login();
  const size_t colon = login.find(':');
  if (colon == std::string_view::npos)
    refuse("the password is missing before the @; write user:password@ or :password@");
  url.user = percent_decoded(login.substr(0, colon));
  url.password = percent_decoded(login.substr(colon + 1));
}

std::vector<Endpoint> parse_hosts(std::string_view text) {
  const auto count = 1 + std::count(text.begin(), text.end(), ',');
  std::vector<Endpoint> hosts;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find(',', start), text.size());
    try {
      hosts.push_back(parse_endpoint(text.substr(start, end - start)));
    } catch (const std::invalid_argument& error) {
      if (count == 1) throw;
      refuse("host " + std::to_string(hosts.size() + 1) + " of " + std::to_string(count) + ": " + error.what());
    }
    start = end + 1;
  }
  return hosts;
}

std::string parse_scheme(std::string_view text) {
  const size_t end = text.find("://");
  if (end == std::string_view::npos) refuse("it does not start with a scheme, such as http:// or redis://");
  std::string scheme(text.substr(0, end));
  for (char& letter : scheme) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  const bool is_scheme = !scheme.empty() && scheme.size() <= 20 && consists_of(scheme.substr(0, 1), lower_case) &&
                         consists_of(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
  if (!is_scheme) refuse("what is before :// is not a scheme, such as http");
  return scheme;
}

std::string parse_socket(std::string_view path) {
  if (path.substr(0, 1) != "/") refuse("the path of a socket must start with /, as in unix:///run/redis.sock");
  if (path.size() > longest_socket_path) refuse("the path of a socket has at most 107 characters");
  if (path.find('\0') != std::string_view::npos) refuse("the path of a socket has a zero byte");
  return std::string(path);
}

// A value for an error: on one line, and without a login.
std::string shown(std::string_view text) {
  const size_t login_ends = text.rfind('@');
  std::string line(login_ends == std::string_view::npos ? text : text.substr(login_ends));
  if (login_ends != std::string_view::npos) line.insert(0, "...");
  std::replace_if(
      line.begin(), line.end(), [](char letter) { return letter < ' ' || letter > '~'; }, '?');
  return "'" + shortened(line, 300) + "'";
}

std::string normal_http_address(std::string_view text, const std::vector<std::string>& schemes) {
  if (text.find('@') != std::string_view::npos) refuse("it cannot have a user and a password, which end with an @");
  const Url url = parse_url(text);
  if (std::find(schemes.begin(), schemes.end(), url.scheme) == schemes.end()) {
    refuse("the scheme is " + url.scheme + ", not " + (schemes.size() == 1 ? "http" : "http or https"));
  }
  if (url.hosts.size() > 1) refuse("it has several hosts, and must have one");
  if (url.path.size() > 1) refuse("it has a path, which must be left out");
  Endpoint host = url.hosts[0];
  if (host.port == 0) host.port = url.scheme == "https" ? 443 : 80;
  return url.scheme + "://" + host.to_text();
}

}  // namespace

std::string Endpoint::to_text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + (port == 0 ? "" : ":" + std::to_string(port));
}

Endpoint parse_endpoint(std::string_view text) {
  if (text.substr(0, 1) == "[") return parse_bracketed(text);
  const size_t colon = text.find(':');
  if (colon != text.rfind(':')) refuse("an IPv6 address needs brackets, as in [::1]:80");
  require_host(text.substr(0, colon));
  if (colon == std::string_view::npos) return {std::string(text), 0};
  return {std::string(text.substr(0, colon)), parse_number(text.substr(colon + 1), "port", 1, 65535)};
}

std::string parse_host(std::string_view text) {
  if (is_address(AF_INET6, text)) return std::string(text);
  Endpoint endpoint = parse_endpoint(text);
  if (endpoint.port != 0) refuse("a port cannot be part of it");
  return endpoint.host;
}

std::optional<Endpoint> reported_endpoint(const std::string& host, const std::string& port) try {
  const std::string text = is_address(AF_INET6, host) ? "[" + host + "]" : host;
  return parse_endpoint(text + ":" + port);
} catch (const std::invalid_argument&) {
  return std::nullopt;
}

Url parse_url(std::string_view text) {
  if (text.size() > longest_url) refuse("it is longer than 2048 characters");
  Url url{.scheme = parse_scheme(text), .user = {}, .password = {}, .hosts = {}, .path = {}};
  const std::string_view rest = text.substr(url.scheme.size() + 3);
  if (url.scheme == "unix") {
    url.path = parse_socket(rest);
    return url;
  }
  const std::string_view authority = rest.substr(0, rest.find('/'));
  url.path = rest.substr(authority.size());
  if (url.path.find('@') != std::string::npos) refuse_login();
  const size_t at = authority.rfind('@');
  if (at != std::string_view::npos) parse_login(authority.substr(0, at), url);
  const std::string_view hosts = at == std::string_view::npos ? authority : authority.substr(at + 1);
  const bool has_query =
      hosts.find_first_of("?#") != std::string_view::npos || url.path.find_first_of("?#") != std::string::npos;
  if (has_query) refuse("it has a part that starts with ? or #, which must be left out");
  url.hosts = parse_hosts(hosts);
  return url;
}

std::string http_address(const std::string& name, const std::string& text,
                         const std::vector<std::string>& schemes) try {
  return normal_http_address(text, schemes);
} catch (const std::invalid_argument& error) {
  refuse(name + " is " + shown(text) + "; " + error.what() + "; write http://HOST:PORT");
}

int parse_number(std::string_view text, const std::string& what, int least, int most) {
  if (text.empty()) refuse("the " + what + " is missing");
  if (!consists_of(text, digits)) refuse("the " + what + " is not a whole number");
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && value >= least && value <= most) return value;
  refuse("the " + what + " is " + shortened(text, 20) + "; it must be " + std::to_string(least) + " to " +
         std::to_string(most));
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view codes = "0123456789ABCDEF";
  std::string encoded;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '~' || of_names.find(letter) != std::string_view::npos) {
      encoded += letter;
    } else {
      encoded.append({'%', codes[byte / 16], codes[byte % 16]});
    }
  }
  return encoded;
}

}  // namespace cb::net
