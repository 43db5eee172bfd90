#include "redis_breaker/sync/breaker_view.hpp"

#include <algorithm>

#include "simple_breaker/circuit_breaker.hpp"

namespace cb {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

bool is_forced_open_for_good(const SharedAnswer& answer) {
  return answer.active_override.mode == Mode::forced_open && !answer.override_until;
}

// On this machine's clock.
TimePoint end_of_waiting(const SharedAnswer& answer) {
  if (answer.state == State::closed) return {};
  if (is_forced_open_for_good(answer)) return never;
  return answer.wait.count() == 0 ? TimePoint{} : steady_wall_clock() + answer.wait;
}

int64_t end_of_order(const SharedAnswer& answer) {
  if (!answer.override_until) return 0;
  return coarse_now() + std::chrono::ceil<milliseconds>(*answer.override_until - answer.now).count();
}

StayWord word_of(const SharedAnswer& answer, bool attentive) {
  return {answer.generation, answer.state, attentive, answer.active_override.mode != Mode::automatic};
}

std::unique_ptr<const Override> order_in(const SharedAnswer& answer) {
  if (answer.active_override.mode == Mode::automatic) return nullptr;
  return std::make_unique<const Override>(answer.active_override);
}

}  // namespace

bool SharedView::is_usable(uint64_t era) const {
  if (!word().is_known()) return false;  // nobody has used it yet
  const int64_t now = coarse_now();
  const int64_t look_again_at = look_again_at_.load(std::memory_order_acquire);
  if (look_again_at != 0 && now >= look_again_at) return false;
  if (is_pushed()) return true;
  return asked_era_.load(std::memory_order_acquire) == era &&
         now - asked_at_.load(std::memory_order_acquire) < longest_view_age.count();
}

std::optional<milliseconds> SharedView::age() const {
  const int64_t pushed = is_pushed() ? feed_.load()->confirmed_at.load() : 0;
  const int64_t known_at = std::max(pushed, asked_at_.load());
  if (known_at == 0) return std::nullopt;
  return milliseconds(std::max<int64_t>(0, coarse_now() - known_at));
}

SharedView::Sent SharedView::sending() const {
  const PushFeed* const feed = feed_;
  return {feed, feed->session, hints_};
}

// Of two answers about the same stay the later one counts. (By Redis's clock; after that was set back, any.)
bool SharedView::is_outdated(const SharedAnswer& answer) const {
  if (answer.generation != known_.generation) return answer.generation < known_.generation;
  return answer.now < known_.now && known_.now - answer.now < std::chrono::seconds(1);
}

bool SharedView::learn(const SharedAnswer& answer, const PushFeed& feed, const Sent& sent, uint64_t era) {
  const std::scoped_lock lock(mutex_);
  const bool same_feed = sent.feed == &feed;
  if (is_outdated(answer)) return false;
  const bool new_stay = answer.generation != known_.generation;
  known_.generation = answer.generation;
  known_.epoch = answer.epoch;
  known_.run = answer.origin.run;
  known_.now = answer.now;
  known_.failures = answer.failures;
  known_.state = answer.state;
  known_.active_override = order_in(answer);
  admits_from_ = end_of_waiting(answer);
  look_again_at_ = end_of_order(answer);
  // What was hinted at after the question was sent may not be in the answer.
  word_ = word_of(answer, answer.failures > 0 || hints_ != sent.hints);
  feed_ = &feed;
  session_ = same_feed ? sent.session : 0;
  asked_at_ = coarse_now();
  asked_era_ = era;
  return new_stay;
}

void SharedView::pay_attention() {
  const std::scoped_lock lock(mutex_);
  ++hints_;
  word_ = word().with_attention();
}

Seen SharedView::seen() const {
  const std::scoped_lock lock(mutex_);
  Seen seen{
      .generation = known_.generation, .state = known_.state, .epoch = known_.epoch, .run = known_.run, .open_for = {}};
  if (known_.state == State::open && mode() == Mode::automatic) {
    seen.open_for = std::max(microseconds(0), microseconds(admits_from() - steady_wall_clock()));
  }
  return seen;
}

Override SharedView::active_override() const {
  const std::scoped_lock lock(mutex_);
  return known_.active_override ? *known_.active_override : Override{};
}

// A half-open stay goes on as an open one: who holds its probes is not known, only until when.
Snapshot SharedView::snapshot() const {
  const std::scoped_lock lock(mutex_);
  Snapshot snapshot;
  snapshot.state = known_.state == State::closed ? State::closed : State::open;
  snapshot.generation = known_.generation;
  snapshot.counts.failures = known_.failures;
  snapshot.open_until = admits_from();
  snapshot.mode = mode();
  if (look_again_at_ != 0) snapshot.mode_until = steady_wall_clock() + milliseconds(look_again_at_ - coarse_now());
  return snapshot;
}

}  // namespace cb
