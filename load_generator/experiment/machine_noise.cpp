#include "load_generator/experiment/machine_noise.hpp"

#include <algorithm>

#include "load_generator/record/text.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr Offset most_late = milliseconds(15);
constexpr Offset longest_silence = milliseconds(250);  // the poll interval is 100 ms

std::string for_ms(Offset time) { return number_text(static_cast<double>(time / milliseconds(1))) + " ms"; }

Offset latest_send(const Run& run) {
  Offset latest{0};
  for (const Call& call : run.calls) latest = std::max(latest, call.sent_late);
  return latest;
}

Offset silence(const std::vector<Sample>& samples) {
  Offset longest{0};
  for (size_t i = 1; i < samples.size(); ++i) longest = std::max(longest, samples[i].at - samples[i - 1].at);
  return longest;
}

bool is_local_before(const std::vector<Sample>& samples, Offset until) {
  return std::any_of(samples.begin(), samples.end(),
                     [&](const Sample& sample) { return sample.local && sample.at < until; });
}

}  // namespace

std::string machine_noise(const Run& run, const Faults& faults) {
  if (const Offset late = latest_send(run); late > most_late) return "a call was sent " + for_ms(late) + " late";
  const Offset first_fault = faults.redis.empty() ? Offset::max() : Offset(faults.redis.front().at);
  for (size_t i = 0; i < run.samples.size(); ++i) {
    const std::string& name = run.targets[i].name;
    if (const Offset time = silence(run.samples[i]); time > longest_silence) {
      return name + " did not answer for " + for_ms(time);
    }
    if (is_local_before(run.samples[i], first_fault)) return name + " got no answer from Redis in time";
  }
  return "";
}

}  // namespace load
