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

std::string inject_by_console(ChaosFault fault, int port) {
  const RedisConsole console(port, patience);
  if (fault == ChaosFault::flush_keys) console.ask({"FLUSHALL"});
  if (fault == ChaosFault::flush_scripts) console.ask({"SCRIPT", "FLUSH"});
  return fault == ChaosFault::cut_pushes ? fmt::format(" ({})", cut_pushes(console)) : "";
}

}  // namespace

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
