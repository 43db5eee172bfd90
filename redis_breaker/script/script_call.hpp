// A ScriptCall is one request to the shared breaker's script: the command to send, and what the reply means. A
// ScriptCaller makes them for one instance. No I/O: a store sends the command over a connection, a test or a simulation
// as it likes. A ScriptCaller may be shared between threads and must outlive its calls; a call belongs to one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "redis_breaker/redis/connection.hpp"
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

struct BreakerKeys {
  std::string breaker;
  std::string prefix;   // of its keys: "cb:NAME:"
  std::string channel;  // on which its transitions are announced
};

class ScriptCall;

class ScriptCaller {
 public:
  // `instance` names the reporter of failures, for minimum_reporting_instances; unique in the fleet.
  ScriptCaller(const Policy& policy, const std::string& instance, std::shared_ptr<const Script> script);

  ScriptCall call(const BreakerKeys& keys, const LastKnown& known, const std::vector<Event>& events,
                  StateStore::Writes writes) const;

 private:
  friend class ScriptCall;

  const Policy policy_;
  const std::vector<std::string> about_caller_;  // the settings, their fingerprint, the instance
  const std::shared_ptr<const Script> script_;
};

class ScriptCall {
 public:
  const std::vector<std::string>& command() const { return command_; }

  // True: the server needs the script, or more of what the caller knows; command() has it now, and is to be sent again.
  // Happens twice at most.
  bool continues_after(const redis::Reply& reply);

  StoreResult result_of(const redis::Reply& reply) const;

 private:
  friend class ScriptCaller;
  ScriptCall(const ScriptCaller& caller, const BreakerKeys& keys, const LastKnown& known,
             const std::vector<Event>& events, StateStore::Writes writes);

  const ScriptCaller& caller_;
  const LastKnown known_;
  const size_t events_;
  std::vector<std::string> command_;
  size_t details_at_ = 0;
};

}  // namespace cb
