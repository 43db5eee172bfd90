// An Identity names a breaker: in keys, log lines, metrics and paths.
// Invariant: no two identities have the same key.
#pragma once

#include <string>
#include <string_view>

namespace cb {

// The upstream that the breaker protects and, if each tenant (or host, or shard) has a breaker, the tenant.
struct Identity {
  std::string name;
  std::string context{};  // the tenant; empty: the breaker that all callers share

  // Between name and context in a key. No name contains it.
  static constexpr char separator = '@';

  // For people: pay/cards. It may be that of a service `pay/cards` as well.
  std::string full() const { return context.empty() ? name : name + "/" + context; }

  // For stores: pay@cards.
  std::string key() const { return context.empty() ? name : name + separator + context; }
};

// 1 to 256 characters of A-Z a-z 0-9 _ - . / (names become keys, paths and labels).
bool is_valid_name(std::string_view name);

// 1 to 128 characters of A-Z a-z 0-9 _ - . / : [ ] (a context may be a tenant, host:port or [::1]:port).
bool is_valid_context(std::string_view context);

// Throw std::invalid_argument that quotes an invalid name or context. An empty context is valid here.
void require_valid_name(const std::string& name);
void require_valid(const Identity& identity);

}  // namespace cb
