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
  for (const PlannedHarm& harm : plan.harms) {
    text += "\n" + std::to_string(harm.at.count()) + " " + std::string(to_text(harm.what)) + " " +
            std::to_string(harm.target) + " " + std::to_string(harm.down_for.count());
  }
  return text;
}

}  // namespace

TEST_CASE("the same seed plans the same chaos, another seed another") {
  CHECK(as_text(plan_chaos(settings(7))) == as_text(plan_chaos(settings(7))));
  CHECK(as_text(plan_chaos(settings(7))) != as_text(plan_chaos(settings(8))));
}

TEST_CASE("whatever the seed, harm is in order, and over when the time is") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    const ChaosPlan plan = plan_chaos(settings(seed));
    milliseconds before{0};
    for (const PlannedHarm& harm : plan.harms) {
      CHECK(harm.at >= before);
      before = harm.at;
      const bool kill = harm.what == Harm::kill_instance;
      CHECK(harm.at + (kill ? looks_for_a_prober + harm.down_for : milliseconds(0)) <= milliseconds(20'000));
      CHECK(harm.target < 3);
    }
  }
}

TEST_CASE("whatever the seed, a Redis that is killed or stopped comes back before anything else happens to it") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    Harm due = Harm::kill_instance;  // nothing
    for (const PlannedHarm& harm : plan_chaos(settings(seed)).harms) {
      if (harm.what == Harm::kill_instance) continue;
      if (due != Harm::kill_instance) CHECK(harm.what == due);
      due = harm.what == Harm::kill_redis   ? Harm::restart_redis
            : harm.what == Harm::stop_redis ? Harm::continue_redis
                                            : Harm::kill_instance;
    }
    CHECK(due == Harm::kill_instance);
  }
}

TEST_CASE("a minute sees every kind of harm, and every kind of upstream") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    const ChaosPlan plan = plan_chaos(settings(seed, milliseconds(60'000)));
    std::set<Harm> seen;
    for (const PlannedHarm& harm : plan.harms) seen.insert(harm.what);
    CHECK(seen.size() == 8);
    CHECK(std::any_of(plan.upstream.begin(), plan.upstream.end(),
                      [](const UpstreamPhase& phase) { return phase.fault != "healthy"; }));
  }
}

TEST_CASE("where Sentinels watch Redis, failovers come in place of kills and stops, each with seconds to be over") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    ChaosSettings watched = settings(seed, milliseconds(60'000));
    watched.sentinel = true;
    std::set<Harm> seen;
    milliseconds failover_at{-1};  // under way
    for (const PlannedHarm& harm : plan_chaos(watched).harms) {
      seen.insert(harm.what);
      if (harm.what == Harm::kill_instance) continue;
      CHECK((harm.what == Harm::follow_master) == (failover_at >= milliseconds(0)));
      if (harm.what == Harm::follow_master) CHECK(harm.at >= failover_at + milliseconds(2000));
      const bool begins = harm.what == Harm::kill_master || harm.what == Harm::fail_over;
      failover_at = begins ? harm.at : milliseconds(-1);
    }
    CHECK(failover_at < milliseconds(0));
    CHECK(seen == std::set<Harm>{Harm::flush_keys, Harm::flush_scripts, Harm::cut_pushes, Harm::kill_instance,
                                 Harm::kill_master, Harm::fail_over, Harm::follow_master});
  }
}

TEST_CASE("many a kill comes where probes last long enough to be met") {
  int kills = 0, while_slow = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const ChaosPlan plan = plan_chaos(settings(seed, milliseconds(60'000)));
    const unreliable::FaultPlan faults(fault_plan(plan.upstream));
    for (const PlannedHarm& harm : plan.harms) {
      if (harm.what != Harm::kill_instance) continue;
      kills += 1;
      while_slow += faults.fault_at(harm.at).latency == milliseconds(700) ? 1 : 0;
    }
  }
  CHECK(while_slow * 3 > kills);  // by chance it would be a fifth
}

TEST_CASE("the upstream's phases are a fault plan that it takes, of any length, and end well") {
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

TEST_CASE("settings that make no sense are refused by name") {
  CHECK_THROWS_WITH_AS(plan_chaos(settings(1, milliseconds(9999))), "duration is 9999ms; it must be 10s to 1h",
                       std::invalid_argument);
  ChaosSettings many = settings(1);
  many.instances = 27;
  CHECK_THROWS_WITH_AS(plan_chaos(many), "instances is 27; it must be 1 to 26", std::invalid_argument);
}
