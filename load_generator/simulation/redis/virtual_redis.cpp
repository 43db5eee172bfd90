#include "load_generator/simulation/redis/virtual_redis.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <utility>

namespace simulation {
namespace {

// An error reply, on its way out of a command; caught in VirtualRedis::call().
struct Refusal {
  std::string error;
};

constexpr const char* wrong_type = "WRONGTYPE Operation against a key holding the wrong kind of value";
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

double to_double(std::string_view text, const char* error) {
  const std::string copy(text);
  char* end = nullptr;
  const double number = std::strtod(copy.c_str(), &end);
  const bool is_number = !copy.empty() && end == copy.c_str() + copy.size() && std::isspace(copy[0]) == 0;
  if (!is_number || std::isnan(number)) throw Refusal{error};
  return number;
}

ScoreBound to_bound(std::string_view text) {
  const bool is_exclusive = !text.empty() && text[0] == '(';
  return {to_double(text.substr(is_exclusive ? 1 : 0), "ERR min or max is not a float"), is_exclusive};
}

std::string score_text(double score) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.17g", score);
  return text.data();
}

// Ranks count from 0, or from -1 backwards. Returns the first one and how many.
std::pair<size_t, size_t> to_ranks(std::string_view from, std::string_view to, size_t size) {
  const auto count = static_cast<int64_t>(size);
  const auto rank = [count](std::string_view text) {
    const int64_t number = to_integer(text);
    return number < 0 ? number + count : number;
  };
  const int64_t first = std::max<int64_t>(0, rank(from));
  const int64_t last = std::min(count - 1, rank(to));
  if (first > last) return {0, 0};
  return {static_cast<size_t>(first), static_cast<size_t>(last - first + 1)};
}

ReplyTree count_reply(size_t count) { return integer_reply(static_cast<long long>(count)); }

}  // namespace

struct VirtualRedis::Command {
  std::string_view name;
  int arity;  // as Redis counts: with the name; negative: at least so many
  ReplyTree (VirtualRedis::*execute)(Arguments);
  bool may_run_in_script = true;
};

const VirtualRedis::Command* VirtualRedis::find_command(std::string_view name) {
  using Self = VirtualRedis;
  static constexpr std::array<Command, 26> commands{{
      {"TIME", 1, &Self::time},
      {"GET", 2, &Self::get},
      {"SET", -3, &Self::set},
      {"MGET", -2, &Self::mget},
      {"HGETALL", 2, &Self::hgetall},
      {"HSET", -4, &Self::hset},
      {"HDEL", -3, &Self::hdel},
      {"ZADD", -4, &Self::zadd},
      {"ZCOUNT", 4, &Self::zcount},
      {"ZREM", -3, &Self::zrem},
      {"ZREMRANGEBYRANK", 4, &Self::zremrangebyrank},
      {"ZREMRANGEBYSCORE", 4, &Self::zremrangebyscore},
      {"ZRANGE", -4, &Self::zrange},
      {"PEXPIRE", 3, &Self::pexpire},
      {"PTTL", 2, &Self::pttl},
      {"TYPE", 2, &Self::type},
      {"DEL", -2, &Self::del},
      {"INFO", -1, &Self::info},
      {"PUBLISH", 3, &Self::publish},
      {"EVAL", -3, &Self::eval, false},
      {"EVALSHA", -3, &Self::evalsha, false},
      {"SCRIPT", -2, &Self::script, false},
      {"FLUSHALL", -1, &Self::flushall},
      {"FLUSHDB", -1, &Self::flushdb},
      {"PING", -1, &Self::ping},
      {"CONFIG", -2, &Self::config, false},
  }};
  const auto found =
      std::find_if(commands.begin(), commands.end(), [name](const Command& each) { return is(name, each.name); });
  return found == commands.end() ? nullptr : found;
}

VirtualRedis::VirtualRedis(uint64_t run) : run_(run) {}

cb::redis::Reply VirtualRedis::execute(const std::vector<std::string>& command, cb::TimePoint now) {
  now_ = now;
  const std::vector<std::string_view> arguments(command.begin(), command.end());
  cb::redis::Reply reply(call(arguments).release());
  reply.came_from({0, run_}, {});
  push_written_keys();
  return reply;
}

ReplyTree VirtualRedis::call(Arguments arguments) {
  const Command* const command = arguments.empty() ? nullptr : find_command(arguments[0]);
  if (command == nullptr) {
    return error_reply("ERR unknown command '" + std::string(arguments.empty() ? "" : arguments[0]) + "'");
  }
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

std::vector<Push> VirtualRedis::take_pushes() { return std::exchange(pushes_, {}); }

void VirtualRedis::replace_data(Keyspace keys) {
  keys_ = std::move(keys);
  pushes_.push_back({Push::Kind::all_keys});
}

void VirtualRedis::evict(const std::string& key) {
  if (!remove(key)) return;
  ++evicted_keys_;
  push_written_keys();
}

void VirtualRedis::push_written_keys() {
  for (const std::string& key : written_) pushes_.push_back({Push::Kind::key_written, key});
  written_.clear();
}

// --- keys

int64_t VirtualRedis::now_ms() const {
  return std::chrono::floor<std::chrono::milliseconds>(now_).time_since_epoch().count();
}

Entry* VirtualRedis::find(std::string_view key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return nullptr;
  const bool has_expired = found->second.expires_at_ms && now_ms() > *found->second.expires_at_ms;
  if (!has_expired) return &found->second;
  keys_.erase(found);
  announce(key);
  return nullptr;
}

template <class T>
T* VirtualRedis::find(std::string_view key) {
  Entry* const entry = find(key);
  if (entry == nullptr) return nullptr;
  T* const value = std::get_if<T>(&entry->value);
  if (value == nullptr) throw Refusal{wrong_type};
  return value;
}

template <class T>
T& VirtualRedis::find_or_create(std::string_view key) {
  if (T* const value = find<T>(key)) return *value;
  return std::get<T>(keys_.emplace(key, Entry{T{}}).first->second.value);
}

bool VirtualRedis::remove(std::string_view key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return false;
  keys_.erase(found);
  announce(key);
  return true;
}

void VirtualRedis::remove_if_empty(std::string_view key, bool is_empty) {
  if (is_empty) remove(key);
}

int64_t VirtualRedis::expiry_after(std::string_view milliseconds, std::string_view command) const {
  const int64_t length = to_integer(milliseconds);
  if (length > std::numeric_limits<int64_t>::max() - now_ms()) {
    throw Refusal{"ERR invalid expire time in '" + std::string(command) + "' command"};
  }
  return now_ms() + length;
}

ReplyTree VirtualRedis::pexpire(Arguments command) {
  const int64_t at = expiry_after(command[2], "pexpire");
  Entry* const entry = find(command[1]);
  if (entry == nullptr) return integer_reply(0);
  announce(command[1]);
  if (at > now_ms()) {
    entry->expires_at_ms = at;
  } else {
    remove(command[1]);
  }
  return integer_reply(1);
}

ReplyTree VirtualRedis::pttl(Arguments command) {
  const Entry* const entry = find(command[1]);
  if (entry == nullptr) return integer_reply(-2);
  return integer_reply(entry->expires_at_ms ? *entry->expires_at_ms - now_ms() : -1);
}

ReplyTree VirtualRedis::type(Arguments command) {
  constexpr std::array<const char*, 3> names{"string", "hash", "zset"};
  const Entry* const entry = find(command[1]);
  return status_reply(entry == nullptr ? "none" : names[entry->value.index()]);
}

ReplyTree VirtualRedis::del(Arguments command) {
  size_t removed = 0;
  for (const std::string_view key : command.subspan(1)) {
    if (find(key) != nullptr && remove(key)) ++removed;
  }
  return count_reply(removed);
}

ReplyTree VirtualRedis::flush(Arguments command, uint64_t& calls) {
  const bool has_mode = command.size() == 2 && (is(command[1], "SYNC") || is(command[1], "ASYNC"));
  if (command.size() > 1 && !has_mode) throw Refusal{syntax_error};
  ++calls;
  keys_.clear();
  pushes_.push_back({Push::Kind::all_keys});
  return status_reply("OK");
}

ReplyTree VirtualRedis::flushall(Arguments command) { return flush(command, flushall_calls_); }
ReplyTree VirtualRedis::flushdb(Arguments command) { return flush(command, flushdb_calls_); }

// --- strings

ReplyTree VirtualRedis::get(Arguments command) {
  const auto* const value = find<std::string>(command[1]);
  return value == nullptr ? nil_reply() : text_reply(*value);
}

ReplyTree VirtualRedis::set(Arguments command) {
  const bool has_expiry = command.size() == 5 && is(command[3], "PX");
  if (command.size() > 3 && !has_expiry) throw Refusal{syntax_error};
  std::optional<int64_t> expires_at_ms;
  if (has_expiry) expires_at_ms = expiry_after(command[4], "set");
  if (has_expiry && *expires_at_ms <= now_ms()) throw Refusal{"ERR invalid expire time in 'set' command"};
  keys_.insert_or_assign(std::string(command[1]), Entry{std::string(command[2]), expires_at_ms});
  announce(command[1]);
  return status_reply("OK");
}

ReplyTree VirtualRedis::mget(Arguments command) {
  std::vector<ReplyTree> values;
  for (const std::string_view key : command.subspan(1)) {
    const Entry* const entry = find(key);
    const auto* const value = entry == nullptr ? nullptr : std::get_if<std::string>(&entry->value);
    values.push_back(value == nullptr ? nil_reply() : text_reply(*value));
  }
  return list_reply(std::move(values));
}

// --- hashes

ReplyTree VirtualRedis::hgetall(Arguments command) {
  std::vector<ReplyTree> values;
  const Hash* const hash = find<Hash>(command[1]);
  if (hash == nullptr) return list_reply({});
  values.reserve(2 * hash->fields().size());
  for (const auto& [field, value] : hash->fields()) {
    values.push_back(text_reply(field));
    values.push_back(text_reply(value));
  }
  return list_reply(std::move(values));
}

ReplyTree VirtualRedis::hset(Arguments command) {
  if (command.size() % 2 != 0) throw Refusal{"ERR wrong number of arguments for 'hset' command"};
  Hash& hash = find_or_create<Hash>(command[1]);
  size_t added = 0;
  for (size_t i = 2; i < command.size(); i += 2) added += hash.set(command[i], command[i + 1]) ? 1 : 0;
  announce(command[1]);
  return count_reply(added);
}

ReplyTree VirtualRedis::hdel(Arguments command) {
  Hash* const hash = find<Hash>(command[1]);
  if (hash == nullptr) return integer_reply(0);
  size_t removed = 0;
  for (const std::string_view field : command.subspan(2)) removed += hash->remove(field) ? 1 : 0;
  if (removed > 0) announce(command[1]);
  remove_if_empty(command[1], hash->fields().empty());
  return count_reply(removed);
}

// --- sorted sets

ReplyTree VirtualRedis::zadd(Arguments command) {
  if (command.size() % 2 != 0) throw Refusal{syntax_error};
  std::vector<double> scores;
  for (size_t i = 2; i < command.size(); i += 2) {
    scores.push_back(to_double(command[i], "ERR value is not a valid float"));
  }
  SortedSet& set = find_or_create<SortedSet>(command[1]);
  size_t added = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const SortedSet::Change change = set.set(command[2 * i + 3], scores[i]);
    if (change == SortedSet::Change::added) ++added;
    if (change != SortedSet::Change::none) announce(command[1]);
  }
  return count_reply(added);
}

ReplyTree VirtualRedis::zcount(Arguments command) {
  const ScoreBound from = to_bound(command[2]), to = to_bound(command[3]);
  const SortedSet* const set = find<SortedSet>(command[1]);
  return count_reply(set == nullptr ? 0 : set->count(from, to));
}

ReplyTree VirtualRedis::zrem(Arguments command) {
  SortedSet* const set = find<SortedSet>(command[1]);
  if (set == nullptr) return integer_reply(0);
  size_t removed = 0;
  for (const std::string_view name : command.subspan(2)) removed += set->remove(name) ? 1 : 0;
  if (removed > 0) announce(command[1]);
  remove_if_empty(command[1], set->members().empty());
  return count_reply(removed);
}

ReplyTree VirtualRedis::zremrangebyrank(Arguments command) {
  to_ranks(command[2], command[3], 0);  // numbers are checked first
  SortedSet* const set = find<SortedSet>(command[1]);
  if (set == nullptr) return integer_reply(0);
  const auto [first, count] = to_ranks(command[2], command[3], set->members().size());
  set->remove_ranks(first, count);
  if (count > 0) announce(command[1]);
  remove_if_empty(command[1], set->members().empty());
  return count_reply(count);
}

ReplyTree VirtualRedis::zremrangebyscore(Arguments command) {
  const ScoreBound from = to_bound(command[2]), to = to_bound(command[3]);
  SortedSet* const set = find<SortedSet>(command[1]);
  if (set == nullptr) return integer_reply(0);
  const size_t removed = set->remove(from, to);
  if (removed > 0) announce(command[1]);
  remove_if_empty(command[1], set->members().empty());
  return count_reply(removed);
}

ReplyTree VirtualRedis::zrange(Arguments command) {
  const bool with_scores = command.size() == 5 && is(command[4], "WITHSCORES");
  if (command.size() > 4 && !with_scores) throw Refusal{syntax_error};
  to_ranks(command[2], command[3], 0);
  const SortedSet* const set = find<SortedSet>(command[1]);
  if (set == nullptr) return list_reply({});
  const auto [first, count] = to_ranks(command[2], command[3], set->members().size());
  std::vector<ReplyTree> values;
  for (size_t i = first; i < first + count; ++i) {
    values.push_back(text_reply(set->members()[i].name));
    if (with_scores) values.push_back(text_reply(score_text(set->members()[i].score)));
  }
  return list_reply(std::move(values));
}

// --- scripts

ReplyTree VirtualRedis::eval(Arguments command) {
  const ReplyTree sha1 = scripts_->load(command[1]);
  if (sha1->type == REDIS_REPLY_ERROR) throw Refusal{sha1->str};
  return run({sha1->str, static_cast<size_t>(sha1->len)}, command);
}

ReplyTree VirtualRedis::evalsha(Arguments command) {
  const std::string sha1 = lower(command[1]);
  if (!scripts_->has(sha1)) throw Refusal{"NOSCRIPT No matching script. Please use EVAL."};
  return run(sha1, command);
}

ReplyTree VirtualRedis::run(std::string_view sha1, Arguments command) {
  const int64_t keys = to_integer(command[2]);
  if (keys > static_cast<int64_t>(command.size()) - 3) {
    throw Refusal{"ERR Number of keys can't be greater than number of args"};
  }
  if (keys < 0) throw Refusal{"ERR Number of keys can't be negative"};
  const auto values = command.subspan(3);
  ++scripts_run_;
  is_in_script_ = true;
  ReplyTree reply =
      scripts_->run(sha1, values.first(static_cast<size_t>(keys)), values.subspan(static_cast<size_t>(keys)), *this);
  is_in_script_ = false;
  return reply;
}

ReplyTree VirtualRedis::script(Arguments command) {
  if (is(command[1], "LOAD") && command.size() == 3) return scripts_->load(command[2]);
  if (!is(command[1], "FLUSH")) throw Refusal{"ERR unknown subcommand '" + std::string(command[1]) + "'"};
  scripts_->forget_all();
  return status_reply("OK");
}

// --- the server

ReplyTree VirtualRedis::time(Arguments) {
  const int64_t microseconds = now_.time_since_epoch().count();
  std::vector<ReplyTree> parts;
  parts.push_back(text_reply(std::to_string(microseconds / 1'000'000)));
  parts.push_back(text_reply(std::to_string(microseconds % 1'000'000)));
  return list_reply(std::move(parts));
}

ReplyTree VirtualRedis::info(Arguments command) {
  std::array<char, 64> run_id{};
  std::snprintf(run_id.data(), run_id.size(), "%016" PRIx64 "%024d", run_, 0);
  const auto calls = [](const char* name, uint64_t count) {
    return count == 0 ? "" : "cmdstat_" + std::string(name) + ":calls=" + std::to_string(count) + ",usec=0\r\n";
  };
  const std::array<std::pair<std::string_view, std::string>, 4> sections{{
      {"SERVER", "# Server\r\nredis_version:7.0.15\r\nrun_id:" + std::string(run_id.data()) + "\r\n"},
      {"MEMORY", "# Memory\r\nmaxmemory_policy:noeviction\r\n"},
      {"STATS", "# Stats\r\nevicted_keys:" + std::to_string(evicted_keys_) + "\r\n"},
      {"COMMANDSTATS", "# Commandstats\r\n" + calls("flushall", flushall_calls_) + calls("flushdb", flushdb_calls_)},
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

ReplyTree VirtualRedis::publish(Arguments command) {
  pushes_.push_back({Push::Kind::message, std::string(command[1]), std::string(command[2])});
  return integer_reply(0);
}

ReplyTree VirtualRedis::ping(Arguments command) {
  return command.size() == 1 ? status_reply("PONG") : text_reply(command[1]);
}

ReplyTree VirtualRedis::config(Arguments command) {
  if (!is(command[1], "RESETSTAT")) throw Refusal{"ERR unknown subcommand '" + std::string(command[1]) + "'"};
  evicted_keys_ = flushall_calls_ = flushdb_calls_ = 0;
  return status_reply("OK");
}

}  // namespace simulation
