// Numbers, lists and paragraphs as the reports print them.
#pragma once

#include <functional>
#include <string>

#include "program/text.hpp"

namespace load {

// "A, B, C"; `text_of` gives the text of one of them: a function, or a pointer to a member.
template <typename Range, typename TextOf = std::identity>
std::string joined(const Range& range, TextOf text_of = {}) {
  std::string text;
  for (const auto& each : range) {
    if (!text.empty()) text += ", ";
    text += std::invoke(text_of, each);
  }
  return text;
}

// 3, 9.07, 4012
std::string number_text(double number);

using program::wrapped;

}  // namespace load
