// What Redis announces, as text: which key was written, and the news of a breaker. Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "redis_breaker/state_store.hpp"

namespace cb {

// What other programs write to change a breaker. All else that other instances must know is in the news.
inline constexpr std::array watched_keys{"state", "failures"};

WrittenKey parse_key(const std::string& text, const std::string& common_prefix = "cb:");
bool is_watched(const WrittenKey& written);

// The breaker's name and what happened to it. Generation 0: malformed.
std::pair<std::string, News> parse_news(std::string_view text);

}  // namespace cb
