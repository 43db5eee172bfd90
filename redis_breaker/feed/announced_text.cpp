#include "redis_breaker/feed/announced_text.hpp"

#include <algorithm>
#include <sstream>

namespace cb {

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
std::pair<std::string, News> parse_news(const std::string& text) {
  std::istringstream words(text);
  std::string state, mode, name;
  int64_t wait = 0, now = 0;
  News news;
  words >> state >> news.generation >> wait >> news.epoch >> news.failures >> mode >> now >> std::ws;
  std::getline(words, name);
  const auto known_state = state_from(state);
  if (!words || !known_state || wait < 0) return {};
  news.state = *known_state;
  news.wait = std::chrono::microseconds(wait);
  news.is_overridden = mode != "auto";
  news.now = TimePoint(std::chrono::microseconds(now));
  return {name, news};
}

}  // namespace cb
