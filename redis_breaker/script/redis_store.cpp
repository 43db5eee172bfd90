#include "redis_breaker/script/redis_store.hpp"

#include <cstdio>
#include <memory>
#include <random>
#include <utility>

#include "redis_breaker/feed/redis_feed.hpp"
#include "simple_breaker/policies/identity.hpp"

namespace cb {
namespace {

// Random: hosts and containers give their instances the same names.
std::string unique(const std::string& instance) {
  std::string suffix(16, '\0');
  suffix.resize(static_cast<size_t>(std::snprintf(suffix.data(), suffix.size(), "#%08x", std::random_device{}())));
  return instance + suffix;
}

}  // namespace

RedisStore::RedisStore(redis::Client& client, const Policy& policy, const std::string& instance, Script script)
    : client_(client), caller_(policy, unique(instance), std::make_shared<Script>(std::move(script))) {}

StoreResult RedisStore::apply(const std::string& breaker, const LastKnown& known, const std::vector<Event>& events,
                              Writes writes) {
  const std::string service = breaker.substr(0, breaker.find(Identity::separator));
  ScriptCall call = caller_.call({breaker, client_.prefix(breaker), client_.channel(service)}, known, events, writes);
  const redis::Deadline deadline(client_.timeout());
  redis::Reply reply = client_.command(call.command(), breaker, deadline);
  while (call.continues_after(reply)) reply = client_.command(call.command(), breaker, deadline);
  return call.result_of(reply);
}

std::unique_ptr<ChangeFeed> RedisStore::watch(size_t node, const std::vector<std::string>& services) {
  return std::make_unique<RedisFeed>(client_, node, services, eviction_checked_);
}

}  // namespace cb
