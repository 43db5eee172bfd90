#include "redis_breaker/sync/store_gate.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <variant>

namespace cb {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds shortest_break{250};
constexpr milliseconds longest_break{2000};
constexpr auto stable_after = 10s;  // an outage sooner after the last one continues its breaks

std::string in_seconds(std::chrono::microseconds time) {
  std::string text(32, '\0');
  text.resize(static_cast<size_t>(
      std::snprintf(text.data(), text.size(), "%.1f s", std::chrono::duration<double>(time).count())));
  return text;
}

milliseconds longer(milliseconds pause) { return std::clamp(2 * pause, shortest_break, longest_break); }

}  // namespace

StoreGate::StoreGate(const StoreName& name, std::shared_ptr<SharedListener> listener, Clock clock, uint32_t seed)
    : title_(name.title),
      notices_(std::move(listener), {name.id}),
      clock_(std::move(clock)),
      losses_(name.title),
      random_(seed) {}

std::string StoreGate::error() const {
  const std::scoped_lock lock(mutex_);
  return is_available() ? "" : error_;
}

std::string StoreGate::lost_by() const {
  const std::scoped_lock lock(mutex_);
  return lost_by_;
}

StoreResult StoreGate::apply(StateStore& store, const std::string& breaker, const LastKnown& known,
                             const std::vector<Event>& events, Writes writes) {
  const uint64_t period = this->period();
  const bool is_attempt = writes == Writes::always;
  if (!is_attempt && period % 2 == 0) return StoreTrouble{error()};
  return judge(breaker, period, writes, store.apply(breaker, known, events, writes));
}

StoreResult StoreGate::judge(const std::string& breaker, uint64_t asked_in, Writes writes, StoreResult result) {
  result = losses_.judge(breaker, std::move(result), clock_());
  if (const auto* answer = std::get_if<Answer>(&result)) report_oddities(breaker, *answer);
  const auto* trouble = std::get_if<StoreTrouble>(&result);
  if (trouble != nullptr && writes != Writes::always) lose(asked_in, breaker, trouble->what);
  return result;
}

void StoreGate::report_oddities(const std::string& breaker, const Answer& answer) {
  if (answer.forgotten) {
    const std::string line = losses_.line_about(breaker, clock_());
    if (!line.empty()) report_problem(line);
  }
  if (!settings_watch_.is_news(answer.other_settings, clock_())) return;
  report_problem("settings differ: another instance uses the breaker " + breaker +
                 " with other settings; compare GET /status of the instances");
}

// A request that began in an earlier period says nothing about this one.
void StoreGate::lose(uint64_t period, const std::string& breaker, const std::string& error) {
  std::unique_lock lock(mutex_);
  if (period_ != period) return;
  const TimePoint now = clock_();
  const bool soon = now - std::exchange(changed_at_, now) < stable_after;
  break_ = soon ? longer(break_) : 0ms;
  error_ = error;
  lost_by_ = breaker;
  is_reported_ = false;
  wait_before_next_attempt();
  ++period_;
  lock.unlock();
  when_changed_();
}

milliseconds StoreGate::try_to_reconnect(const std::function<StoreResult()>& attempt) {
  if (const auto wait = left(); wait > 0ms) {
    report_outage();
    return wait;
  }
  if (is_available()) return 0ms;
  attempted(attempt());
  return left();
}

void StoreGate::attempted(const StoreResult& result) {
  const auto* trouble = std::get_if<StoreTrouble>(&result);
  if (trouble == nullptr) return recover();
  fail_again(trouble->what);
  report_outage();
}

milliseconds StoreGate::left() const {
  const std::scoped_lock lock(mutex_);
  return is_available() ? 0ms : std::max(0ms, std::chrono::ceil<milliseconds>(attempt_at_ - clock_()));
}

void StoreGate::fail_again(const std::string& error) {
  const std::scoped_lock lock(mutex_);
  error_ = error;
  break_ = longer(break_);
  wait_before_next_attempt();
}

void StoreGate::wait_before_next_attempt() {
  const double unit = static_cast<double>(random_()) / std::minstd_rand::max();
  attempt_at_ = clock_() + std::chrono::ceil<milliseconds>(break_ * (0.5 + unit / 2));
}

void StoreGate::recover() {
  std::unique_lock lock(mutex_);
  const TimePoint now = clock_();
  const auto outage = now - std::exchange(changed_at_, now);
  const bool was_reported = is_reported_;
  recovered_at_ = now;
  ++period_;
  lock.unlock();
  when_changed_();
  if (!was_reported) return;  // it was one late answer
  notices_.add(NoticeKind::store_joined, {},
               title_ + " has recovered: using the shared breaker again after " + in_seconds(outage), now);
}

// Once an outage, unless the first attempt ends it at once.
void StoreGate::report_outage() {
  std::unique_lock lock(mutex_);
  if (std::exchange(is_reported_, true)) return;
  const std::string error = error_;
  lock.unlock();
  report_problem(error + "; using a local breaker until " + title_ + " recovers");
}

void StoreGate::report_problem(const std::string& what) const {
  notices_.add(NoticeKind::store_trouble, {}, what, steady_wall_clock());
}

}  // namespace cb
