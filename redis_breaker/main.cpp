// Stage 3: one instance of a fleet that shares one breaker in Redis. Only the last statement differs from stage 2.
#include <spdlog/spdlog.h>

#include "distributed_breaker/instance.hpp"
#include "program/command_line/options.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/naive_redis_breaker.hpp"
#include "redis_breaker/quorum_breaker.hpp"
#include "redis_breaker/redis/address.hpp"
#include "redis_breaker/redis_group.hpp"
#include "redis_breaker/scripted_breaker.hpp"

namespace {

cb::BreakerRegistry::Make naive_breakers(cb::redis::Client& client, const cb::Policy& policy, cb::Listener listener) {
  return [&client, policy, listener = std::move(listener)](const cb::Identity& identity) {
    return std::make_shared<cb::NaiveRedisBreaker>(client, identity, policy, listener);
  };
}

using Group = std::shared_ptr<const cb::SharedBreakerGroup>;

cb::BreakerRegistry::Make scripted_breakers(const Group& group) {
  return [group](const cb::Identity& identity) { return std::make_shared<cb::ScriptedBreaker>(group, identity); };
}

cb::BreakerRegistry::Make cached_breakers(const Group& group) {
  return [group](const cb::Identity& identity) -> std::shared_ptr<cb::ManagedBreaker> {
    if (group->policy.minimum_reporting_instances == 1) return std::make_shared<cb::FallbackBreaker>(group, identity);
    return std::make_shared<cb::QuorumBreaker>(group, identity);
  };
}

void require_sensible(std::chrono::milliseconds redis_timeout) {
  if (redis_timeout >= std::chrono::milliseconds(1) && redis_timeout <= std::chrono::seconds(10)) return;
  throw std::invalid_argument("redis_timeout is " + program::to_text(redis_timeout) + "; it must be 1ms to 10s");
}

}  // namespace

int main(int argc, char** argv) {
  return program::run([&]() -> int {
    const program::StopSignal stop;
    program::CommandLine app{"Stage 3: a service instance that shares its circuit breaker through Redis",
                             "redis_breaker"};
    cb::InstanceOptions options;
    cb::add_instance_options(app, options);
    std::string url = "redis://127.0.0.1:6379/0";
    std::chrono::milliseconds redis_timeout{50};
    std::string prefix = "cb";
    std::string store = "cached";
    app.add_option("--redis", url,
                   "redis://[[user]:password@]host:port/db, redis+sentinel://host:port,host:port/master, "
                   "redis+cluster://host:port,host:port or unix:///path; rediss: over TLS; put a "
                   "password into REDIS_URL rather than on the command line")
        .environment("REDIS_URL")
        .type_name("URL");
    app.add_duration("--redis-timeout", redis_timeout, "Deadline of one Redis operation, connecting included");
    app.add_option("--redis-prefix", prefix, "What the names of the breakers' keys start with").type_name("TEXT");
    app.add_choice("--store", store, {"naive", "scripted", "cached", "atomic"},
                   "naive: the textbook version, racy on purpose; scripted: one script for each event; cached: a "
                   "view that Redis keeps fresh, and a local breaker while Redis is away (atomic: its old name)")
        .type_name("NAME");
    if (const auto exit_code = app.parse(argc, argv)) return *exit_code;
    require_sensible(redis_timeout);

    const cb::redis::Address address = cb::redis::parse_url(url);
    cb::redis::Client client(address, redis_timeout, prefix);
    return cb::serve(options, stop, [&](const std::string& instance, cb::Listener listener) {
      spdlog::info("breaker: {}{}: at {}, store {}", client.common_prefix(), options.breaker_name, address.to_text(),
                   store);
      if (store == "naive") return naive_breakers(client, options.policy, std::move(listener));
      const auto group = cb::redis_group(client, options.policy, std::move(listener), instance);
      return store == "scripted" ? scripted_breakers(group) : cached_breakers(group);
    });
  });
}
