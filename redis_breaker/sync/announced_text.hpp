// What Redis announces, as text: which key was written, and the news of a transition. Pure.
#pragma once

#include <string>
#include <utility>

#include "redis_breaker/cached_core.hpp"

namespace cb {

struct KeyName {
  std::string breaker;  // empty: not a breaker's key
  std::string key;      // state
};

KeyName parse_key(const std::string& text);

// The breaker's name and what happened to it. Generation 0: malformed.
std::pair<std::string, News> parse_news(const std::string& text);

}  // namespace cb
