// Stage 4: one instance of a fleet that shares one breaker in any store. Only the last statement differs from stage 3.
#include <spdlog/spdlog.h>

#include "distributed_breaker/instance.hpp"
#include "program/command_line/options.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/quorum_breaker.hpp"
#include "store_breaker/cas_store.hpp"

namespace {

using Group = std::shared_ptr<const cb::SharedBreakerGroup>;

cb::BreakerRegistry::Make shared_breakers(const Group& group) {
  return [group](const cb::Identity& identity) -> std::shared_ptr<cb::ManagedBreaker> {
    if (group->policy.minimum_reporting_instances == 1) return std::make_shared<cb::FallbackBreaker>(group, identity);
    return std::make_shared<cb::QuorumBreaker>(group, identity);
  };
}

void require_sensible(std::chrono::milliseconds store_timeout) {
  if (store_timeout >= std::chrono::milliseconds(1) && store_timeout <= std::chrono::seconds(10)) return;
  throw std::invalid_argument("store_timeout is " + program::to_text(store_timeout) + "; it must be 1ms to 10s");
}

}  // namespace

int main(int argc, char** argv) {
  return program::run([&]() -> int {
    const program::StopSignal stop;
    program::CommandLine app{"Stage 4: a service instance that shares its circuit breaker through any store",
                             "store_breaker"};
    cb::InstanceOptions options;
    cb::add_instance_options(app, options);
    std::string address = "shm:lab";
    std::chrono::milliseconds store_timeout{250};
    app.add_option(
           "--store", address,
           "memory: (this process only), shm:NAME (all processes of one user on this host, without a server), "
           "postgresql://HOST/DATABASE, dynamodb://REGION/TABLE or mongodb://HOST/DATABASE; put a password into "
           "STORE_URL rather than on the command line")
        .environment("STORE_URL")
        .type_name("URL");
    app.add_duration("--store-timeout", store_timeout, "Deadline of one exchange with the store, all tries together");
    if (const auto exit_code = app.parse(argc, argv)) return *exit_code;
    require_sensible(store_timeout);

    const std::shared_ptr<cb::RecordStore> records = cb::open_store(address);
    return cb::serve(options, stop, [&](const std::string& instance, cb::Listener listener) {
      spdlog::info("breaker: {} at {}", options.breaker_name, records->name());
      auto store = std::make_unique<cb::CasStore>(
          records, options.policy, cb::CasStore::Settings{.instance = instance, .timeout = store_timeout});
      return shared_breakers(
          std::make_shared<const cb::SharedBreakerGroup>(std::move(store), options.policy, std::move(listener)));
    });
  });
}
