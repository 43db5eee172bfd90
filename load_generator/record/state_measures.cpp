#include "load_generator/record/state_measures.hpp"

#include <algorithm>
#include <optional>

#include "load_generator/record/disagreement.hpp"

namespace load {
namespace {

template <typename Predicate>
Offset longest_period(const std::vector<Sample>& samples, Offset end, Predicate predicate) {
  Offset longest{0};
  Offset period{0};
  for (size_t i = 0; i < samples.size(); ++i) {
    const Offset until = i + 1 < samples.size() ? samples[i + 1].at : std::max(end, samples[i].at);
    period = predicate(samples[i]) ? period + (until - samples[i].at) : Offset(0);
    longest = std::max(longest, period);
  }
  return longest;
}

Offset last_poll(const Run& run) {
  Offset last = run.length;
  for (const auto& samples : run.samples) {
    if (!samples.empty()) last = std::max(last, samples.back().at);
  }
  return last;
}

bool is_half_open(const Sample& sample) { return sample.state == State::half_open; }
bool is_local(const Sample& sample) { return sample.local; }

template <typename Predicate>
double longest_ms(const std::vector<std::vector<Sample>>& lanes, Offset end, Predicate predicate) {
  Offset longest{0};
  for (const auto& lane : lanes) longest = std::max(longest, longest_period(lane, end, predicate));
  return to_ms(longest);
}

// When a poll first showed the instance sharing again, for good; nothing: none did.
std::optional<Offset> last_return(const std::vector<Sample>& samples) {
  const auto last_local = std::find_if(samples.rbegin(), samples.rend(), is_local);
  if (last_local == samples.rend()) return Offset(0);
  const auto answers = [](const Sample& sample) { return sample.state != State::unknown; };
  const auto back = std::find_if(last_local.base(), samples.end(), answers);
  return back == samples.end() ? std::nullopt : std::optional(back->at);
}

std::optional<Offset> rejoined(const Run& run) {
  if (!run.redis_back_at) return std::nullopt;
  Offset last = *run.redis_back_at;
  for (const auto& samples : run.samples) {
    const auto back = last_return(samples);
    if (!back) return std::nullopt;
    last = std::max(last, *back);
  }
  return last - *run.redis_back_at;
}

bool is_closed(const Sample& sample) { return sample.state == State::closed; }

template <typename Predicate>
double instances_at_end(const Run& run, Predicate predicate) {
  return static_cast<double>(std::count_if(run.samples.begin(), run.samples.end(), [&](const auto& samples) {
    return !samples.empty() && predicate(samples.back());
  }));
}

}  // namespace

void measure_states(const Run& run, const Timeline& timeline, Measures& measures) {
  const Offset end = last_poll(run);
  measures["longest_half_open_ms"] = longest_ms(timeline.lanes, end, is_half_open);
  measures["disagreement_ms"] = to_ms(disagreement_in(timeline.lanes).total(end));
  measures["local_ms"] = longest_ms(run.samples, end, is_local);
  if (const auto time = rejoined(run)) measures["rejoined_ms"] = to_ms(*time);
  measures["closed_at_end"] = instances_at_end(run, is_closed);
  measures["local_at_end"] = instances_at_end(run, is_local);
}

}  // namespace load
