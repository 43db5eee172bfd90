#include "load_generator/scenario/faults.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/record/run_record.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr int64_t an_hour_in_ms = 3'600'000;
constexpr Between<int64_t> fault_times_ms{0, an_hour_in_ms};
constexpr size_t most_faults = 20;
constexpr size_t longest_instance = 400;

struct Word {
  std::string_view in_files;
  std::string_view for_people;
};
constexpr std::array<Word, 7> words{{{"kill", "killed"},
                                     {"restart", "restarted, empty"},
                                     {"stop", "stopped"},
                                     {"continue", "continued"},
                                     {"flush", "flushed"},
                                     {"kill_master", "master killed"},
                                     {"fail_over", "planned failover"}}};  // by RedisFault

enum class Redis { runs, stopped, dead };

Redis after(RedisFault fault) {
  if (fault == RedisFault::kill) return Redis::dead;
  return fault == RedisFault::stop ? Redis::stopped : Redis::runs;
}

Redis after(const std::vector<PlannedRedisFault>& faults) {
  return faults.empty() ? Redis::runs : after(faults.back().what);
}

bool is_failover(RedisFault fault) { return fault == RedisFault::kill_master || fault == RedisFault::fail_over; }

void require_possible(const StrictObject& entry, RedisFault fault, Redis redis) {
  const bool needs_it_running = fault == RedisFault::flush || fault == RedisFault::stop;
  if (needs_it_running && redis != Redis::runs) entry.complain("redis", "for a Redis that is running then");
  if (fault == RedisFault::resume && redis != Redis::stopped) entry.complain("redis", "for a Redis that is stopped");
}

std::vector<std::string> names_of(std::string_view Word::*kind) {
  std::vector<std::string> names;
  for (const Word& word : words) names.emplace_back(word.*kind);
  return names;
}

RedisFault read_redis_fault(StrictObject& entry) {
  const std::vector<std::string> names = names_of(&Word::in_files);
  const std::string name = entry.one_of("redis", names);
  return static_cast<RedisFault>(std::find(names.begin(), names.end(), name) - names.begin());
}

// A fault that is due when the load is over would not be injected.
milliseconds read_time(StrictObject& entry, const std::string& field, Between<int64_t> range,
                       const FaultLimits& limits) {
  const milliseconds at(entry.integer(field, range));
  if (at < limits.duration) return at;
  entry.complain(field, "before the load ends, at " + std::to_string(limits.duration.count()) + " ms");
}

void read_redis(StrictObject& entry, const FaultLimits& limits, std::vector<PlannedRedisFault>& faults) {
  const milliseconds at = read_time(entry, "at_ms", fault_times_ms, limits);
  const RedisFault what = read_redis_fault(entry);
  if (!faults.empty() && at < faults.back().at) entry.complain("at_ms", "at or after that of the previous fault");
  const bool fails_over = is_failover(what) || need_sentinels(faults);
  if (fails_over && !faults.empty()) entry.complain("redis", "the only fault of Redis, if one is a failover");
  require_possible(entry, what, after(faults));
  faults.push_back({at, what});
}

size_t read_instance(StrictObject& entry, const std::string& field, size_t instances) {
  std::vector<std::string> names;
  for (size_t index = 0; index < instances; ++index) names.push_back(instance_name(index));
  const std::string name = entry.one_of(field, names);
  return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

void read_fault(StrictObject& entry, const FaultLimits& limits, Faults& faults) {
  if (entry.has("redis")) {
    read_redis(entry, limits, faults.redis);
  } else if (entry.has("unreachable_upstream")) {
    faults.cut_off = read_instance(entry, "unreachable_upstream", limits.instances);
  } else {
    faults.kill_prober_after = read_time(entry, "kill_prober_after_ms", {1, an_hour_in_ms}, limits);
  }
  entry.done();
}

json fault_in(StrictObject& entry) {
  json fault;
  if (entry.has("cut_off")) {
    fault["cut_off"] = without_unseen_marks(entry.text("cut_off", longest_instance));
  } else if (entry.has("redis")) {
    fault["at_ms"] = entry.integer("at_ms", fault_times_ms);
    fault["redis"] = entry.one_of("redis", names_of(&Word::for_people));
  } else {
    fault["kill_prober_after_ms"] = entry.integer("kill_prober_after_ms", fault_times_ms);
  }
  entry.done();
  return fault;
}

}  // namespace

std::string_view to_text(RedisFault fault) { return words.at(static_cast<size_t>(fault)).for_people; }

bool need_sentinels(const std::vector<PlannedRedisFault>& faults) {
  return std::any_of(faults.begin(), faults.end(), [](const auto& fault) { return is_failover(fault.what); });
}

Faults read_faults(StrictObject& document, const FaultLimits& limits) {
  Faults faults;
  for (StrictObject& entry : document.list("faults", most_faults)) read_fault(entry, limits, faults);
  return faults;
}

json to_json(const Faults& faults) {
  json entries = json::array();
  if (faults.cut_off) entries.push_back({{"cut_off", instance_name(*faults.cut_off)}});
  if (faults.kill_prober_after) entries.push_back({{"kill_prober_after_ms", faults.kill_prober_after->count()}});
  for (const PlannedRedisFault& fault : faults.redis) {
    entries.push_back({{"at_ms", fault.at.count()}, {"redis", to_text(fault.what)}});
  }
  return entries;
}

json faults_in(StrictObject& file) {
  json entries = json::array();
  for (StrictObject& entry : file.list("faults", most_faults)) entries.push_back(fault_in(entry));
  return entries;
}

}  // namespace load
