#include "load_generator/chaos/chaos_redis.hpp"

#include <spdlog/fmt/fmt.h>

#include <stdexcept>

#include "load_generator/fleet/failover.hpp"
#include "load_generator/fleet/redis_console.hpp"
#include "load_generator/fleet/redis_faults.hpp"

namespace load {
namespace {

constexpr std::chrono::milliseconds patience{200};
constexpr std::chrono::milliseconds asks_every{200};

constexpr long room = 1'000'000;  // bytes, until the memory is full
constexpr size_t largest_filler = 65'536;
constexpr size_t smallest_filler = 1024;

std::string field_in(const std::string& info, const std::string& name) {
  const auto at = info.find(name + ":");
  if (at == std::string::npos) throw std::runtime_error("INFO does not say " + name);
  const auto begin = at + name.size() + 1;
  return info.substr(begin, info.find('\r', begin) - begin);
}

bool try_to_set(const RedisConsole& console, const std::string& key, size_t size) try {
  console.ask({"SET", key, std::string(size, 'x')});
  return true;
} catch (const std::runtime_error&) {
  return false;  // the memory is full
}

// Only keys that expire are evicted: the breaker's, not the fillers.
size_t fill_memory(const RedisConsole& console) {
  const long used = std::stol(field_in(console.ask({"INFO", "memory"}), "used_memory"));
  const std::string evicted = field_in(console.ask({"INFO", "stats"}), "evicted_keys");
  console.ask({"CONFIG", "SET", "maxmemory-policy", "volatile-lru"});
  console.ask({"CONFIG", "SET", "maxmemory", std::to_string(used + room)});
  int fillers = 0;
  for (size_t size = largest_filler; size >= smallest_filler;) {
    if (!try_to_set(console, "filler:" + std::to_string(++fillers), size)) size /= 2;
  }
  return std::stoul(field_in(console.ask({"INFO", "stats"}), "evicted_keys")) - std::stoul(evicted);
}

void free_memory(const RedisConsole& console) {
  console.ask({"EVAL", "for _, key in ipairs(redis.call('KEYS', 'filler:*')) do redis.call('DEL', key) end", "0"});
  console.ask({"CONFIG", "SET", "maxmemory", "0"});
  console.ask({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
}

}  // namespace

std::string ChaosRedis::inject_by_console(ChaosFault fault, int port) {
  const RedisConsole console(port, patience);
  if (fault == ChaosFault::flush_keys) console.ask({"FLUSHALL"});
  if (fault == ChaosFault::flush_scripts) console.ask({"SCRIPT", "FLUSH"});
  if (fault == ChaosFault::cut_pushes) return fmt::format(" ({})", cut_pushes(console));
  if (fault == ChaosFault::free_memory && full_ != 0) free_memory(RedisConsole(full_, patience));
  if (fault != ChaosFault::fill_memory) return "";
  full_ = port;
  return fmt::format(" ({})", fill_memory(console));
}

std::string ChaosRedis::inject(ChaosFault fault) {
  return fleet_.watched_redis() ? inject_watched(fault) : inject_unwatched(fault);
}

std::string ChaosRedis::inject_unwatched(ChaosFault fault) {
  program::PrivateRedis& redis = *fleet_.redis();
  if (fault == ChaosFault::kill_redis) load::inject(RedisFault::kill, redis);
  if (fault == ChaosFault::restart_redis) load::inject(RedisFault::restart, redis);
  if (fault == ChaosFault::stop_redis) load::inject(RedisFault::stop, redis);
  if (fault == ChaosFault::continue_redis) load::inject(RedisFault::resume, redis);
  return inject_by_console(fault, redis.port());
}

std::string ChaosRedis::inject_watched(ChaosFault fault) {
  program::PrivateSentinel& watched = *fleet_.watched_redis();
  if (fault == ChaosFault::follow_master) {
    follow_pending_ = old_master_ != 0;  // 0: the failover was refused
    return follow_pending_ ? " when there is another" : ": it is still the master";
  }
  if (follow_pending_) throw std::runtime_error("skipped: the Sentinels have not chosen another master yet");
  const int master = named_master(watched);
  if (fault != ChaosFault::kill_master && fault != ChaosFault::fail_over) return inject_by_console(fault, master);
  load::inject(fault == ChaosFault::kill_master ? RedisFault::kill_master : RedisFault::fail_over, watched);
  old_master_ = master;
  return "";
}

bool ChaosRedis::follow_another_master() {
  const auto now = std::chrono::steady_clock::now();
  if (!follow_pending_ || now < asked_ + asks_every) return false;
  asked_ = now;
  program::PrivateSentinel& watched = *fleet_.watched_redis();
  const int named = named_master(watched);
  if (named == 0 || named == old_master_) return false;
  follow_master(watched);
  follow_pending_ = false;
  old_master_ = 0;
  return true;
}

void ChaosRedis::require_healthy() {
  if (fleet_.redis()) require_alive({}, *fleet_.redis());
  if (follow_pending_) throw std::runtime_error("the Sentinels have not promoted another server");
}

}  // namespace load
