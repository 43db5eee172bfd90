#include "load_generator/fleet/redis_faults.hpp"

#include <csignal>
#include <stdexcept>

#include "load_generator/fleet/redis_console.hpp"

namespace load {

void inject(RedisFault fault, program::PrivateRedis& redis) {
  switch (fault) {
    case RedisFault::kill:
      return redis.kill();
    case RedisFault::restart:
      return redis.launch();
    case RedisFault::stop:
      return redis.process().send_signal(SIGSTOP);
    case RedisFault::resume:
      return redis.process().send_signal(SIGCONT);
    case RedisFault::flush:
      RedisConsole(redis.port()).ask({"FLUSHALL"});
      return;
    case RedisFault::kill_master:
    case RedisFault::fail_over:
      throw std::runtime_error("no Sentinels watch this redis-server");
  }
}

void require_alive(const std::vector<PlannedRedisFault>& faults, program::PrivateRedis& redis) {
  const bool killed = !faults.empty() && faults.back().what == RedisFault::kill;
  if (killed || !redis.process().wait(std::chrono::milliseconds(0))) return;
  throw std::runtime_error("the private redis-server has ended by itself:\n" + redis.process().output());
}

}  // namespace load
