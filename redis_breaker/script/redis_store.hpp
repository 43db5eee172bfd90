// A RedisStore keeps breakers in Redis: each request runs the script (snapshot.lua and the other five files) once, in
// one round trip. A script that Redis has forgotten is loaded again. One object serves all breakers of a policy.
#pragma once

#include <string>
#include <vector>

#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/state_store.hpp"
#include "simple_breaker/policy.hpp"

namespace cb {

struct Script {
  std::string source;
  std::string sha1;
};

Script breaker_script_source();

// Redis names the line of a script in which a permission is missing, but not the command: this adds it.
std::string with_refused_command(const std::string& error, const std::string& script);

class RedisStore final : public StateStore {
 public:
  // `instance` names the reporter of failures, for minimum_reporting_instances. A random suffix distinguishes
  // instances of one name.
  RedisStore(redis::Client& client, const Policy& policy, const std::string& instance,
             Script script = breaker_script_source());

  // The public keys of a breaker are cb:NAME:state, :failures and :last_failure.
  StoreResult apply(const std::string& breaker, const LastKnown& known, const std::vector<Event>& events,
                    Writes writes = Writes::if_changed) override;

 private:
  StoreResult read(const redis::Reply& reply, size_t events) const;

  redis::Client& client_;
  const Policy policy_;
  const std::vector<std::string> about_caller_;  // the settings, their fingerprint, the instance
  const Script script_;
};

}  // namespace cb
