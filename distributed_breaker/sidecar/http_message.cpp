#include "distributed_breaker/sidecar/http_message.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace cb {
namespace {

constexpr size_t most_fields = 200;

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool is_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char letter) {
    const char small = lower(letter);
    return (small >= 'a' && small <= 'z') || (letter >= '0' && letter <= '9') ||
           others.find(letter) != std::string_view::npos;
  });
}

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) { return letter > ' ' && letter < 127; });
}

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return letter == '\t' || (static_cast<unsigned char>(letter) >= ' ' && letter != 127);
  });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  const size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Removes the text before `separator`, and the separator, from the front of `rest`.
std::string_view take(std::string_view& rest, std::string_view separator) {
  const size_t end = rest.find(separator);
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + separator.size());
  return taken;
}

Refused bad(const std::string& why) { return {400, why}; }

Fields parse_fields(std::string_view lines) {
  Fields fields;
  for (std::string_view line = take(lines, "\r\n"); !line.empty(); line = take(lines, "\r\n")) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) throw bad("a header line has no colon");
    const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    if (!is_token(name)) throw bad("the name of a header field is not valid");
    if (!is_value(value)) throw bad("the value of a header field has a character that is not allowed");
    if (fields.size() == most_fields) throw Refused{431, "there are more than 200 header fields"};
    fields.push_back({std::string(name), std::string(value)});
  }
  return fields;
}

bool is_http_1(std::string_view version) { return version == "HTTP/1.1" || version == "HTTP/1.0"; }

std::vector<std::string_view> values_of(const Fields& fields, std::string_view name) {
  std::vector<std::string_view> values;
  for (const Field& field : fields) {
    if (is_named(field.name, name)) values.push_back(field.value);
  }
  return values;
}

std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || end != text.data() + text.size() || error != std::errc{}) return std::nullopt;
  return number;
}

// Of a message that may have a body. `unsaid`: its framing if no field says it.
Framing framing_by(const Fields& fields, bool is_http_1_0, Framing unsaid) {
  const auto encodings = values_of(fields, "transfer-encoding"), lengths = values_of(fields, "content-length");
  if (!encodings.empty()) {
    if (!lengths.empty()) throw bad("both Content-Length and Transfer-Encoding");
    if (is_http_1_0) throw bad("Transfer-Encoding in HTTP/1.0");
    if (encodings.size() > 1 || !is_named(encodings[0], "chunked")) {
      throw Refused{501, "the only Transfer-Encoding that is understood is chunked"};
    }
    return Framing{Framing::Kind::chunked};
  }
  if (lengths.empty()) return unsaid;
  const auto length = whole_number(lengths[0]);
  if (lengths.size() > 1 || !length) throw bad("Content-Length must be one whole number");
  return Framing{Framing::Kind::length, *length};
}

bool is_for_one_hop(std::string_view name) {
  constexpr std::string_view names[] = {"connection",
                                        "keep-alive",
                                        "proxy-authenticate",
                                        "proxy-authorization",
                                        "proxy-connection",
                                        "te",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade"};
  return std::any_of(std::begin(names), std::end(names), [&](auto listed) { return is_named(name, listed); });
}

// Whatever a client writes in Connection: the upstream relies on them.
bool is_kept_always(std::string_view name) {
  constexpr std::string_view names[] = {"host", "content-length", "authorization", "cookie", "x-forwarded-for"};
  return std::any_of(std::begin(names), std::end(names), [&](auto listed) { return is_named(name, listed); });
}

std::vector<std::string> connection_options(const Fields& fields) {
  std::vector<std::string> options;
  for (std::string_view value : values_of(fields, "connection")) {
    while (!value.empty()) {
      std::string option(trimmed(take(value, ",")));
      std::transform(option.begin(), option.end(), option.begin(), lower);
      options.push_back(std::move(option));
    }
  }
  return options;
}

bool has(const std::vector<std::string>& options, std::string_view name) {
  return std::any_of(options.begin(), options.end(), [&](const auto& option) { return is_named(name, option); });
}

}  // namespace

bool is_named(std::string_view text, std::string_view name) {
  return std::equal(text.begin(), text.end(), name.begin(), name.end(),
                    [](char given, char wanted) { return lower(given) == wanted; });
}

RequestHead parse_request(std::string_view head) {
  std::string_view line = take(head, "\r\n");
  const std::string_view method = take(line, " "), target = take(line, " "), version = line;
  if (!is_token(method) || target.empty() || !is_visible(target)) throw bad("the request line is not valid");
  if (!is_http_1(version)) throw Refused{505, "the version must be HTTP/1.1 or HTTP/1.0"};
  if (!target.starts_with('/') && target != "*") throw bad("the request must name a path: this is not a forward proxy");
  RequestHead request{std::string(method), std::string(target), version == "HTTP/1.0", parse_fields(head)};
  const size_t hosts = values_of(request.fields, "host").size();
  if (hosts > 1 || (hosts == 0 && !request.is_http_1_0)) throw bad("a request must have one Host");
  return request;
}

ResponseHead parse_response(std::string_view head) {
  std::string_view line = take(head, "\r\n");
  const std::string_view version = take(line, " "), code = take(line, " "), reason = line;
  const auto status = whole_number(code);
  if (!is_http_1(version) || code.size() != 3 || !status || *status < 100 || *status > 599 || !is_value(reason)) {
    throw bad("the status line is not valid");
  }
  return ResponseHead{static_cast<int>(*status), std::string(reason), version == "HTTP/1.0", parse_fields(head)};
}

Framing framing_of(const RequestHead& request) { return framing_by(request.fields, request.is_http_1_0, {}); }

Framing framing_of(const ResponseHead& response, std::string_view request_method) {
  const Framing framing = framing_by(response.fields, response.is_http_1_0, {Framing::Kind::until_close});
  const bool has_no_body = request_method == "HEAD" || response.status == 204 || response.status == 304;
  return has_no_body ? Framing{} : framing;
}

std::string_view value_of(const Fields& fields, std::string_view name) {
  const auto values = values_of(fields, name);
  return values.empty() ? std::string_view() : values[0];
}

bool wants_close(const Fields& fields) { return has(connection_options(fields), "close"); }

Fields end_to_end(const Fields& fields, const std::vector<std::string_view>& replaced) {
  const auto named = connection_options(fields);
  Fields kept;
  for (const Field& field : fields) {
    const bool is_replaced = std::any_of(replaced.begin(), replaced.end(),
                                         [&](std::string_view name) { return is_named(field.name, name); });
    const bool is_dropped = is_for_one_hop(field.name) || (has(named, field.name) && !is_kept_always(field.name));
    if (!is_replaced && !is_dropped) kept.push_back(field);
  }
  return kept;
}

std::string to_text(std::string_view start_line, const Fields& fields) {
  std::string text(start_line);
  text += "\r\n";
  for (const Field& field : fields) text.append(field.name).append(": ").append(field.value).append("\r\n");
  return text += "\r\n";
}

}  // namespace cb
