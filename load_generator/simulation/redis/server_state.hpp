// A ServerState is the state of a simulated Redis process, as its commands see it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "load_generator/simulation/redis/command.hpp"
#include "load_generator/simulation/redis/lua_scripts.hpp"
#include "load_generator/simulation/redis/virtual_redis.hpp"

namespace simulation {

struct ServerState final : CommandTarget {
  void call(Arguments command, ReplySink& reply) override;

  int64_t now_ms() const;
  Entry* find(std::string_view key);  // null: there is none, perhaps as it has just expired
  bool remove(std::string_view key);
  void announce(std::string_view key) { written.emplace(key); }
  void push_written_keys();
  void replace_data(Keyspace keys);

  // Throws a Refusal if the key is of another type.
  template <class T>
  T* find(std::string_view key) {
    Entry* const entry = find(key);
    if (entry == nullptr) return nullptr;
    T* const value = std::get_if<T>(&entry->value);
    if (value == nullptr) throw Refusal{"WRONGTYPE Operation against a key holding the wrong kind of value"};
    return value;
  }

  template <class T>
  T& find_or_create(std::string_view key) {
    if (T* const value = find<T>(key)) return *value;
    return std::get<T>(data.emplace(key, Entry{T{}}).first->second.value);
  }

  uint64_t run = 0;
  cb::TimePoint now{};
  Keyspace data{};
  std::set<std::string, std::less<>> written{};  // by the present command
  std::vector<Push> pushes{};
  std::map<std::string, const LuaScripts::Script*, std::less<>> scripts{};  // that were loaded, by SHA-1
  bool is_in_script = false;
  uint64_t scripts_run = 0, evicted_keys = 0, flushall_calls = 0, flushdb_calls = 0;
};

}  // namespace simulation
