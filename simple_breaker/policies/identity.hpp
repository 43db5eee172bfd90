// Names of breakers.
#pragma once

#include <string>
#include <string_view>

namespace cb {

// Which breaker: the upstream that it protects and, where each tenant (or host, or shard) has one, the tenant.
struct Identity {
  std::string name;
  std::string context{};  // empty: the breaker that all share
  std::string full() const { return context.empty() ? name : name + "/" + context; }
};

// 1 to 256 characters of A-Z a-z 0-9 _ - . / (names become keys, paths and labels).
bool is_valid_name(std::string_view name);

// Throws std::invalid_argument that quotes any other name.
void require_valid_name(const std::string& name);

}  // namespace cb
