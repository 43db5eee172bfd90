#include "program/http/request_head.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

namespace program {
namespace {

// Where the empty line ends; 0: it has not arrived.
size_t end_of_head(std::string_view input) {
  const size_t crlf = input.find("\n\r\n"), lf = input.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return 0;
  return crlf < lf ? crlf + 3 : lf + 2;
}

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// `name` is in lower case.
bool is_named(std::string_view field, std::string_view name) {
  const auto same = [](char given, char wanted) {
    return (given >= 'A' && given <= 'Z' ? given - 'A' + 'a' : given) == wanted;
  };
  return std::equal(field.begin(), field.end(), name.begin(), name.end(), same);
}

std::vector<std::string_view> values_of(std::string_view head, std::string_view name) {
  std::vector<std::string_view> values;
  for (size_t start = head.find('\n') + 1; start < head.size();) {
    const std::string_view line = head.substr(start, head.find('\n', start) - start);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos && is_named(line.substr(0, colon), name)) {
      values.push_back(without_blanks(line.substr(colon + 1)));
    }
    start += line.size() + 1;
  }
  return values;
}

std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  return error == std::errc{} ? number : std::numeric_limits<uint64_t>::max();
}

std::optional<uint64_t> body_after(std::string_view head, std::string_view method) {
  for (const char* name : {"transfer-encoding", "content-encoding"}) {
    if (!values_of(head, name).empty()) return std::nullopt;
  }
  const auto lengths = values_of(head, "content-length");
  if (lengths.size() == 1) return whole_number(lengths[0]);
  const bool needs_body = method == "POST" || method == "PUT" || method == "PATCH";
  if (lengths.empty() && !needs_body) return 0;
  return std::nullopt;
}

}  // namespace

std::optional<RequestHead> find_head(std::string_view input) {
  const size_t size = end_of_head(input);
  if (size == 0) return std::nullopt;
  const std::string_view head = input.substr(0, size);
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  const std::string_view method = line.substr(0, line.find(' '));
  const std::string_view rest = line.substr(std::min(method.size() + 1, line.size()));
  const auto expectations = values_of(head, "expect");
  return RequestHead{.size = size,
                     .path = std::string(rest.substr(0, rest.find_first_of(" ?"))),
                     .body = body_after(head, method),
                     .expects_continue = !expectations.empty() && is_named(expectations[0], "100-continue")};
}

}  // namespace program
