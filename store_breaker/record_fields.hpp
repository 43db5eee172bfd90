// The fields of a Record, once: what writes and reads records walks through this list, so no codec can omit one.
#pragma once

#include "store_breaker/record.hpp"

namespace cb {

// Calls visit(name, field) for each, in a fixed order.
void for_each_field(auto& record, auto&& visit) {
  auto& snapshot = record.snapshot;
  visit("version", record.version);
  visit("state", snapshot.state);
  visit("failures", snapshot.counts.failures);
  visit("last_failure", record.last_failure);
  visit("generation", snapshot.generation);
  visit("epoch", record.epoch);
  visit("lost", record.lost);
  visit("run", record.run);
  visit("open_until_us", snapshot.open_until);
  visit("break_length_us", snapshot.break_length);
  visit("half_open_until_us", snapshot.half_open_until);
  visit("successes", snapshot.successes);
  visit("probes_granted", snapshot.probes_granted);
  visit("probes", snapshot.probes);
  visit("lease_length_us", snapshot.lease_length);
  visit("timed_out_generation", snapshot.timed_out.generation);
  visit("timed_out_probe", snapshot.timed_out.probe);
  visit("mode", snapshot.mode);
  visit("mode_until_us", snapshot.mode_until);
  visit("mode_length_us", snapshot.mode_length);
  visit("actor", record.active_override.actor);
  visit("reason", record.active_override.reason);
  visit("clear_at_us", snapshot.counts.clear_at);
  visit("window", snapshot.counts.window);
  visit("failing_since_us", record.failing_since);
  visit("reporters", record.reporters);
  visit("found_empty_on", record.found_empty_on);
  visit("found_empty_at_us", record.found_empty_at);
  visit("settings", record.settings);
  visit("settings_at_us", record.settings_at);
  visit("written_at_us", record.written_at);
  visit("expires_at_us", record.expires_at);
}

}  // namespace cb
