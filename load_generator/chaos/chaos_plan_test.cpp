#include "load_generator/chaos/chaos_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "unreliable_service/fault_plan.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

ChaosSettings settings(uint64_t seed, milliseconds duration = milliseconds(20'000)) {
  ChaosSettings settings;
  settings.seed = seed;
  settings.duration = duration;
  return settings;
}

std::string as_text(const ChaosPlan& plan) {
  std::string text = fault_plan(plan.upstream);
  for (const PlannedChaosFault& fault : plan.faults) {
    text += "\n" + std::to_string(fault.at.count()) + " " + std::string(to_text(fault.what)) + " " +
            std::to_string(fault.target) + " " + std::to_string(fault.down_for.count());
  }
  return text;
}

}  // namespace

TEST_CASE("the same seed gives the same plan, another seed another plan") {
  CHECK(as_text(plan_chaos(settings(7))) == as_text(plan_chaos(settings(7))));
  CHECK(as_text(plan_chaos(settings(7))) != as_text(plan_chaos(settings(8))));
}

TEST_CASE("with any seed, faults are in order, and over at the end of the duration") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    const ChaosPlan plan = plan_chaos(settings(seed));
    milliseconds before{0};
    for (const PlannedChaosFault& fault : plan.faults) {
      CHECK(fault.at >= before);
      before = fault.at;
      const bool kill = fault.what == ChaosFault::kill_instance;
      CHECK(fault.at + (kill ? time_to_find_a_prober + fault.down_for : milliseconds(0)) <= milliseconds(20'000));
      CHECK(fault.target < 3);
    }
  }
}

TEST_CASE("with any seed, a Redis that is killed, stopped or filled recovers before its next fault") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    ChaosFault due = ChaosFault::kill_instance;  // nothing
    for (const PlannedChaosFault& fault : plan_chaos(settings(seed)).faults) {
      if (fault.what == ChaosFault::kill_instance) continue;
      if (due != ChaosFault::kill_instance) CHECK(fault.what == due);
      due = fault.what == ChaosFault::kill_redis    ? ChaosFault::restart_redis
            : fault.what == ChaosFault::stop_redis  ? ChaosFault::continue_redis
            : fault.what == ChaosFault::fill_memory ? ChaosFault::free_memory
                                                    : ChaosFault::kill_instance;
    }
    CHECK(due == ChaosFault::kill_instance);
  }
}

TEST_CASE("a minute has every kind of fault, and every kind of upstream phase") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    const ChaosPlan plan = plan_chaos(settings(seed, milliseconds(60'000)));
    std::set<ChaosFault> seen;
    for (const PlannedChaosFault& fault : plan.faults) seen.insert(fault.what);
    CHECK(seen.size() == 10);
    CHECK(std::any_of(plan.upstream.begin(), plan.upstream.end(),
                      [](const UpstreamPhase& phase) { return phase.fault != "healthy"; }));
  }
}

TEST_CASE("with Sentinels, failovers replace kills and stops, and each has some seconds to complete") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    ChaosSettings watched = settings(seed, milliseconds(60'000));
    watched.sentinel = true;
    std::set<ChaosFault> seen;
    milliseconds failover_at{-1};  // under way
    for (const PlannedChaosFault& fault : plan_chaos(watched).faults) {
      seen.insert(fault.what);
      if (fault.what == ChaosFault::kill_instance) continue;
      CHECK((fault.what == ChaosFault::follow_master) == (failover_at >= milliseconds(0)));
      if (fault.what == ChaosFault::follow_master) CHECK(fault.at >= failover_at + milliseconds(2000));
      const bool begins = fault.what == ChaosFault::kill_master || fault.what == ChaosFault::fail_over;
      failover_at = begins ? fault.at : milliseconds(-1);
    }
    CHECK(failover_at < milliseconds(0));
    CHECK(seen == std::set<ChaosFault>{ChaosFault::flush_keys, ChaosFault::flush_scripts, ChaosFault::cut_pushes,
                                       ChaosFault::fill_memory, ChaosFault::free_memory, ChaosFault::kill_instance,
                                       ChaosFault::kill_master, ChaosFault::fail_over, ChaosFault::follow_master});
  }
}

TEST_CASE("many kills come while probes last long enough to be caught") {
  int kills = 0, while_slow = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const ChaosPlan plan = plan_chaos(settings(seed, milliseconds(60'000)));
    const unreliable::FaultPlan faults(fault_plan(plan.upstream));
    for (const PlannedChaosFault& fault : plan.faults) {
      if (fault.what != ChaosFault::kill_instance) continue;
      kills += 1;
      while_slow += faults.fault_at(fault.at).latency == milliseconds(700) ? 1 : 0;
    }
  }
  CHECK(while_slow * 3 > kills);  // without the wait it would be a fifth
}

TEST_CASE("the upstream's phases are a valid fault plan, whatever the duration, and end healthy") {
  for (const auto duration : {milliseconds(10'000), milliseconds(180'000), milliseconds(3'600'000)}) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const ChaosPlan plan = plan_chaos(settings(seed, duration));
      CHECK_NOTHROW(unreliable::FaultPlan{fault_plan(plan.upstream)});
      const unreliable::FaultPlan faults(fault_plan(plan.upstream));
      CHECK(faults.fault_at(duration) == unreliable::Fault{});
      CHECK_FALSE(faults.fault_at(duration - milliseconds(1)) == unreliable::Fault{});
    }
  }
}

TEST_CASE("an error names the invalid chaos setting") {
  CHECK_THROWS_WITH_AS(plan_chaos(settings(1, milliseconds(9999))), "duration is 9999ms; it must be 10s to 1h",
                       std::invalid_argument);
  ChaosSettings many = settings(1);
  many.instances = 27;
  CHECK_THROWS_WITH_AS(plan_chaos(many), "instances is 27; it must be 1 to 26", std::invalid_argument);
}
