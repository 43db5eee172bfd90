// Text for people, from input of any length. In cb, as the breakers use it too.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

namespace cb::words {

// `text` itself if it has at most `longest` bytes; otherwise its beginning and "...", `longest` bytes together at most.
// Does not cut a UTF-8 character in two. Where `longest` has no room for the dots, they are left out.
inline std::string shortened(std::string_view text, size_t longest) {
  if (text.size() <= longest) return std::string(text);
  const std::string_view dots = longest > 3 ? "..." : "";
  size_t end = longest - dots.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)).append(dots);
}

// A server's message, for a log: its beginning, with a space for each character that is not printable ASCII.
inline std::string on_one_line(std::string message) {
  std::replace_if(
      message.begin(), message.end(), [](char letter) { return letter < ' ' || letter > '~'; }, ' ');
  return shortened(message, 200);
}

// `text` in lines of at most `width` columns, as far as words allow; all but the first begin with `indent`, which does
// not count.
inline std::string wrapped(const std::string& text, size_t width, const std::string& indent) {
  std::istringstream words(text);
  std::string result;
  size_t column = 0;
  for (std::string word; words >> word; column += word.size() + 1) {
    if (column > 0 && column + word.size() > width) {
      result += "\n" + indent;
      column = 0;
    } else if (column > 0) {
      result += " ";
    }
    result += word;
  }
  return result;
}

}  // namespace cb::words

namespace program {
using cb::words::shortened;
using cb::words::wrapped;
}  // namespace program
