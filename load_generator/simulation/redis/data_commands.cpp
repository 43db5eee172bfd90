#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "load_generator/simulation/redis/server_state.hpp"

namespace simulation {
namespace {

// Ranks count from 0, or from -1 backwards.
struct Ranks {
  int64_t first, last;
};

Ranks to_ranks(std::string_view first, std::string_view last) { return {to_integer(first), to_integer(last)}; }

SortedSet::Range range_of(const SortedSet& set, const Ranks& ranks) {
  const auto [begin, end] = set.all();
  const int64_t size = end - begin;
  const auto from_start = [size](int64_t rank) { return rank < 0 ? rank + size : rank; };
  const int64_t first = std::max<int64_t>(0, from_start(ranks.first));
  const int64_t last = std::min(size - 1, from_start(ranks.last));
  return first > last ? SortedSet::Range{end, end} : SortedSet::Range{begin + first, begin + last + 1};
}

// Replies to a command that has removed so many elements of the key. An empty key does not exist.
template <class T>
void removed_from(ServerState& server, std::string_view key, const T& value, size_t count, ReplySink& reply) {
  if (count > 0) server.announce(key);
  if (value.empty()) server.remove(key);
  return reply.count(count);
}

int64_t expiry_after(const ServerState& server, std::string_view milliseconds, int64_t least,
                     const std::string& command) {
  const int64_t length = to_integer(milliseconds);
  const bool is_valid = length >= least && length <= std::numeric_limits<int64_t>::max() - server.now_ms();
  if (!is_valid) throw Refusal{"ERR invalid expire time in '" + command + "' command"};
  return server.now_ms() + length;
}

// --- keys

void pexpire(ServerState& server, Arguments command, ReplySink& reply) {
  const int64_t at = expiry_after(server, command[2], std::numeric_limits<int64_t>::min(), "pexpire");
  Entry* const entry = server.find(command[1]);
  if (entry == nullptr) return reply.integer(0);
  entry->expires_at_ms = at;
  server.announce(command[1]);
  if (at <= server.now_ms()) server.remove(command[1]);
  return reply.integer(1);
}

void pttl(ServerState& server, Arguments command, ReplySink& reply) {
  const Entry* const entry = server.find(command[1]);
  if (entry == nullptr) return reply.integer(-2);
  return reply.integer(entry->expires_at_ms ? *entry->expires_at_ms - server.now_ms() : -1);
}

void type(ServerState& server, Arguments command, ReplySink& reply) {
  constexpr std::array names{"string", "hash", "zset"};
  const Entry* const entry = server.find(command[1]);
  return reply.status(entry == nullptr ? "none" : names[entry->value.index()]);
}

void del(ServerState& server, Arguments command, ReplySink& reply) {
  uint64_t removed = 0;
  for (const std::string_view key : command.subspan(1)) {
    if (server.find(key) != nullptr && server.remove(key)) ++removed;
  }
  return reply.count(removed);
}

// --- strings

void get(ServerState& server, Arguments command, ReplySink& reply) {
  const auto* const value = server.find<std::string>(command[1]);
  return value == nullptr ? reply.nil() : reply.text(*value);
}

void set(ServerState& server, Arguments command, ReplySink& reply) {
  const bool has_expiry = command.size() == 5 && is(command[3], "PX");
  if (command.size() > 3 && !has_expiry) throw Refusal{syntax_error};
  std::optional<int64_t> expires_at_ms;
  if (has_expiry) expires_at_ms = expiry_after(server, command[4], 1, "set");
  server.data.insert_or_assign(std::string(command[1]), Entry{std::string(command[2]), expires_at_ms});
  server.announce(command[1]);
  return reply.status("OK");
}

// The naive breaker's.
void incr(ServerState& server, Arguments command, ReplySink& reply) {
  const auto* const counted = server.find<std::string>(command[1]);
  const int64_t number = counted == nullptr ? 0 : to_integer(*counted);
  if (number == std::numeric_limits<int64_t>::max()) throw Refusal{"ERR increment or decrement would overflow"};
  server.find_or_create<std::string>(command[1]) = std::to_string(number + 1);
  server.announce(command[1]);
  return reply.integer(number + 1);
}

void mget(ServerState& server, Arguments command, ReplySink& reply) {
  reply.list(command.size() - 1);
  for (const std::string_view key : command.subspan(1)) {
    const Entry* const entry = server.find(key);
    const auto* const value = entry == nullptr ? nullptr : std::get_if<std::string>(&entry->value);
    value == nullptr ? reply.nil() : reply.text(*value);
  }
}

// --- hashes

void hgetall(ServerState& server, Arguments command, ReplySink& reply) {
  const Hash* const hash = server.find<Hash>(command[1]);
  if (hash == nullptr) return reply.list(0);
  reply.list(2 * hash->size());
  for (const auto& [field, value] : *hash) {
    reply.text(field);
    reply.text(value);
  }
}

void hset(ServerState& server, Arguments command, ReplySink& reply) {
  if (command.size() % 2 != 0) throw Refusal{"ERR wrong number of arguments for 'hset' command"};
  Hash& hash = server.find_or_create<Hash>(command[1]);
  uint64_t added = 0;
  for (size_t i = 2; i < command.size(); i += 2) added += set_field(hash, command[i], command[i + 1]) ? 1 : 0;
  server.announce(command[1]);
  return reply.count(added);
}

void hdel(ServerState& server, Arguments command, ReplySink& reply) {
  Hash* const hash = server.find<Hash>(command[1]);
  if (hash == nullptr) return reply.integer(0);
  size_t removed = 0;
  for (const std::string_view field : command.subspan(2)) removed += remove_field(*hash, field) ? 1 : 0;
  return removed_from(server, command[1], *hash, removed, reply);
}

// --- sorted sets

void zadd(ServerState& server, Arguments command, ReplySink& reply) {
  if (command.size() % 2 != 0) throw Refusal{syntax_error};
  std::vector<double> scores;
  for (size_t i = 2; i < command.size(); i += 2) scores.push_back(to_score(command[i]));
  auto& members = server.find_or_create<SortedSet>(command[1]);
  uint64_t added = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const SortedSet::Change change = members.set(command[2 * i + 3], scores[i]);
    added += change == SortedSet::Change::added ? 1 : 0;
    if (change != SortedSet::Change::none) server.announce(command[1]);
  }
  return reply.count(added);
}

void zcount(ServerState& server, Arguments command, ReplySink& reply) {
  const ScoreBound from = to_bound(command[2]), to = to_bound(command[3]);
  const auto* const members = server.find<SortedSet>(command[1]);
  if (members == nullptr) return reply.integer(0);
  const auto [first, end] = members->range(from, to);
  return reply.integer(end - first);
}

void zrem(ServerState& server, Arguments command, ReplySink& reply) {
  auto* const members = server.find<SortedSet>(command[1]);
  if (members == nullptr) return reply.integer(0);
  size_t removed = 0;
  for (const std::string_view name : command.subspan(2)) removed += members->remove(name) ? 1 : 0;
  return removed_from(server, command[1], *members, removed, reply);
}

void zremrangebyrank(ServerState& server, Arguments command, ReplySink& reply) {
  const Ranks ranks = to_ranks(command[2], command[3]);
  auto* const members = server.find<SortedSet>(command[1]);
  if (members == nullptr) return reply.integer(0);
  const size_t removed = members->remove(range_of(*members, ranks));
  return removed_from(server, command[1], *members, removed, reply);
}

void zremrangebyscore(ServerState& server, Arguments command, ReplySink& reply) {
  const ScoreBound from = to_bound(command[2]), to = to_bound(command[3]);
  auto* const members = server.find<SortedSet>(command[1]);
  if (members == nullptr) return reply.integer(0);
  const size_t removed = members->remove(members->range(from, to));
  return removed_from(server, command[1], *members, removed, reply);
}

void zrange(ServerState& server, Arguments command, ReplySink& reply) {
  const bool with_scores = command.size() == 5 && is(command[4], "WITHSCORES");
  if (command.size() > 4 && !with_scores) throw Refusal{syntax_error};
  const Ranks ranks = to_ranks(command[2], command[3]);
  const auto* const members = server.find<SortedSet>(command[1]);
  if (members == nullptr) return reply.list(0);
  auto [at, end] = range_of(*members, ranks);
  reply.list(static_cast<size_t>(end - at) * (with_scores ? 2 : 1));
  for (; at != end; ++at) {
    reply.text(at->name);
    if (with_scores) reply.text(number_text(at->score));
  }
}

}  // namespace

std::span<const Command> data_commands() {
  static constexpr std::array<Command, 17> all{{
      {"GET", 2, get},
      {"SET", -3, set},
      {"INCR", 2, incr},
      {"MGET", -2, mget},
      {"HGETALL", 2, hgetall},
      {"HSET", -4, hset},
      {"HDEL", -3, hdel},
      {"ZADD", -4, zadd},
      {"ZCOUNT", 4, zcount},
      {"ZREM", -3, zrem},
      {"ZREMRANGEBYRANK", 4, zremrangebyrank},
      {"ZREMRANGEBYSCORE", 4, zremrangebyscore},
      {"ZRANGE", -4, zrange},
      {"PEXPIRE", 3, pexpire},
      {"PTTL", 2, pttl},
      {"TYPE", 2, type},
      {"DEL", -2, del},
  }};
  return all;
}

}  // namespace simulation
