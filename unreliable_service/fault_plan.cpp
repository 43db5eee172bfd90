#include "unreliable_service/fault_plan.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "program/duration.hpp"

namespace unreliable {
namespace {

using std::chrono::milliseconds;

constexpr size_t longest_text = 1000;  // bounds the number of phases as well

template <class Number>
std::string number_text(Number number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

void require_rate(const std::string& field, double rate) {
  if (rate >= 0 && rate <= 1) return;  // false for NaN
  throw std::invalid_argument(field + " is " + number_text(rate) + "; it must be 0 to 1");
}

// One phase of a plan, word by word: "flaky 0.6 10s".
class PhaseReader {
 public:
  explicit PhaseReader(const std::string& text) {
    std::istringstream stream(text);
    for (std::string word; stream >> word;) words_.push_back(word);
    for (const auto& word : words_) quoted_ += (quoted_.empty() ? "" : " ") + word;
  }

  Fault fault() {
    const std::string kind = next().value_or("");
    if (kind == "healthy") return {};
    if (kind == "down") return {.failure_rate = 1, .down = true};
    if (kind == "flaky") return {.failure_rate = rate()};
    if (kind == "slow") return {.latency = latency()};
    if (kind == "hang") return {.hang_rate = rate()};
    if (kind == "drop") return {.drop_rate = rate()};
    refuse("it must start with healthy, down, flaky, slow, hang or drop");
  }

  std::optional<milliseconds> duration() {
    const auto word = next();
    if (!word) return std::nullopt;
    const auto length = program::parse_duration(*word);
    if (!length || *length == milliseconds(0))
      refuse("'" + *word + "' is not a duration above 0; write 250ms, 10s or 2m");
    if (const auto more = next()) refuse("'" + *more + "' follows the duration; nothing may");
    return length;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw std::invalid_argument("plan: phase '" + quoted_ + "': " + why);
  }

  const std::string& quoted() const { return quoted_; }

 private:
  std::optional<std::string> next() { return next_ < words_.size() ? std::optional(words_[next_++]) : std::nullopt; }

  double rate() {
    const std::string word = next().value_or("");
    double rate = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), rate);
    const bool whole = error == std::errc{} && rest == word.data() + word.size();
    if (!whole || !(rate >= 0 && rate <= 1)) refuse(words_[0] + " needs a rate from 0 to 1, such as 0.6");
    return rate;
  }

  milliseconds latency() {
    const auto latency = program::parse_duration(next().value_or(""));
    if (!latency || *latency > longest_latency) {
      refuse("slow needs a latency of at most " + program::to_text(longest_latency) + ", such as 800ms");
    }
    return *latency;
  }

  std::vector<std::string> words_;
  std::string quoted_;
  size_t next_ = 0;
};

void require_plain_text(const std::string& text) {
  if (text.size() > longest_text) {
    throw std::invalid_argument("plan: " + std::to_string(text.size()) + " characters are too many; use at most " +
                                std::to_string(longest_text));
  }
  const bool plain = std::all_of(text.begin(), text.end(), [](char letter) { return letter >= ' ' && letter <= '~'; });
  if (!plain) throw std::invalid_argument("plan: use only ASCII letters, digits, '.', ',' and spaces");
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t comma = text.find(','); comma != std::string::npos; comma = text.find(',', begin)) {
    parts.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

}  // namespace

void require_valid(const Fault& fault) {
  require_rate("failure_rate", fault.failure_rate);
  require_rate("hang_rate", fault.hang_rate);
  require_rate("drop_rate", fault.drop_rate);
  require_rate("hang_rate + drop_rate", fault.hang_rate + fault.drop_rate);
  if (fault.latency < milliseconds(0) || fault.latency > longest_latency) {
    throw std::invalid_argument("latency is " + program::to_text(fault.latency) + "; it must be 0ms to " +
                                program::to_text(longest_latency));
  }
}

std::string to_text(const Fault& fault) {
  if (fault.down) return "down";
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const auto add_share = [&add](double rate, const std::string& what) {
    if (rate > 0) add(number_text(rate * 100) + " % " + what);
  };
  add_share(fault.hang_rate, "hang");
  add_share(fault.drop_rate, "are dropped");
  add_share(fault.failure_rate, "fail");
  if (fault.latency > milliseconds(0)) add(program::to_text(fault.latency) + " slow");
  return text.empty() ? "healthy" : text;
}

FaultPlan::FaultPlan(const Fault& fault) : phases_{{fault, milliseconds(0)}} { require_valid(fault); }

FaultPlan::FaultPlan(const std::string& text) : text_(text) {
  require_plain_text(text);
  const std::vector<std::string> parts = split_at_commas(text);
  milliseconds end{0};
  for (size_t i = 0; i < parts.size(); ++i) {
    PhaseReader reader(parts[i]);
    const Fault fault = reader.fault();
    const auto duration = reader.duration();
    const bool last = i + 1 == parts.size();
    if (last && duration) {
      reader.refuse(
          "the last phase lasts until the end, so it has no duration; add another phase, such as ', healthy'");
    }
    if (!last && !duration)
      reader.refuse("only the last phase has no duration; add one, such as '" + reader.quoted() + " 10s'");
    end += duration.value_or(milliseconds(0));
    phases_.push_back({fault, end});
  }
}

const Fault& FaultPlan::fault_at(milliseconds elapsed) const {
  const auto last = std::prev(phases_.end());
  return std::find_if(phases_.begin(), last, [elapsed](const Phase& phase) { return elapsed < phase.end; })->fault;
}

Fate Dice::roll(const Fault& fault) {
  const double reach = unit();
  const double answer = unit();
  if (reach < fault.hang_rate) return Fate::hang;
  if (reach < fault.hang_rate + fault.drop_rate) return Fate::drop;
  return answer < fault.failure_rate ? Fate::failure : Fate::success;
}

double Dice::unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

int64_t any_seed() { return std::random_device()() % 1'000'000; }

}  // namespace unreliable
