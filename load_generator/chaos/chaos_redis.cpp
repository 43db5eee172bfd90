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

std::string inflict_by_console(Harm harm, int port) {
  const RedisConsole console(port, patience);
  if (harm == Harm::flush_keys) console.ask({"FLUSHALL"});
  if (harm == Harm::flush_scripts) console.ask({"SCRIPT", "FLUSH"});
  return harm == Harm::cut_pushes ? fmt::format(" ({})", cut_pushes(console)) : "";
}

}  // namespace

std::string ChaosRedis::inflict(Harm harm) {
  return fleet_.watched_redis() ? inflict_watched(harm) : inflict_unwatched(harm);
}

std::string ChaosRedis::inflict_unwatched(Harm harm) {
  program::PrivateRedis& redis = *fleet_.redis();
  if (harm == Harm::kill_redis) load::inject(RedisFault::kill, redis);
  if (harm == Harm::restart_redis) load::inject(RedisFault::restart, redis);
  if (harm == Harm::stop_redis) load::inject(RedisFault::stop, redis);
  if (harm == Harm::continue_redis) load::inject(RedisFault::resume, redis);
  return inflict_by_console(harm, redis.port());
}

std::string ChaosRedis::inflict_watched(Harm harm) {
  program::PrivateSentinel& watched = *fleet_.watched_redis();
  if (harm == Harm::follow_master) {
    follow_wanted_ = old_master_ != 0;  // 0: the failover was refused
    return follow_wanted_ ? " when there is another" : ": it still is the master";
  }
  if (follow_wanted_) throw std::runtime_error("left out: the Sentinels still look for another master");
  const int master = named_master(watched);
  if (harm != Harm::kill_master && harm != Harm::fail_over) return inflict_by_console(harm, master);
  inject(harm == Harm::kill_master ? RedisFault::kill_master : RedisFault::fail_over, watched);
  old_master_ = master;
  return "";
}

bool ChaosRedis::look_for_another_master() {
  const auto now = std::chrono::steady_clock::now();
  if (!follow_wanted_ || now < asked_ + asks_every) return false;
  asked_ = now;
  program::PrivateSentinel& watched = *fleet_.watched_redis();
  const int named = named_master(watched);
  if (named == 0 || named == old_master_) return false;
  follow_master(watched);
  follow_wanted_ = false;
  old_master_ = 0;
  return true;
}

void ChaosRedis::require_well() {
  if (fleet_.redis()) require_alive({}, *fleet_.redis());
  if (follow_wanted_) throw std::runtime_error("the Sentinels have made no other server the master");
}

}  // namespace load
