// The head of an HTTP request: what a server must know of it to receive the rest, and to choose who answers it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace program {

struct RequestHead {
  size_t size = 0;               // bytes, with the empty line at its end
  std::string path;              // as sent, without a query
  std::optional<uint64_t> body;  // bytes that follow; nothing: how many is not said, or they are encoded
  bool expects_continue = false;
};

// Nothing as long as the head's end has not arrived.
std::optional<RequestHead> find_head(std::string_view input);

}  // namespace program
