#include "load_generator/simulation/redis/virtual_redis.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "load_generator/simulation/redis/lua_scripts.hpp"

namespace simulation {
namespace {

// An error reply, on its way out of a command; caught in Server::call().
struct Refusal {
  std::string error;
};

constexpr const char* syntax_error = "ERR syntax error";

// `upper` is in capitals.
bool is(std::string_view word, std::string_view upper) {
  return std::equal(word.begin(), word.end(), upper.begin(), upper.end(), [](char letter, char capital) {
    return letter == capital || (letter >= 'a' && letter <= 'z' && letter - 'a' + 'A' == capital);
  });
}

std::string lower(std::string_view upper) {
  std::string text(upper);
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return text;
}

int64_t to_integer(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  if (std::to_string(number) != text) throw Refusal{"ERR value is not an integer or out of range"};
  return number;
}

// As strtod() has it: the empty text is 0, and spaces before the number are skipped.
double to_double(const std::string& text, const char* error) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || std::isnan(number)) throw Refusal{error};
  return number;
}

double to_score(std::string_view text) {
  constexpr const char* error = "ERR value is not a valid float";
  if (text.empty() || std::isspace(static_cast<unsigned char>(text[0])) != 0) throw Refusal{error};
  return to_double(std::string(text), error);
}

ScoreBound to_bound(std::string_view text) {
  const bool is_exclusive = !text.empty() && text[0] == '(';
  return {to_double(std::string(text.substr(is_exclusive ? 1 : 0)), "ERR min or max is not a float"), is_exclusive};
}

std::string score_text(double score) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.17g", score);
  return text.data();
}

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

ReplyTree count_reply(uint64_t count) { return integer_reply(static_cast<long long>(count)); }

std::string hex_run_id(uint64_t run) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64 "%024d", run, 0);
  return text.data();
}

std::string command_stat(const std::string& name, uint64_t calls) {
  return calls == 0 ? "" : "cmdstat_" + name + ":calls=" + std::to_string(calls) + ",usec=0\r\n";
}

}  // namespace

class VirtualRedis::Server final : public CommandTarget {
 public:
  void restart(uint64_t run) {
    run_ = run;
    evicted_keys_ = flushall_calls_ = flushdb_calls_ = 0;
    keys_.clear();
    pushes_.clear();
    scripts_.forget_all();
  }

  cb::redis::Reply execute(const std::vector<std::string>& command, cb::TimePoint now) {
    now_ = now;
    now_ms_ = std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count();
    const std::vector<std::string_view> arguments(command.begin(), command.end());
    cb::redis::Reply reply(call(arguments).release());
    reply.came_from({0, run_}, {});
    push_written_keys();
    return reply;
  }

  ReplyTree call(Arguments command) override;

  std::vector<Push> take_pushes() { return std::exchange(pushes_, {}); }
  const Keyspace& data() const { return keys_; }
  uint64_t scripts_run() const { return scripts_run_; }

  void replace_data(Keyspace keys) {
    keys_ = std::move(keys);
    pushes_.push_back({Push::Kind::all_keys});
  }

  void evict(const std::string& key) {
    if (!remove(key)) return;
    ++evicted_keys_;
    push_written_keys();
  }

  struct Command {
    std::string_view name;
    int arity;  // as Redis counts: with the name; negative: at least so many
    ReplyTree (Server::*execute)(Arguments);
    bool may_run_in_script = true;
  };
  static std::span<const Command> commands();

 private:
  // --- keys

  void announce(std::string_view key) { written_.emplace(key); }

  void push_written_keys() {
    for (const std::string& key : written_) pushes_.push_back({Push::Kind::key_written, key});
    written_.clear();
  }

  bool remove(std::string_view key) {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return false;
    keys_.erase(found);
    announce(key);
    return true;
  }

  Entry* find(std::string_view key) {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return nullptr;
    const bool has_expired = found->second.expires_at_ms && now_ms_ > *found->second.expires_at_ms;
    if (has_expired) remove(key);
    return has_expired ? nullptr : &found->second;
  }

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
    return std::get<T>(keys_.emplace(key, Entry{T{}}).first->second.value);
  }

  // The reply to a command that has removed so many elements of the key. An empty key does not exist.
  template <class T>
  ReplyTree removed_from(std::string_view key, const T& value, size_t count) {
    if (count > 0) announce(key);
    if (value.empty()) remove(key);
    return count_reply(count);
  }

  int64_t expiry_after(std::string_view milliseconds, int64_t least, const std::string& command) const {
    const int64_t length = to_integer(milliseconds);
    const bool is_valid = length >= least && length <= std::numeric_limits<int64_t>::max() - now_ms_;
    if (!is_valid) throw Refusal{"ERR invalid expire time in '" + command + "' command"};
    return now_ms_ + length;
  }

  ReplyTree pexpire(Arguments command) {
    const int64_t at = expiry_after(command[2], std::numeric_limits<int64_t>::min(), "pexpire");
    Entry* const entry = find(command[1]);
    if (entry == nullptr) return integer_reply(0);
    entry->expires_at_ms = at;
    announce(command[1]);
    if (at <= now_ms_) remove(command[1]);
    return integer_reply(1);
  }

  ReplyTree pttl(Arguments command) {
    const Entry* const entry = find(command[1]);
    if (entry == nullptr) return integer_reply(-2);
    return integer_reply(entry->expires_at_ms ? *entry->expires_at_ms - now_ms_ : -1);
  }

  ReplyTree type(Arguments command) {
    constexpr std::array names{"string", "hash", "zset"};
    const Entry* const entry = find(command[1]);
    return status_reply(entry == nullptr ? "none" : names[entry->value.index()]);
  }

  ReplyTree del(Arguments command) {
    uint64_t removed = 0;
    for (const std::string_view key : command.subspan(1)) removed += find(key) != nullptr && remove(key) ? 1 : 0;
    return count_reply(removed);
  }

  ReplyTree flush(Arguments command, uint64_t& calls) {
    const bool has_mode = command.size() == 2 && (is(command[1], "SYNC") || is(command[1], "ASYNC"));
    if (command.size() > 1 && !has_mode) throw Refusal{syntax_error};
    ++calls;
    replace_data({});
    return status_reply("OK");
  }

  ReplyTree flushall(Arguments command) { return flush(command, flushall_calls_); }
  ReplyTree flushdb(Arguments command) { return flush(command, flushdb_calls_); }

  // --- strings

  ReplyTree get(Arguments command) {
    const auto* const value = find<std::string>(command[1]);
    return value == nullptr ? nil_reply() : text_reply(*value);
  }

  ReplyTree set(Arguments command) {
    const bool has_expiry = command.size() == 5 && is(command[3], "PX");
    if (command.size() > 3 && !has_expiry) throw Refusal{syntax_error};
    std::optional<int64_t> expires_at_ms;
    if (has_expiry) expires_at_ms = expiry_after(command[4], 1, "set");
    keys_.insert_or_assign(std::string(command[1]), Entry{std::string(command[2]), expires_at_ms});
    announce(command[1]);
    return status_reply("OK");
  }

  ReplyTree incr(Arguments command) {  // the naive breaker's
    const auto* const counted = find<std::string>(command[1]);
    const int64_t number = counted == nullptr ? 0 : to_integer(*counted);
    if (number == std::numeric_limits<int64_t>::max()) throw Refusal{"ERR increment or decrement would overflow"};
    auto& value = find_or_create<std::string>(command[1]);
    value = std::to_string(number + 1);
    announce(command[1]);
    return integer_reply(to_integer(value));
  }

  ReplyTree mget(Arguments command) {
    std::vector<ReplyTree> values;
    for (const std::string_view key : command.subspan(1)) {
      const Entry* const entry = find(key);
      const auto* const value = entry == nullptr ? nullptr : std::get_if<std::string>(&entry->value);
      values.push_back(value == nullptr ? nil_reply() : text_reply(*value));
    }
    return list_reply(std::move(values));
  }

  // --- hashes

  ReplyTree hgetall(Arguments command) {
    std::vector<ReplyTree> values;
    const Hash* const hash = find<Hash>(command[1]);
    if (hash == nullptr) return list_reply({});
    values.reserve(2 * hash->size());
    for (const auto& [field, value] : *hash) {
      values.push_back(text_reply(field));
      values.push_back(text_reply(value));
    }
    return list_reply(std::move(values));
  }

  ReplyTree hset(Arguments command) {
    if (command.size() % 2 != 0) throw Refusal{"ERR wrong number of arguments for 'hset' command"};
    Hash& hash = find_or_create<Hash>(command[1]);
    uint64_t added = 0;
    for (size_t i = 2; i < command.size(); i += 2) added += set_field(hash, command[i], command[i + 1]) ? 1 : 0;
    announce(command[1]);
    return count_reply(added);
  }

  ReplyTree hdel(Arguments command) {
    Hash* const hash = find<Hash>(command[1]);
    if (hash == nullptr) return integer_reply(0);
    size_t removed = 0;
    for (const std::string_view field : command.subspan(2)) removed += remove_field(*hash, field) ? 1 : 0;
    return removed_from(command[1], *hash, removed);
  }

  // --- sorted sets

  ReplyTree zadd(Arguments command) {
    if (command.size() % 2 != 0) throw Refusal{syntax_error};
    std::vector<double> scores;
    for (size_t i = 2; i < command.size(); i += 2) scores.push_back(to_score(command[i]));
    auto& members = find_or_create<SortedSet>(command[1]);
    uint64_t added = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      const SortedSet::Change change = members.set(command[2 * i + 3], scores[i]);
      added += change == SortedSet::Change::added ? 1 : 0;
      if (change != SortedSet::Change::none) announce(command[1]);
    }
    return count_reply(added);
  }

  ReplyTree zcount(Arguments command) {
    const ScoreBound from = to_bound(command[2]), to = to_bound(command[3]);
    const auto* const members = find<SortedSet>(command[1]);
    if (members == nullptr) return integer_reply(0);
    const auto [first, end] = members->range(from, to);
    return integer_reply(end - first);
  }

  ReplyTree zrem(Arguments command) {
    auto* const members = find<SortedSet>(command[1]);
    if (members == nullptr) return integer_reply(0);
    size_t removed = 0;
    for (const std::string_view name : command.subspan(2)) removed += members->remove(name) ? 1 : 0;
    return removed_from(command[1], *members, removed);
  }

  ReplyTree zremrangebyrank(Arguments command) {
    const Ranks ranks = to_ranks(command[2], command[3]);
    auto* const members = find<SortedSet>(command[1]);
    if (members == nullptr) return integer_reply(0);
    const size_t removed = members->remove(range_of(*members, ranks));
    return removed_from(command[1], *members, removed);
  }

  ReplyTree zremrangebyscore(Arguments command) {
    const ScoreBound from = to_bound(command[2]), to = to_bound(command[3]);
    auto* const members = find<SortedSet>(command[1]);
    if (members == nullptr) return integer_reply(0);
    const size_t removed = members->remove(members->range(from, to));
    return removed_from(command[1], *members, removed);
  }

  ReplyTree zrange(Arguments command) {
    const bool with_scores = command.size() == 5 && is(command[4], "WITHSCORES");
    if (command.size() > 4 && !with_scores) throw Refusal{syntax_error};
    const Ranks ranks = to_ranks(command[2], command[3]);
    const auto* const members = find<SortedSet>(command[1]);
    if (members == nullptr) return list_reply({});
    std::vector<ReplyTree> values;
    for (auto [at, end] = range_of(*members, ranks); at != end; ++at) {
      values.push_back(text_reply(at->name));
      if (with_scores) values.push_back(text_reply(score_text(at->score)));
    }
    return list_reply(std::move(values));
  }

  // --- scripts

  ReplyTree eval(Arguments command) {
    const ReplyTree sha1 = scripts_.load(command[1]);
    if (sha1->type == REDIS_REPLY_ERROR) throw Refusal{sha1->str};
    return run_script(sha1->str, command);
  }

  ReplyTree evalsha(Arguments command) {
    const std::string sha1 = lower(command[1]);
    if (!scripts_.has(sha1)) throw Refusal{"NOSCRIPT No matching script. Please use EVAL."};
    return run_script(sha1, command);
  }

  ReplyTree run_script(std::string_view sha1, Arguments command) {
    const int64_t keys = to_integer(command[2]);
    const auto values = command.subspan(3);
    if (keys > static_cast<int64_t>(values.size())) {
      throw Refusal{"ERR Number of keys can't be greater than number of args"};
    }
    if (keys < 0) throw Refusal{"ERR Number of keys can't be negative"};
    const auto count = static_cast<size_t>(keys);
    ++scripts_run_;
    is_in_script_ = true;
    ReplyTree reply = scripts_.run(sha1, values.first(count), values.subspan(count), *this);
    is_in_script_ = false;
    return reply;
  }

  ReplyTree script(Arguments command) {
    if (is(command[1], "LOAD") && command.size() == 3) return scripts_.load(command[2]);
    if (!is(command[1], "FLUSH")) throw Refusal{"ERR unknown subcommand '" + std::string(command[1]) + "'"};
    scripts_.forget_all();
    return status_reply("OK");
  }

  // --- the server

  ReplyTree time(Arguments) {
    const int64_t microseconds = now_.time_since_epoch().count();
    std::vector<ReplyTree> parts;
    parts.push_back(text_reply(std::to_string(microseconds / 1'000'000)));
    parts.push_back(text_reply(std::to_string(microseconds % 1'000'000)));
    return list_reply(std::move(parts));
  }

  ReplyTree info(Arguments command) {
    const std::array<std::pair<std::string_view, std::string>, 4> sections{{
        {"SERVER", "# Server\r\nredis_version:7.0.15\r\nrun_id:" + hex_run_id(run_) + "\r\n"},
        {"MEMORY", "# Memory\r\nmaxmemory_policy:noeviction\r\n"},
        {"STATS", "# Stats\r\nevicted_keys:" + std::to_string(evicted_keys_) + "\r\n"},
        {"COMMANDSTATS",
         "# Commandstats\r\n" + command_stat("flushall", flushall_calls_) + command_stat("flushdb", flushdb_calls_)},
    }};
    const auto wanted = command.subspan(1);
    std::string text;
    for (const auto& [name, lines] : sections) {
      const auto is_named = [&name = name](std::string_view word) { return is(word, name); };
      if (!wanted.empty() && std::none_of(wanted.begin(), wanted.end(), is_named)) continue;
      text += (text.empty() ? "" : "\r\n") + lines;
    }
    return text_reply(text);
  }

  ReplyTree publish(Arguments command) {
    pushes_.push_back({Push::Kind::message, std::string(command[1]), std::string(command[2])});
    return integer_reply(0);
  }

  ReplyTree ping(Arguments command) { return command.size() == 1 ? status_reply("PONG") : text_reply(command[1]); }

  ReplyTree config(Arguments command) {
    if (!is(command[1], "RESETSTAT")) throw Refusal{"ERR unknown subcommand '" + std::string(command[1]) + "'"};
    evicted_keys_ = flushall_calls_ = flushdb_calls_ = 0;
    return status_reply("OK");
  }

  uint64_t run_ = 0;
  cb::TimePoint now_{};
  int64_t now_ms_ = 0;
  Keyspace keys_;
  std::set<std::string, std::less<>> written_;  // by the present command
  std::vector<Push> pushes_;
  uint64_t scripts_run_ = 0, evicted_keys_ = 0, flushall_calls_ = 0, flushdb_calls_ = 0;
  LuaScripts scripts_;
  bool is_in_script_ = false;
};

std::span<const VirtualRedis::Server::Command> VirtualRedis::Server::commands() {
  static constexpr std::array<Command, 27> all{{
      {"TIME", 1, &Server::time},
      {"GET", 2, &Server::get},
      {"SET", -3, &Server::set},
      {"INCR", 2, &Server::incr},
      {"MGET", -2, &Server::mget},
      {"HGETALL", 2, &Server::hgetall},
      {"HSET", -4, &Server::hset},
      {"HDEL", -3, &Server::hdel},
      {"ZADD", -4, &Server::zadd},
      {"ZCOUNT", 4, &Server::zcount},
      {"ZREM", -3, &Server::zrem},
      {"ZREMRANGEBYRANK", 4, &Server::zremrangebyrank},
      {"ZREMRANGEBYSCORE", 4, &Server::zremrangebyscore},
      {"ZRANGE", -4, &Server::zrange},
      {"PEXPIRE", 3, &Server::pexpire},
      {"PTTL", 2, &Server::pttl},
      {"TYPE", 2, &Server::type},
      {"DEL", -2, &Server::del},
      {"INFO", -1, &Server::info},
      {"PUBLISH", 3, &Server::publish},
      {"EVAL", -3, &Server::eval, false},
      {"EVALSHA", -3, &Server::evalsha, false},
      {"SCRIPT", -2, &Server::script, false},
      {"FLUSHALL", -1, &Server::flushall},
      {"FLUSHDB", -1, &Server::flushdb},
      {"PING", -1, &Server::ping},
      {"CONFIG", -2, &Server::config, false},
  }};
  return all;
}

ReplyTree VirtualRedis::Server::call(Arguments arguments) {
  const std::string_view name = arguments.empty() ? "" : arguments[0];
  const auto all = commands();
  const auto command =
      std::find_if(all.begin(), all.end(), [name](const Command& each) { return is(name, each.name); });
  if (command == all.end()) return error_reply("ERR unknown command '" + std::string(name) + "'");
  const auto count = static_cast<int>(arguments.size());
  if (command->arity >= 0 ? count != command->arity : count < -command->arity) {
    return error_reply("ERR wrong number of arguments for '" + lower(command->name) + "' command");
  }
  if (is_in_script_ && !command->may_run_in_script) {
    return error_reply("ERR This Redis command is not allowed from script");
  }
  try {
    return (this->*command->execute)(arguments);
  } catch (const Refusal& refusal) {
    return error_reply(refusal.error);
  }
}

VirtualRedis::VirtualRedis(uint64_t run) : server_(std::make_unique<Server>()) { restart(run); }
VirtualRedis::~VirtualRedis() = default;
VirtualRedis::VirtualRedis(VirtualRedis&&) noexcept = default;
VirtualRedis& VirtualRedis::operator=(VirtualRedis&&) noexcept = default;

void VirtualRedis::restart(uint64_t run) { server_->restart(run); }
cb::redis::Reply VirtualRedis::execute(const std::vector<std::string>& command, cb::TimePoint now) {
  return server_->execute(command, now);
}
std::vector<Push> VirtualRedis::take_pushes() { return server_->take_pushes(); }
const Keyspace& VirtualRedis::data() const { return server_->data(); }
void VirtualRedis::replace_data(Keyspace keys) { server_->replace_data(std::move(keys)); }
void VirtualRedis::evict(const std::string& key) { server_->evict(key); }
uint64_t VirtualRedis::scripts_run() const { return server_->scripts_run(); }

std::vector<std::string> VirtualRedis::command_names() {
  std::vector<std::string> names;
  for (const Server::Command& command : Server::commands()) names.emplace_back(command.name);
  return names;
}

}  // namespace simulation
