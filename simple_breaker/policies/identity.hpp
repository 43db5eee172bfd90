// An Identity names a breaker: in keys, log lines, metrics and paths.
#pragma once

#include <string>
#include <string_view>

namespace cb {

// The upstream that the breaker protects and, if each tenant (or host, or shard) has a breaker, the tenant.
struct Identity {
  std::string name;
  std::string context{};  // the tenant; empty: the breaker that all callers share
  std::string full() const { return context.empty() ? name : name + "/" + context; }
};

// 1 to 256 characters of A-Z a-z 0-9 _ - . / (names become keys, paths and labels).
bool is_valid_name(std::string_view name);

// Throws std::invalid_argument that quotes an invalid name.
void require_valid_name(const std::string& name);

}  // namespace cb
