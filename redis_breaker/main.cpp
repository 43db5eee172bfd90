// Stage 3: one instance of a fleet that shares one breaker in Redis. The difference to stage 2 is the last statement.
#include <spdlog/spdlog.h>

#include <map>

#include "distributed_breaker/instance.hpp"
#include "program/options.hpp"
#include "redis_breaker/naive_redis_breaker.hpp"
#include "redis_breaker/redis_address.hpp"
#include "redis_breaker/redis_breaker.hpp"

int main(int argc, char** argv) {
  return program::run([&]() -> int {
    const program::StopSignal stop;
    CLI::App app{"Stage 3: a service instance that shares its circuit breaker through Redis", "redis_breaker"};
    cb::InstanceOptions options;
    cb::add_instance_options(app, options);
    std::string url = "redis://127.0.0.1:6379/0";
    std::chrono::milliseconds redis_timeout{50};
    std::string store = "atomic";
    app.add_option("--redis", url,
                   "redis://[[user]:password@]host:port/db or unix:///path; a password is better kept "
                   "off the command line, in REDIS_URL")
        ->envname("REDIS_URL")
        ->capture_default_str();
    program::add_duration(app, "--redis-timeout", redis_timeout, "Deadline of one Redis operation, for all of it");
    app.add_option("--store", store, "atomic, or naive: the textbook's, racy on purpose")
        ->check(CLI::IsMember({"atomic", "naive"}))
        ->capture_default_str();
    if (const auto exit_code = program::parse(app, argc, argv)) return *exit_code;
    if (redis_timeout.count() == 0) throw std::invalid_argument("redis_timeout is 0ms; it must be at least 1ms");

    const cb::RedisAddress address = cb::parse_redis_url(url);
    cb::Redis redis(address, redis_timeout);
    return cb::serve(options, stop, [&](cb::Listener listener) -> std::unique_ptr<cb::Breaker> {
      spdlog::info("breaker: cb:{}: at {}, store {}", options.breaker_name, address.to_text(), store);
      if (store == "naive") {
        return std::make_unique<cb::NaiveRedisBreaker>(redis, options.breaker_name, options.policy,
                                                       std::move(listener));
      }
      return std::make_unique<cb::RedisBreaker>(redis, options.breaker_name, options.policy, std::move(listener));
    });
  });
}
