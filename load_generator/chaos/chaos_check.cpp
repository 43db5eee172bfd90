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
constexpr int counts_begun_in_a_row = 3;  // with Redis, without it, and with it again

Offset answered_at(const Call& call) { return call.intended + call.latency; }

std::string told(const ChaosHistory& history, const Call& call) {
  return fmt::format("{}: {}, {:.0f} ms{}", history.name_of(call.target), to_text(call.status), to_ms(call.latency),
                     call.probe ? fmt::format(", probe of {}", call.generation) : "");
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
    verdict.violations.push_back({call.intended, told(history, call)});
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
    if (took > most) verdict.violations.push_back({call.intended, told(history, call)});
  }
  return verdict;
}

Verdict check_answers_in_time(const ChaosHistory& history) {
  return check_time(history, "slowest answer, ms", history.breaker.call_timeout + history.settings.slack,
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

// Failures of which each began when the one before it was known: calls that were under way together prove nothing.
struct Row {
  int failures = 0;
  Offset known_at{0};
};

Verdict check_protected(const ChaosHistory& history) {
  const int most = history.breaker.failure_threshold * counts_begun_in_a_row;
  Verdict verdict{"protected", "failures let through in a row", 0, static_cast<double>(most), {}};
  std::vector<Row> rows(history.run.targets.size());
  for (const Call& call : by_time_of_answer(history.run)) {
    Row& row = rows.at(call.target);
    if (call.status == CallStatus::success) rows.assign(rows.size(), Row());
    if (call.status == CallStatus::blocked || call.status == CallStatus::unreachable) row = Row();
    if (!failed(call) || call.intended < row.known_at) continue;
    row = {row.failures + 1, answered_at(call)};
    verdict.measured = std::max(verdict.measured, static_cast<double>(row.failures));
    if (row.failures == most + 1) verdict.violations.push_back({answered_at(call), told(history, call)});
  }
  return verdict;
}

// Whose stay it is: the fleet's, or one instance's.
struct Stay {
  bool local = false;
  size_t target = 0;
  uint64_t generation = 0;
  bool operator<(const Stay& other) const {
    return std::tie(local, target, generation) < std::tie(other.local, other.target, other.generation);
  }
};

using ProbesByStay = std::map<Stay, std::vector<const Call*>>;

ProbesByStay probes_by_stay(const Run& run) {
  std::set<std::pair<size_t, uint64_t>> of_local_breakers;
  for (const Transition& transition : run.transitions) {
    if (transition.local) of_local_breakers.emplace(transition.target, transition.generation);
  }
  ProbesByStay stays;
  for (const Call& call : run.calls) {
    if (!call.probe) continue;
    const bool local = of_local_breakers.contains({call.target, call.generation});
    stays[{local, local ? call.target : 0, call.generation}].push_back(&call);
  }
  return stays;
}

// Those that surely began while the lease of `first` held; itself included. The first one that succeeds or fails ends
// the stay, so that none of them can have ended before another one began.
size_t surely_together(const Call& first, const std::vector<const Call*>& probes, Offset lease) {
  return static_cast<size_t>(std::count_if(probes.begin(), probes.end(), [&](const Call* probe) {
    return probe == &first || (probe->intended >= first.intended && answered_at(*probe) < first.intended + lease);
  }));
}

Verdict check_probes(const ChaosHistory& history) {
  const int permitted = history.breaker.permitted_calls_in_half_open;
  Verdict verdict{"one probe", "probes at once in one stay", 0, static_cast<double>(permitted), {}};
  for (const auto& [stay, probes] : probes_by_stay(history.run)) {
    for (const Call* probe : probes) {
      const size_t together = surely_together(*probe, probes, history.breaker.probe_timeout);
      verdict.measured = std::max(verdict.measured, static_cast<double>(together));
      if (together <= static_cast<size_t>(permitted)) continue;
      verdict.violations.push_back({probe->intended, fmt::format("{} probes at once in stay {}, from {} on", together,
                                                                 stay.generation, history.name_of(probe->target))});
    }
  }
  return verdict;
}

std::string told(const ChaosHistory& history, const Transition& transition) {
  return fmt::format("{}: {} > {}, generation {}: {}", history.name_of(transition.target), to_text(transition.from),
                     to_text(transition.to), transition.generation, transition.cause);
}

Verdict check_told_once(const ChaosHistory& history) {
  Verdict verdict{"told once", "stays that began twice", 0, 0, {}};
  std::set<uint64_t> begun;
  for (const Transition& transition : history.run.transitions) {
    if (transition.local || begun.insert(transition.generation).second) continue;
    verdict.violations.push_back({transition.at, told(history, transition)});
  }
  verdict.measured = static_cast<double>(verdict.violations.size());
  return verdict;
}

// Of one instance's transitions, in order of time: those of the fleet's breaker, or those of its own.
Verdict check_order(const ChaosHistory& history) {
  Verdict verdict{"in order", "stays told of in the wrong order", 0, 0, {}};
  std::map<std::pair<size_t, bool>, const Transition*> last;
  for (const Transition& transition : history.run.transitions) {
    const Transition*& before = last[{transition.target, transition.local}];
    if (before != nullptr && transition.generation <= before->generation) {
      verdict.violations.push_back({transition.at, told(history, transition)});
    }
    if (before == nullptr || transition.generation > before->generation) before = &transition;
  }
  verdict.measured = static_cast<double>(verdict.violations.size());
  return verdict;
}

Verdict check_explained(const ChaosHistory& history) {
  Verdict verdict{"explained", "calls that nobody can explain", 0, 0, {}};
  const auto accounts = reconcile(history.run);
  if (!accounts) verdict.violations.push_back({history.run.length, "the upstream's ledger could not be read"});
  for (const Account& account : accounts.value_or(std::vector<Account>())) {
    verdict.measured += static_cast<double>(account.unexplained());
    if (account.unexplained() == 0) continue;
    verdict.violations.push_back(
        {history.run.length, fmt::format("{}: told {}, without an answer {}, received {}", account.caller, account.told,
                                         account.uncertain, account.received)});
  }
  return verdict;
}

bool is_well(const Sample& sample) { return sample.state == State::closed && !sample.local; }

// A time in which an instance was not closed, or not sharing, after all was well.
struct IllStay {
  Offset from{0};
  Offset length{0};
};

IllStay longest_ill_stay(const ChaosHistory& history, size_t target) {
  const std::vector<Sample>& samples = history.run.samples.at(target);
  IllStay longest;
  IllStay stay{history.well_at, Offset(0)};
  for (size_t i = 0; i < samples.size(); ++i) {
    const Offset until = i + 1 < samples.size() ? samples[i + 1].at : std::max(history.run.length, samples[i].at);
    if (is_well(samples[i])) stay.from = until;
    stay.from = std::max(stay.from, history.well_at);
    stay.length = std::max(until - stay.from, Offset(0));
    if (stay.length > longest.length) longest = stay;
  }
  return samples.empty() ? IllStay{history.well_at, history.run.length - history.well_at} : longest;
}

std::string seen_in(const IllStay& stay, const std::vector<Sample>& samples) {
  const auto after = std::find_if(samples.begin(), samples.end(), [&](const Sample& s) { return s.at > stay.from; });
  if (after == samples.begin()) return "never heard of";
  const Sample& sample = *std::prev(after);
  return std::string(to_text(sample.state)) + (sample.local ? ", by a breaker of its own" : "");
}

Verdict check_recovered(const ChaosHistory& history) {
  const auto most = time_to_recover(history.settings, history.breaker);
  Verdict verdict{"recovered", "not closed or not sharing for, ms", 0, static_cast<double>(most.count()), {}};
  for (size_t target = 0; target < history.run.targets.size(); ++target) {
    const IllStay stay = longest_ill_stay(history, target);
    verdict.measured = std::max(verdict.measured, to_ms(stay.length));
    if (stay.length <= most) continue;
    verdict.violations.push_back(
        {stay.from + most, history.name_of(target) + ": still " + seen_in(stay, history.run.samples[target])});
  }
  return verdict;
}

}  // namespace

std::chrono::milliseconds time_to_recover(const ChaosSettings& settings, const ChaosBreaker& breaker) {
  return breaker.recovery_timeout + breaker.probe_timeout + time_to_rejoin + settings.slack;
}

std::vector<Verdict> check(const ChaosHistory& history) {
  return {check_answered(history),  check_answers_in_time(history), check_rejections_in_time(history),
          check_protected(history), check_probes(history),          check_told_once(history),
          check_order(history),     check_explained(history),       check_recovered(history)};
}

bool all_held(const std::vector<Verdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(), [](const Verdict& each) { return each.violations.empty(); });
}

}  // namespace load
