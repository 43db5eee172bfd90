#include "redis_breaker/cached_core.hpp"

#include <algorithm>
#include <utility>

namespace cb {
namespace {

using std::chrono::microseconds;

// A deletion that follows an eviction within this time looks like one.
constexpr std::chrono::milliseconds between_counts{5000};

// Redis announces the keys that a script wrote right after the news that it published.
constexpr std::chrono::milliseconds explains_writes_for{5};

bool is_forced_open_for_good(const Answer& answer) {
  return answer.active_override.mode == Mode::forced_open && !answer.override_until;
}

// By this machine's clock.
TimePoint end_of_wait(const Answer& answer, TimePoint now) {
  if (answer.state == State::closed || answer.wait.count() == 0) return {};
  return is_forced_open_for_good(answer) ? never : now + answer.wait;
}

std::string took(const CallResult& result) {
  return "took " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(result.took).count()) + "ms";
}

}  // namespace

bool CachedView::is_fresh(const Feed& feed, TimePoint now) const {
  return session != 0 && session == feed.session && node == feed.node && now - feed.confirmed_at < longest_age;
}

bool CachedView::is_usable(const Feed& feed, TimePoint now) const {
  if (generation == 0) return false;
  if (look_again_at != TimePoint{} && now >= look_again_at) return false;
  if (is_fresh(feed, now)) return true;
  const bool has_session_ended = session != 0 && session != feed.session;
  return !has_session_ended && now - fetched_at < longest_age;
}

// --- a call

std::optional<std::variant<PermitId, Rejection>> CachedCore::known_answer(const Feed& feed, TimePoint now) const {
  if (!view_.is_usable(feed, now)) return std::nullopt;
  if (view_.state == State::closed) return PermitId{view_.generation, 0};
  if (now < view_.admits_from) return reject(view_.admits_from, now);
  if (view_.is_asking) return reject({}, now);
  return std::nullopt;
}

std::variant<PermitId, Rejection, CachedCore::Ticket> CachedCore::acquire(const Feed& feed, TimePoint now) {
  const auto known = known_answer(feed, now);
  if (!known) return add(Acquire{});
  if (const auto* permit = std::get_if<PermitId>(&*known)) return *permit;
  note(NoticeKind::rejection, "not permitted", now);
  return std::get<Rejection>(*known);
}

Rejection CachedCore::reject(TimePoint from, TimePoint now) const {
  return {view_.state, retry_after(view_.state, from, now, policy_)};
}

// The break is over and thousands of callers want to probe: only as many as there may be probes ask the store.
void CachedCore::count_asking() {
  const auto asks = [](const Waiting& each) { return std::holds_alternative<Acquire>(each.event); };
  const auto asking =
      std::count_if(waiting_.begin(), waiting_.end(), asks) + std::count_if(sent_.begin(), sent_.end(), asks);
  view_.is_asking = asking >= policy_.permitted_calls_in_half_open;
}

// The success of a call without a probe is for add_successes().
std::variant<Settled, CachedCore::Ticket> CachedCore::settle(const Settle& ended, TimePoint now) {
  const bool is_ignored = ended.result.outcome == cb::Outcome::ignored;
  if (is_ignored && ended.permit.probe == 0) return Settled{view_.state, false};
  const bool may_close =
      ended.permit.probe != 0 && ended.result.outcome == cb::Outcome::success;  // even after its timeout
  if (ended.permit.generation != view_.generation && !may_close) return drop(ended, now);
  return add(ended);
}

// It is late, as the view shows: no need to ask the store.
Settled CachedCore::drop(const Settle& ended, TimePoint now) {
  if (ended.result.outcome == cb::Outcome::ignored) return {view_.state, false};
  count_slow(ended, now);
  count_late(ended, 1, now);
  return {view_.state, true};
}

void CachedCore::add_successes(uint64_t count, uint64_t late, TimePoint now) {
  const Settle successes{{view_.generation, 0}, {cb::Outcome::success}, count};
  count_late(successes, late, now);
  if (count > 0) waiting_.push_back({0, successes});
}

// What time has changed before an order is not that person's doing, so it gets a separate reply.
CachedCore::Ticket CachedCore::add(Event event) {
  if (std::holds_alternative<ApplyOverride>(event)) waiting_.push_back({0, Tick{}});
  waiting_.push_back({++last_ticket_, std::move(event)});
  count_asking();
  return last_ticket_;
}

std::optional<CachedCore::Outcome> CachedCore::take(Ticket ticket) {
  auto outcome = outcomes_.extract(ticket);
  return outcome.empty() ? std::nullopt : std::optional(std::move(outcome.mapped()));
}

// --- exchanges

CachedCore::Exchange CachedCore::begin(const Feed& feed, TimePoint now) {
  is_exchanging_ = true;
  was_written_ = false;
  freed_in_ = 0;
  feed_at_begin_ = feed;
  begun_at_ = now;
  Exchange exchange{last_known(now), {}};
  if (feed.session != view_.session)
    exchange.known.is_count_due = true;  // a flush begins a session, and counts at once
  for (; !waiting_.empty() && sent_.size() < most_events; waiting_.pop_front()) {
    sent_.push_back(std::move(waiting_.front()));
    exchange.events.push_back(sent_.back().event);
  }
  return exchange;
}

void CachedCore::end(const Answer& answer, const Feed& feed, TimePoint now) {
  is_exchanging_ = false;
  if (answer.generation >= view_.generation) apply(answer, feed, now);  // otherwise a newer one was announced meanwhile
  const auto sent = std::exchange(sent_, {});
  const CountedCalls counted{answer.failures, answer.recent};
  for (size_t i = 0; i < sent.size(); ++i) conclude(sent[i], answer.replies[i], counted, now);
  listener_state_ = view_.state;  // what other instances have changed, they report
  listener_generation_ = view_.generation;
  view_.is_asking = false;
  answer_from_view(feed, now);
  count_asking();
}

void CachedCore::apply(const Answer& answer, const Feed& feed, TimePoint now) {
  const bool same_feed = feed_at_begin_.node == feed.node && feed_at_begin_.session == feed.session;
  const bool counts_removals = answer.removals || answer.origin.run != latest_.origin.run;
  const auto removals = answer.removals ? answer.removals : counts_removals ? std::nullopt : latest_.removals;
  if (counts_removals) counted_at_ = answer.removals ? now : TimePoint{};
  latest_ = answer;
  latest_.replies.clear();
  latest_.removals = removals;
  const bool may_be_older = freed_in_ != 0 && freed_in_ == answer.generation;  // than the end of a probe
  view_ = {.state = answer.state,
           .generation = answer.generation,
           .is_overridden = answer.active_override.mode != Mode::automatic,
           .reports_successes = answer.failures > 0 || was_written_,  // the answer may be older than what was written
           .admits_from = may_be_older ? now : end_of_wait(answer, now),
           .look_again_at = answer.override_until ? now + (*answer.override_until - answer.now) : TimePoint{},
           .fetched_at = std::min(begun_at_, answer.verified_at),
           .node = feed.node,
           .session = same_feed ? feed.session : 0,
           .version = view_.version + 1};
}

void CachedCore::conclude(const Waiting& sent, const Reply& reply, const CountedCalls& counted, TimePoint now) {
  const bool is_order = std::holds_alternative<ApplyOverride>(sent.event);
  for (const Transition& transition : reply.transitions) {
    notices_.push_back({is_order ? NoticeKind::override : NoticeKind::transition, transition});
    notices_.back().transition.at = now;  // an instance dates by its own clock
    if (transition.from == State::closed && transition.to == State::open) notices_.back().counted = counted;
    listener_generation_ = transition.generation;
  }
  listener_state_ = reply.state;
  if (reply.kind == Reply::Kind::rejected) note(NoticeKind::rejection, "not permitted", now);
  if (const auto* ended = std::get_if<Settle>(&sent.event)) {
    if (reply.kind == Reply::Kind::late) count_late(*ended, ended->times, now);
    if (ended->result.outcome != cb::Outcome::ignored) count_slow(*ended, now);
    if (reply.would_have_tripped) {
      ++counters_.would_have_tripped;
      note(NoticeKind::would_have_tripped, *reply.would_have_tripped, now, ended->permit.generation);
    }
  }
  // The news of a later transition may overtake the answer: no call is admitted in a generation that is over.
  if (reply.kind == Reply::Kind::admitted && reply.permit.generation < view_.generation) {
    waiting_.push_back(sent);
  } else if (sent.ticket != 0) {
    outcomes_.emplace(sent.ticket, reply);
  }
}

// The callers that wait because the view was stale need not ask as well.
void CachedCore::answer_from_view(const Feed& feed, TimePoint now) {
  std::deque<Waiting> still;
  std::swap(waiting_, still);
  for (Waiting& each : still) {
    const auto known = std::holds_alternative<Acquire>(each.event) ? known_answer(feed, now) : std::nullopt;
    if (!known) {
      waiting_.push_back(std::move(each));
      continue;
    }
    Reply reply{.kind = Reply::Kind::admitted, .state = view_.state};
    if (const auto* permit = std::get_if<PermitId>(&*known)) reply.permit = *permit;
    if (const auto* rejection = std::get_if<Rejection>(&*known)) {
      reply.kind = Reply::Kind::rejected;
      reply.retry_after = rejection->retry_after;
    }
    conclude(each, reply, {}, now);
  }
}

void CachedCore::fail(const StoreTrouble& trouble) {
  is_exchanging_ = false;
  ++counters_.store_errors;
  for (const Waiting& each : std::exchange(sent_, {})) waiting_.push_back(each);
  for (const Waiting& each : std::exchange(waiting_, {})) {
    const auto* ended = std::get_if<Settle>(&each.event);
    const bool is_success = ended != nullptr && ended->result.outcome == cb::Outcome::success;
    if (is_success && ended->permit == PermitId{view_.generation, 0}) lose_successes(ended->times);
    if (each.ticket != 0) outcomes_.emplace(each.ticket, trouble);
  }
  view_.is_asking = false;
  listener_state_ = view_.state;
  listener_generation_ = view_.generation;
}

void CachedCore::explain_writes(TimePoint now) {
  explained_at_ = now;
  explained_.clear();
}

// A transition writes each key once. What is written again is a later failure, or another program's.
bool CachedCore::is_explained(std::string_view key, TimePoint now) {
  return now - explained_at_ < explains_writes_for && explained_.emplace(key).second;
}

bool CachedCore::written(std::string_view key, TimePoint now) {
  if (is_explained(key, now)) return false;
  was_written_ = true;
  if (key == "state" || view_.state != State::closed) return true;
  view_.reports_successes = true;
  return false;
}

// The news of a transition that this instance has just made may arrive before its answer. The state changes at once,
// but the answer is reported first.
void CachedCore::announced(const News& news, const Feed& feed, TimePoint now) {
  if (news.state == State::half_open && news.wait.count() == 0) freed_in_ = news.generation;
  if (news.generation == view_.generation && !news.is_overridden) {
    explain_writes(now);
    view_.admits_from = std::min(view_.admits_from, now + news.wait);  // a probe has ended
  }
  if (news.generation <= view_.generation) return;
  const bool is_of_the_view = view_.session == feed.session && view_.node == feed.node;
  if (!is_of_the_view) view_.fetched_at = {};  // the view was out of date, however young; what it lacks must be fetched
  latest_.state = news.state;
  latest_.generation = news.generation;
  latest_.epoch = news.epoch;
  latest_.failures = news.failures;
  latest_.wait = news.wait;
  latest_.now = news.now;
  latest_.active_override = {};
  latest_.override_until.reset();
  view_.state = news.state;
  view_.generation = news.generation;
  view_.is_overridden = news.is_overridden;
  view_.reports_successes = news.failures > 0;
  view_.admits_from = end_of_wait(latest_, now);
  view_.look_again_at = news.is_overridden ? now : TimePoint{};
  ++view_.version;
  if (!news.is_overridden && is_of_the_view) explain_writes(now);  // its end is not in the news
  if (is_exchanging_) return;
  listener_state_ = news.state;  // the instance that made the transition reports it
  listener_generation_ = news.generation;
}

// --- what there is to know

// The store still has failures, the instance knows better.
void CachedCore::lose_successes(uint64_t count) {
  if (count > 0) latest_.failures = 0;
}

LastKnown CachedCore::last_known(TimePoint now) const {
  LastKnown known{.generation = latest_.generation,
                  .state = latest_.state,
                  .epoch = latest_.epoch,
                  .run = latest_.origin.run,
                  .at = latest_.now,
                  .removals = latest_.removals.value_or(Removals{}),
                  .failures = latest_.failures,
                  .active_override = latest_.active_override,
                  .is_count_due = now - counted_at_ >= between_counts};
  const bool knows_override = latest_.active_override.mode != Mode::automatic;  // the news has only that there is one
  const bool has_end = view_.look_again_at != TimePoint{};
  if (knows_override && has_end) known.override_for = std::max(microseconds(1000), view_.look_again_at - now);
  // Who knows more than the news of an override restores it over what this instance would restore.
  if (view_.is_overridden && !knows_override) known.epoch = 0;
  if (latest_.state != State::closed && !knows_override)
    known.open_for = std::max(microseconds(0), view_.admits_from - now);
  return known;
}

SharedState CachedCore::shared_state() const {
  SharedState shared{{}, latest_.active_override, latest_.epoch, latest_.origin.run, view_.version};
  Snapshot& snapshot = shared.snapshot;
  snapshot.state = view_.state == State::closed ? State::closed : State::open;
  snapshot.generation = view_.generation;
  snapshot.counts.failures = latest_.failures;
  snapshot.open_until = view_.admits_from;
  snapshot.mode = latest_.active_override.mode;
  if (snapshot.mode != Mode::automatic) snapshot.mode_until = view_.look_again_at;
  return shared;
}

std::vector<CachedCore::Notable> CachedCore::take_notices() { return std::exchange(notices_, {}); }

void CachedCore::note(NoticeKind kind, std::string cause, TimePoint now, uint64_t admitted_in, uint64_t count) {
  notices_.push_back(
      {kind, {listener_state_, listener_state_, listener_generation_, std::move(cause), now}, admitted_in, count});
}

void CachedCore::count_late(const Settle& ended, uint64_t count, TimePoint now) {
  if (count == 0) return;
  counters_.late_results += count;
  note(NoticeKind::late_result, std::string(to_text(ended.result.outcome)), now, ended.permit.generation, count);
}

void CachedCore::count_slow(const Settle& ended, TimePoint now) {
  if (!is_slow(ended.result, policy_)) return;
  ++counters_.slow_calls;
  note(NoticeKind::slow_call, took(ended.result), now, ended.permit.generation);
}

}  // namespace cb
