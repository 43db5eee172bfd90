#include "load_generator/chaos/chaos_run.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "load_generator/chaos/chaos_redis.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "load_generator/fleet/settled_ledger.hpp"
#include "load_generator/load/engine.hpp"
#include "program/duration.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds status_every{50};
constexpr milliseconds spare_time{5000};  // an instance that takes this much longer than its deadline is unreachable
constexpr milliseconds watched_after_recovery{1000};

Scenario fleet_of(const ChaosSettings& settings, const ChaosBreaker& breaker) {
  Scenario scenario;
  scenario.file = "chaos";
  scenario.instances = settings.instances;
  scenario.upstream_seed = static_cast<int64_t>(settings.seed);
  scenario.call_timeout = breaker.call_timeout;
  return scenario;
}

Variant stage_of(const ChaosSettings& settings, const ChaosBreaker& breaker) {
  Variant variant;
  variant.name = "redis";
  variant.stage = Stage::redis;
  variant.watched_by_sentinels = settings.sentinel;
  variant.breaker = {{"failure_threshold", std::to_string(breaker.failure_threshold)},
                     {"permitted_calls_in_half_open", std::to_string(breaker.permitted_calls_in_half_open)},
                     {"recovery_timeout", program::to_text(breaker.recovery_timeout)},
                     {"probe_timeout", program::to_text(breaker.probe_timeout)}};
  variant.instance = {{"log_format", "json"}};
  return variant;
}

EngineSettings load_of(const ChaosHistory& history) {
  EngineSettings load;
  load.load.rate = history.settings.rate;
  load.load.duration =
      history.settings.duration + time_to_recover(history.settings, history.breaker) + watched_after_recovery;
  load.load.arrivals = Arrivals::poisson;
  load.load.spread = Spread::random;
  load.load.seed = history.settings.seed;
  load.request_timeout = history.breaker.call_timeout + spare_time;
  load.poll_every = status_every;
  return load;
}

std::string headline(const ChaosSettings& settings) {
  return fmt::format("chaos, seed {}: {} instances, {} calls a second, {} of faults, then calm\n", settings.seed,
                     settings.instances, settings.rate, program::to_text(settings.duration));
}

Offset since_1970() { return std::chrono::duration_cast<Offset>(std::chrono::system_clock::now().time_since_epoch()); }

class ChaosRun final : public RunObserver {
 public:
  ChaosRun(const ChaosSettings& settings, std::ostream& out)
      : plan_(plan_chaos(settings)), fleet_(fleet_of(settings, breaker_), stage_of(settings, breaker_)), out_(out) {
    history_.settings = settings;
    history_.breaker = breaker_;
    history_.healthy_from = settings.duration;
  }

  ChaosHistory run(const program::StopSignal& stop) {
    out_ << headline(history_.settings) << std::flush;
    EngineSettings settings = load_of(history_);
    settings.actions = actions();
    history_.run = run_load(fleet_.targets(), settings, stop, *this);
    if (!history_.run.interrupted) collect_results(stop);
    return std::move(history_);
  }

 private:
  struct Killed {
    Absence absence;
    Offset launch_at{0};
    bool launched = false;
    bool listens = false;
  };

  Offset now() const { return std::chrono::duration_cast<Offset>(std::chrono::steady_clock::now() - started_); }

  void load_starts() override {
    put_plan(fleet_.upstream(), fault_plan(plan_.upstream));
    started_ = std::chrono::steady_clock::now();
    started_since_1970_ = since_1970();
  }

  void tick(Offset /*now*/) override {
    update_killed_instances();
    update_redis();
  }

  void status_polled(size_t target, const std::optional<InstanceStatus>& status, Offset /*now*/) override {
    if (!status) return;
    if (pending_kill_ && status->probes_in_flight > 0 && !is_down(target)) kill(target, " while it holds a probe");
    update_killed_instances();
  }

  std::vector<TimedAction> actions() {
    std::vector<TimedAction> actions;
    for (const UpstreamPhase& phase : plan_.upstream) {
      actions.push_back({phase.at, [this, phase] { note("upstream: " + phase.fault); }});
    }
    for (const PlannedChaosFault& fault : plan_.faults) {
      actions.push_back({fault.at, [this, fault] { inject(fault); }});
    }
    std::stable_sort(actions.begin(), actions.end(),
                     [](const TimedAction& a, const TimedAction& b) { return a.at < b.at; });
    return actions;
  }

  void note(const std::string& what) {
    history_.events.push_back({now(), what});
    out_ << fmt::format("{:>7.2f} s  {}\n", to_ms(now()) / 1000, what) << std::flush;
  }

  void inject(const PlannedChaosFault& fault) {
    if (fault.what == ChaosFault::kill_instance) {
      pending_kill_ = fault;
      return;
    }
    try {
      note(std::string(to_text(fault.what)) + redis_.inject(fault.what));
    } catch (const std::runtime_error& error) {  // a Redis that has just started may not listen yet
      note(std::string(to_text(fault.what)) + ": " + error.what());
    }
  }

  void update_redis() try {
    if (redis_.follow_another_master()) note("redis: another master, and the old one becomes its replica");
  } catch (const std::runtime_error& error) {
    note(std::string("redis: the old master does not become a replica: ") + error.what());
  }

  void update_killed_instances() {
    if (pending_kill_ && now() > pending_kill_->at + time_to_find_a_prober) kill(pending_kill_->target, "");
    for (Killed& killed : killed_) {
      const size_t target = killed.absence.target;
      if (!killed.launched && now() >= killed.launch_at) {
        fleet_.launch(target);
        killed.launched = true;
        note(fleet_.targets()[target].name + ": restarted");
      } else if (killed.launched && fleet_.listens(target)) {
        killed.absence.until = now();
        history_.absences.push_back(killed.absence);
        killed.listens = true;
      }
    }
    std::erase_if(killed_, [](const Killed& killed) { return killed.listens; });
  }

  bool is_down(size_t target) const {
    return std::any_of(killed_.begin(), killed_.end(),
                       [&](const Killed& killed) { return killed.absence.target == target; });
  }

  void kill(size_t target, const std::string& how) {
    const milliseconds down_for = pending_kill_->down_for;
    pending_kill_.reset();
    if (is_down(target)) return;
    killed_.push_back({{target, now(), Offset(0)}, now() + down_for});
    fleet_.kill(target);
    note(fleet_.targets()[target].name + ": killed" + how);
  }

  void collect_results(const program::StopSignal& stop) {
    redis_.require_healthy();
    history_.run.ledger = settled_ledger(fleet_.upstream(), stop);
    for (Killed& killed : killed_) {
      killed.absence.until = history_.run.length;
      history_.absences.push_back(killed.absence);
    }
    for (size_t target = 0; target < fleet_.targets().size(); ++target) {
      const std::vector<LogLine> lines = read_log(fleet_.output(target), target, started_since_1970_);
      history_.log.insert(history_.log.end(), lines.begin(), lines.end());
    }
    std::stable_sort(history_.log.begin(), history_.log.end(),
                     [](const LogLine& a, const LogLine& b) { return a.at < b.at; });
  }

  const ChaosBreaker breaker_;
  const ChaosPlan plan_;
  Fleet fleet_;
  ChaosRedis redis_{fleet_};
  std::ostream& out_;
  ChaosHistory history_;
  std::chrono::steady_clock::time_point started_;
  Offset started_since_1970_{0};
  std::optional<PlannedChaosFault> pending_kill_;  // waits for an instance that holds a probe
  std::vector<Killed> killed_;                     // instances that do not listen yet
};

// "2026-01-31T12:34:56.789Z"; nothing for another text.
std::optional<Offset> utc(const std::string& text) {
  std::tm parts{};
  int ms = 0;
  if (sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
             &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &ms) != 7) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return std::chrono::seconds(timegm(&parts)) + milliseconds(ms);
}

}  // namespace

ChaosHistory run_chaos(const ChaosSettings& settings, const program::StopSignal& stop, std::ostream& out) {
  return ChaosRun(settings, out).run(stop);
}

std::vector<LogLine> read_log(const std::string& text, size_t target, Offset started) {
  constexpr size_t longest_message = 300;
  std::vector<LogLine> lines;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("at") || !json.contains("message")) continue;
    if (!json["at"].is_string() || !json["message"].is_string()) continue;
    const auto at = utc(json["at"]);
    if (at) lines.push_back({*at - started, target, printable(json["message"], longest_message)});
  }
  return lines;
}

}  // namespace load
