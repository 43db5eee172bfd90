#include "load_generator/chaos/chaos_check.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "load_generator/record/reconciliation.hpp"

namespace load {
namespace {

constexpr std::chrono::milliseconds time_to_rejoin{2000};
constexpr int counts_in_a_row = 3;  // with Redis, without it, and with it again

Offset answered_at(const Call& call) { return call.intended + call.latency; }

std::string described(const ChaosHistory& history, const Call& call) {
  return fmt::format("{}: {}, {:.0f} ms{}{}", history.name_of(call.target), to_text(call.status), to_ms(call.latency),
                     call.probe ? fmt::format(", probe of {}", call.generation) : "",
                     call.error.empty() ? "" : ", " + call.error);
}

bool was_down(const ChaosHistory& history, const Call& call) {
  return std::any_of(history.absences.begin(), history.absences.end(), [&](const Absence& absence) {
    return absence.target == call.target && call.intended <= absence.until && answered_at(call) >= absence.from;
  });
}

Verdict check_answered(const ChaosHistory& history) {
  Verdict verdict{"answered", "calls without an answer", 0, 0, {}};
  for (const Call& call : history.run.calls) {
    if (call.status != CallStatus::unreachable || was_down(history, call)) continue;
    verdict.violations.push_back({call.intended, described(history, call)});
  }
  verdict.measured = static_cast<double>(verdict.violations.size());
  return verdict;
}

template <typename Predicate>
Verdict check_time(const ChaosHistory& history, const std::string& what, std::chrono::milliseconds most,
                   Predicate concerns) {
  Verdict verdict{"in time", what, 0, static_cast<double>(most.count()), {}};
  for (const Call& call : history.run.calls) {
    if (!concerns(call.status)) continue;
    const Offset took = call.latency - call.sent_late;
    verdict.measured = std::max(verdict.measured, to_ms(took));
    if (took > most) verdict.violations.push_back({call.intended, described(history, call)});
  }
  return verdict;
}

Verdict check_answers_in_time(const ChaosHistory& history) {
  const ChaosBreaker& breaker = history.breaker;
  const auto most = breaker.call_timeout + breaker.longest_wait_for_redis + history.settings.slack;
  return check_time(history, "slowest answer, ms", most,
                    [](CallStatus status) { return status != CallStatus::unreachable; });
}

Verdict check_rejections_in_time(const ChaosHistory& history) {
  return check_time(history, "slowest rejection, ms", history.settings.slack,
                    [](CallStatus status) { return status == CallStatus::blocked; });
}

bool failed(const Call& call) {
  return (call.status == CallStatus::failure || call.status == CallStatus::exception) && !call.probe && !call.late;
}

std::vector<Call> by_time_of_answer(const Run& run) {
  std::vector<Call> calls = run.calls;
  std::stable_sort(calls.begin(), calls.end(),
                   [](const Call& a, const Call& b) { return answered_at(a) < answered_at(b); });
  return calls;
}

// Failures that each started when the one before it was known: calls in flight together prove nothing.
struct Row {
  int failures = 0;
  Offset known_at{0};
};

Verdict check_protected(const ChaosHistory& history) {
  const int most = history.breaker.failure_threshold * counts_in_a_row;
  Verdict verdict{"protected", "failures let through in a row", 0, static_cast<double>(most), {}};
  std::vector<Row> rows(history.run.targets.size());
  for (const Call& call : by_time_of_answer(history.run)) {
    Row& row = rows.at(call.target);
    if (call.status == CallStatus::success) rows.assign(rows.size(), Row());
    if (call.status == CallStatus::blocked || call.status == CallStatus::unreachable) row = Row();
    if (!failed(call) || call.intended < row.known_at) continue;
    row = {row.failures + 1, answered_at(call)};
    verdict.measured = std::max(verdict.measured, static_cast<double>(row.failures));
    if (row.failures == most + 1) verdict.violations.push_back({answered_at(call), described(history, call)});
  }
  return verdict;
}

// A generation of the shared breaker, or of one instance's local breaker.
struct GenerationId {
  bool local = false;
  size_t target = 0;
  uint64_t generation = 0;
  bool operator<(const GenerationId& other) const {
    return std::tie(local, target, generation) < std::tie(other.local, other.target, other.generation);
  }
};

using ProbesByGeneration = std::map<GenerationId, std::vector<const Call*>>;

// A local breaker counts on from the generation that it knew of, so when its instance shares again, the shared breaker
// may have the same number: then the transition next to the answer decides.
ProbesByGeneration probes_by_generation(const Run& run) {
  std::map<std::pair<size_t, uint64_t>, std::vector<const Transition*>> transitions;
  for (const Transition& each : run.transitions) transitions[{each.target, each.generation}].push_back(&each);
  ProbesByGeneration probes;
  for (const Call& call : run.calls) {
    if (!call.probe) continue;
    const auto& of_number = transitions[{call.target, call.generation}];
    const auto distance = [&call](const Transition* each) { return std::chrono::abs(each->at - answered_at(call)); };
    const auto next = std::min_element(of_number.begin(), of_number.end(),
                                       [&](const auto* a, const auto* b) { return distance(a) < distance(b); });
    const bool local = next != of_number.end() && (*next)->local;
    probes[{local, local ? call.target : 0, call.generation}].push_back(&call);
  }
  return probes;
}

// Those that certainly started while the lease of `first` was held; itself included. The first probe that succeeds or
// fails ends the generation, so none of them can have ended before another one started.
size_t surely_together(const Call& first, const std::vector<const Call*>& probes, Offset lease) {
  return static_cast<size_t>(std::count_if(probes.begin(), probes.end(), [&](const Call* probe) {
    return probe == &first || (probe->intended >= first.intended && answered_at(*probe) < first.intended + lease);
  }));
}

Verdict check_probes(const ChaosHistory& history) {
  const int permitted = history.breaker.permitted_calls_in_half_open;
  Verdict verdict{"one probe", "probes at once in one generation", 0, static_cast<double>(permitted), {}};
  for (const auto& [id, probes] : probes_by_generation(history.run)) {
    for (const Call* probe : probes) {
      const size_t together = surely_together(*probe, probes, history.breaker.probe_timeout);
      verdict.measured = std::max(verdict.measured, static_cast<double>(together));
      if (together <= static_cast<size_t>(permitted)) continue;
      verdict.violations.push_back(
          {probe->intended, fmt::format("{} probes at once in generation {}, from {} on", together, id.generation,
                                        history.name_of(probe->target))});
    }
  }
  return verdict;
}

std::string described(const ChaosHistory& history, const Transition& transition) {
  return fmt::format("{}: {} > {}, generation {}: {}", history.name_of(transition.target), to_text(transition.from),
                     to_text(transition.to), transition.generation, transition.cause);
}

Verdict check_unique(const ChaosHistory& history) {
  Verdict verdict{"unique", "generations that started twice", 0, 0, {}};
  std::set<uint64_t> started;
  for (const Transition& transition : history.run.transitions) {
    if (transition.local || started.insert(transition.generation).second) continue;
    verdict.violations.push_back({transition.at, described(history, transition)});
  }
  verdict.measured = static_cast<double>(verdict.violations.size());
  return verdict;
}

// For each instance and breaker, shared or local, by time.
Verdict check_order(const ChaosHistory& history) {
  Verdict verdict{"in order", "generations out of order", 0, 0, {}};
  std::map<std::pair<size_t, bool>, const Transition*> last;
  for (const Transition& transition : history.run.transitions) {
    const Transition*& before = last[{transition.target, transition.local}];
    if (before != nullptr && transition.generation <= before->generation) {
      verdict.violations.push_back({transition.at, described(history, transition)});
    }
    if (before == nullptr || transition.generation > before->generation) before = &transition;
  }
  verdict.measured = static_cast<double>(verdict.violations.size());
  return verdict;
}

Verdict check_explained(const ChaosHistory& history) {
  Verdict verdict{"explained", "unexplained calls", 0, 0, {}};
  const auto accounts = reconcile(history.run);
  if (!accounts) verdict.violations.push_back({history.run.length, "the upstream's ledger could not be read"});
  for (const Account& account : accounts.value_or(std::vector<Account>())) {
    verdict.measured += static_cast<double>(account.unexplained());
    if (account.unexplained() == 0) continue;
    verdict.violations.push_back(
        {history.run.length, fmt::format("{}: reported {}, uncertain {}, received {}", account.caller, account.reported,
                                         account.uncertain, account.received)});
  }
  return verdict;
}

bool is_healthy(const Sample& sample) { return sample.state == State::closed && !sample.local; }

// A period after the last fault in which an instance was not closed, or not sharing.
struct UnhealthyPeriod {
  Offset from{0};
  Offset length{0};
};

UnhealthyPeriod longest_unhealthy_period(const ChaosHistory& history, size_t target) {
  const std::vector<Sample>& samples = history.run.samples.at(target);
  UnhealthyPeriod longest;
  UnhealthyPeriod period{history.healthy_from, Offset(0)};
  for (size_t i = 0; i < samples.size(); ++i) {
    const Offset until = i + 1 < samples.size() ? samples[i + 1].at : std::max(history.run.length, samples[i].at);
    if (is_healthy(samples[i])) period.from = until;
    period.from = std::max(period.from, history.healthy_from);
    period.length = std::max(until - period.from, Offset(0));
    if (period.length > longest.length) longest = period;
  }
  return samples.empty() ? UnhealthyPeriod{history.healthy_from, history.run.length - history.healthy_from} : longest;
}

std::string state_in(const UnhealthyPeriod& period, const std::vector<Sample>& samples) {
  const auto after = std::find_if(samples.begin(), samples.end(), [&](const Sample& s) { return s.at > period.from; });
  if (after == samples.begin()) return "never polled";
  const Sample& sample = *std::prev(after);
  return std::string(to_text(sample.state)) + (sample.local ? ", on its local breaker" : "");
}

Verdict check_recovered(const ChaosHistory& history) {
  const auto most = time_to_recover(history.settings, history.breaker);
  Verdict verdict{"recovered", "not closed or not sharing for, ms", 0, static_cast<double>(most.count()), {}};
  for (size_t target = 0; target < history.run.targets.size(); ++target) {
    const UnhealthyPeriod period = longest_unhealthy_period(history, target);
    verdict.measured = std::max(verdict.measured, to_ms(period.length));
    if (period.length <= most) continue;
    verdict.violations.push_back(
        {period.from + most, history.name_of(target) + ": still " + state_in(period, history.run.samples[target])});
  }
  return verdict;
}

}  // namespace

std::chrono::milliseconds time_to_recover(const ChaosSettings& settings, const ChaosBreaker& breaker) {
  const auto probe_without_answer = breaker.probe_timeout + breaker.recovery_timeout;
  return breaker.recovery_timeout + probe_without_answer + time_to_rejoin + settings.slack;
}

std::vector<Verdict> check(const ChaosHistory& history) {
  return {check_answered(history),  check_answers_in_time(history), check_rejections_in_time(history),
          check_protected(history), check_probes(history),          check_unique(history),
          check_order(history),     check_explained(history),       check_recovered(history)};
}

bool all_held(const std::vector<Verdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(), [](const Verdict& each) { return each.violations.empty(); });
}

}  // namespace load
