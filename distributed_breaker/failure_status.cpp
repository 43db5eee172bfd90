#include "distributed_breaker/failure_status.hpp"

#include <charconv>
#include <stdexcept>

#include "program/text.hpp"

namespace cb {
namespace {

constexpr size_t longest_text = 64;
constexpr int first_error = 400;

[[noreturn]] void refuse(std::string_view text) {
  throw std::invalid_argument("failure_status is '" + program::shortened(text, longest_text) +
                              "'; write codes and ranges of 100 to 599, separated by commas, such as 500-599,429, "
                              "in at most 64 characters");
}

// Removes the text before the separator, and the separator, from the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return taken;
}

// 0 if the text is not a code.
int to_code(std::string_view text) {
  int code = 0;
  if (text.size() == 3) std::from_chars(text.data(), text.data() + text.size(), code);
  return code;
}

}  // namespace

FailureStatus FailureStatus::parse(std::string_view text) {
  if (text.empty() || text.size() > longest_text || text.back() == ',') refuse(text);
  Listed listed;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view range = take(rest, ',');
    const bool single = range.find('-') == std::string_view::npos;
    const int first = to_code(take(range, '-'));
    const int last = single ? first : to_code(range);
    if (first < lowest || last > highest || first > last) refuse(text);
    for (int code = first; code <= last; ++code) listed.set(static_cast<size_t>(code));
  }
  return FailureStatus(listed);
}

Outcome FailureStatus::outcome_of(int http_status) const {
  if (http_status >= lowest && http_status <= highest && listed_[static_cast<size_t>(http_status)]) {
    return Outcome::failure;
  }
  return http_status >= lowest && http_status < first_error ? Outcome::success : Outcome::ignored;
}

std::string FailureStatus::to_text() const {
  std::string text;
  for (size_t first = lowest; first <= highest; ++first) {
    if (!listed_[first]) continue;
    size_t last = first;
    while (last < highest && listed_[last + 1]) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(first);
    if (last > first) text += "-" + std::to_string(last);
    first = last;
  }
  return text;
}

}  // namespace cb
