#include "redis_breaker/feed/announced_text.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "simple_breaker/state_machine.hpp"

namespace cb {
namespace {

// Takes the next word, and the space after it.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

// No number that a script sends is negative, or larger than `never`.
bool take_number(std::string_view& text, auto& number) {
  const std::string_view word = take_word(text);
  int64_t read = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), read);
  number = static_cast<std::remove_cvref_t<decltype(number)>>(read);
  return error == std::errc() && end == word.data() + word.size() && read >= 0 &&
         read <= never.time_since_epoch().count() && std::cmp_equal(number, read);
}

}  // namespace

// "cb:NAME:key" or "cb:{NAME}:key"; a context in NAME may contain colons.
WrittenKey parse_key(const std::string& text, const std::string& common_prefix) {
  const auto colon = text.rfind(':');
  const size_t begin = common_prefix.size();
  if (!text.starts_with(common_prefix) || colon < begin) return {};
  std::string name = text.substr(begin, colon - begin);
  if (name.size() > 2 && name.front() == '{' && name.back() == '}') name = name.substr(1, name.size() - 2);
  return {std::move(name), text.substr(colon + 1)};
}

bool is_watched(const WrittenKey& written) {
  return std::find(watched_keys.begin(), watched_keys.end(), written.key) != watched_keys.end();
}

// "open 1795697341008617 10000000 1795697340956261 3 auto 1795697341008617 NAME": what main.lua publishes. Generation
// 0: malformed.
std::pair<std::string, News> parse_news(std::string_view text) {
  News news;
  int64_t wait = 0, now = 0;
  const auto state = state_from(take_word(text));
  bool is_whole = take_number(text, news.generation) && take_number(text, wait) && take_number(text, news.epoch) &&
                  take_number(text, news.failures);
  news.is_overridden = take_word(text) != "auto";
  is_whole = is_whole && take_number(text, now);
  if (!state || !is_whole) return {};
  news.state = *state;
  news.wait = std::chrono::microseconds(wait);
  news.now = TimePoint(std::chrono::microseconds(now));
  return {std::string(text), news};
}

}  // namespace cb
