#include "load_generator/simulation/fleet/shared_instance.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "load_generator/simulation/fleet/record_commands.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;

// As in redis_breaker/sync/synchronizer.cpp.
constexpr auto between_checks = 750ms;
constexpr auto before_retry = 250ms;
constexpr auto shortest_before_question = 10ms;
constexpr auto longest_before_question = 40ms;
constexpr auto shortest_between_polls = 4s;
constexpr auto longest_between_polls = 6s;
constexpr auto between_reports = 100ms;
constexpr auto longest_exchange = 250ms;  // as in store_breaker/cas_store.hpp

const std::string prefix = std::string("cb:") + SharedInstance::breaker + ":";
const auto look =
    std::make_shared<const std::vector<std::string>>(std::vector{std::string("HGETALL"), prefix + "breaker"});

// 0: there is none.
uint64_t generation_in(const redisReply& hash) {
  uint64_t generation = 0;
  for (size_t i = 0; i + 1 < hash.elements; i += 2) {
    const std::string_view value = cb::redis::text_of(*hash.element[i + 1]);
    if (cb::redis::text_of(*hash.element[i]) == "generation") {
      std::from_chars(value.data(), value.data() + value.size(), generation);
    }
  }
  return generation;
}

}  // namespace

SharedInstance::SharedInstance(const SharedFleet& fleet, Node node, uint64_t seed)
    : fleet_(fleet),
      node_(node),
      random_(seed),
      core_(fleet.config->policy),
      gate_({"redis", "Redis"}, nullptr, fleet.config->clock, static_cast<uint32_t>(random_.next() >> 33 | 1)),
      round_trips_(fleet.redis_timeout),
      caller_(fleet.config->policy, "instance-" + std::to_string(node), fleet.script),
      keys_{breaker, prefix, prefix + "news"},
      notices_(cb::shared([this](const cb::Notice& notice) { noticed(notice); }), {breaker}),
      local_(fleet.config, notices_, [this] { return !gate_.is_available(); }) {
  if (fleet.is_store) {
    cas_ = std::make_unique<cb::CasInstance>(fleet.config->policy, "instance-" + std::to_string(node));
  }
  gate_.when_changed([this] { store_changed(); });
}

SharedInstance::~SharedInstance() { notices_.close(); }

void SharedInstance::start() {
  listen_again();
  poll_regularly();
}

void SharedInstance::stop() {
  is_stopped_ = true;
  fleet_.redis.close(connection_);
  connection_ = 0;
  for (const Waiting& each : std::exchange(waiting_, {})) each.then(cb::StoreTrouble{"the process is gone"});
}

// --- FallbackBreaker

void SharedInstance::acquire(Answer<Admission>& answer) {
  if (!gate_.is_available()) return acquire_locally(answer);
  const auto known = core_.acquire(feed_, now());
  report_notices();
  if (const auto* permit = std::get_if<cb::PermitId>(&known)) return answer.give(Granted{*permit, now()});
  if (const auto* rejection = std::get_if<cb::Rejection>(&known)) return answer.give(*rejection);
  await(std::get<cb::CachedCore::Ticket>(known), [this, &answer](const cb::CachedCore::Outcome& outcome) {
    const auto* reply = std::get_if<cb::Reply>(&outcome);
    if (reply == nullptr) return acquire_locally(answer);
    if (reply->kind == cb::Reply::Kind::admitted) return answer.give(Granted{reply->permit, now()});
    answer.give(cb::Rejection{reply->state, reply->retry_after});
  });
}

void SharedInstance::acquire_locally(Answer<Admission>& answer) {
  if (is_stopped_) return answer.give(cb::Rejection{});
  answer.give(MemoryBreaker::answer_of(local_breaker().acquire(), now()));
  notices_.deliver();
}

void SharedInstance::settle(Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer) {
  if (granted.of_memory) {
    answer.give(granted.of_memory->settle(outcome));
    return notices_.deliver();
  }
  const cb::CallResult result = result_of(granted, outcome);
  if (!local_.watches_successes() && gate_.is_available() && outcome == cb::Outcome::success &&
      !is_slow(result, policy())) {
    if (const auto counted = count_success(granted)) return answer.give(*counted);
  }
  if (!gate_.is_available()) return settle_locally(granted, outcome, answer);
  add_successes();
  const auto known = core_.settle({granted.id, result}, now());
  report_notices();
  const auto conclude = [this, outcome, &answer](const cb::Settled& settled) {
    if (outcome == cb::Outcome::success && !settled.late) local_.saw_success(core_.view().version);
    answer.give(settled);
  };
  if (const auto* settled = std::get_if<cb::Settled>(&known)) return conclude(*settled);
  await(std::get<cb::CachedCore::Ticket>(known),
        [this, conclude, outcome, &granted, &answer](const cb::CachedCore::Outcome& end) {
          const auto* reply = std::get_if<cb::Reply>(&end);
          if (reply == nullptr) return settle_locally(granted, outcome, answer);
          conclude({reply->state, reply->kind == cb::Reply::Kind::late});
        });
}

void SharedInstance::settle_locally(const Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer) {
  if (is_stopped_) return answer.give({});
  answer.give(local_breaker().settle_shared(granted.id, granted.started, outcome));
  notices_.deliver();
}

cb::LocalBreaker& SharedInstance::local_breaker() {
  if (local_.follows(core_.view().version)) return local_;
  core_.lose_successes(take_successes());
  local_.follow(core_.shared_state(), gate_.recovered_at());
  return local_;
}

void SharedInstance::noticed(const cb::Notice& notice) {
  fleet_.observer.noticed(node_, notice.kind, transition_of(notice).value_or(cb::Transition{}));
}

void SharedInstance::apply_override(const cb::Override& order, milliseconds lasts) {
  ask(cb::ApplyOverride{order, lasts}, [](const cb::CachedCore::Outcome&) {});
}

void SharedInstance::status_asked() {
  if (!gate_.is_available()) {
    local_breaker();
    return notices_.deliver();
  }
  refresh();
}

bool SharedInstance::is_local() const { return !gate_.is_available(); }

cb::State SharedInstance::state() const {
  return is_local() && local_.follows(core_.view().version) ? local_.known_state() : core_.view().state;
}

// --- CachedBreaker and PublishedView

cb::CallResult SharedInstance::result_of(const Granted& granted, cb::Outcome outcome) const {
  const bool times_calls = policy().slow_call_duration_threshold.count() > 0;
  return {outcome, times_calls ? now() - granted.started : microseconds(0)};
}

std::optional<cb::Settled> SharedInstance::count_success(const Granted& granted) {
  const cb::CachedView& view = core_.view();
  if (granted.id.probe != 0 || granted.id.generation != view.generation) return std::nullopt;
  if (!policy().keeps_window() && !view.reports_successes) return cb::Settled{view.state, false};
  if (successes_of_ != view.generation) add_successes();
  successes_of_ = view.generation;
  ++successes_;
  if (!std::exchange(will_report_, true)) report_soon();
  return cb::Settled{view.state, false};
}

void SharedInstance::add_successes() {
  const bool are_present = successes_of_ == core_.view().generation;
  const uint64_t older = are_present ? 0 : std::exchange(successes_, 0);
  core_.add_successes(take_successes(), older, now());
}

uint64_t SharedInstance::take_successes() {
  will_report_ = false;
  return successes_of_ == core_.view().generation ? std::exchange(successes_, 0) : 0;
}

// --- CoreShell and RedisStore

void SharedInstance::await(cb::CachedCore::Ticket ticket, StoreOutcome then) {
  waiting_.push_back({ticket, std::move(then)});
  exchange_if_needed();
}

void SharedInstance::ask(cb::Event event, StoreOutcome then) {
  if (is_stopped_ || !gate_.is_available()) return then(cb::StoreTrouble{gate_.error()});
  add_successes();
  await(core_.add(std::move(event)), std::move(then));
}

void SharedInstance::refresh() {
  ask(cb::Tick{}, [](const cb::CachedCore::Outcome&) {});
}

void SharedInstance::exchange_if_needed() {
  if (!core_.is_exchanging() && !waiting_.empty()) exchange(Writes::if_changed, nullptr);
}

Task SharedInstance::exchange(Writes writes, std::shared_ptr<Answer<cb::StoreResult>> done) {
  const auto self = shared_from_this();
  const uint64_t period = gate_.period();
  const cb::CachedCore::Exchange what = core_.begin(feed_, now());
  cb::StoreResult result = cb::StoreTrouble{"redis: no answer in time"};
  const bool may_ask = writes == Writes::always || gate_.is_available();
  if (may_ask && cas_) {
    const auto answer = std::make_shared<Answer<cb::StoreResult>>(fleet_.loop);
    exchange_with_store(what, writes, answer);
    result = co_await answer->given();
  } else if (may_ask) {
    const auto call = std::make_shared<cb::ScriptCall>(caller_.call(keys_, what.known, what.events, writes));
    RedisService::Reply reply;
    do {
      const auto answer = command({call, &call->command()});
      reply = co_await answer->given();
      co_await awake();
    } while (!is_stopped_ && reply && call->continues_after(*reply));
    if (reply) result = call->result_of(*reply);
  }
  if (auto* fetched = std::get_if<cb::Answer>(&result)) fetched->verified_at = now();
  if (may_ask && !is_stopped_) result = gate_.judge(breaker, period, writes, std::move(result));
  conclude(result);
  if (done) done->give(std::move(result));
}

// As CasStore::apply() does it. `what` lasts until it is done.
Task SharedInstance::exchange_with_store(const cb::CachedCore::Exchange& what, Writes writes,
                                         std::shared_ptr<Answer<cb::StoreResult>> done) {
  const auto self = shared_from_this();
  cb::CasExchange exchange(*cas_, {what.known, what.events, writes});
  const TimePoint deadline = now() + longest_exchange;
  cb::StoreResult result = cb::StoreTrouble{"store: no answer in time"};
  for (int tries = 1; now() < deadline; ++tries) {
    const TimePoint began = now();
    const auto read = command(read_command(breaker));
    const auto found = found_in(co_await read->given());
    co_await awake();
    if (is_stopped_ || !found) break;
    const bool must_write = exchange.must_write(*found, *found->now, random_.next() >> 1 | 1);
    bool is_done = !must_write;
    if (must_write) {
      fleet_.observer.writes(exchange.record().version, what.known, what.events, exchange.answer());
      const auto written = command(write_command(breaker, *found, exchange.record(), policy()));
      const RedisService::Reply reply = co_await written->given();
      co_await awake();
      if (is_stopped_ || !reply || !reply->error().empty()) break;
      is_done = (*reply)->integer == 1;
    }
    if (is_done) {
      result = std::move(exchange.answer());
      break;
    }
    const microseconds longest = std::min((now() - began) * (int64_t{1} << std::min(tries, 5)), deadline - now());
    if (longest > 0us) co_await fleet_.loop.sleep(random_.between(0us, longest));
  }
  done->give(std::move(result));
}

// As redis::Deadline does it: a process that stood still at its deadline gets the same time once more.
void SharedInstance::give_up(const RedisService::ReplyTo& answer, TimePoint deadline) {
  fleet_.loop.at(deadline, [self = shared_from_this(), answer] {
    if (self->now() < self->stalled_until_)
      return self->give_up(answer, self->stalled_until_ + self->round_trips_.timeout());
    answer->give(nullptr);
  });
}

// The answer, or nothing if none comes in time.
RedisService::ReplyTo SharedInstance::command(RedisService::Command command) {
  auto answer = std::make_shared<Answer<RedisService::Reply>>(fleet_.loop);
  fleet_.redis.ask(node_, std::move(command), answer);
  give_up(answer, now() + round_trips_.timeout());
  return answer;
}

void SharedInstance::conclude(const cb::StoreResult& result) {
  if (const auto* answer = std::get_if<cb::Answer>(&result)) {
    if (answer->origin.run != listens_to_) feed_.session = 0;
    core_.end(*answer, feed_, now());
  } else {
    core_.fail(std::get<cb::StoreTrouble>(result));
  }
  report_notices();
  for (Waiting& each : std::exchange(waiting_, {})) {
    if (const auto outcome = core_.take(each.ticket)) {
      each.then(*outcome);
    } else {
      waiting_.push_back(std::move(each));
    }
  }
  exchange_if_needed();
}

void SharedInstance::report_notices() {
  for (const cb::CachedCore::Notable& each : core_.take_notices()) {
    fleet_.observer.noticed(node_, each.kind, each.transition);
  }
}

// --- Synchronizer and Subscription

Task SharedInstance::listen_again() {
  if (is_stopped_ || connection_ != 0 || std::exchange(is_connecting_, true)) co_return;
  const auto self = shared_from_this();
  const TimePoint begun = now();
  const auto answer = std::make_shared<Answer<RedisService::Connected>>(fleet_.loop);
  fleet_.redis.listen(node_, weak_from_this(), answer);
  fleet_.loop.after(round_trips_.timeout(), [answer] { answer->give({}); });
  const RedisService::Connected connected = co_await answer->given();
  co_await awake();
  is_connecting_ = false;
  if (is_stopped_) {
    fleet_.redis.close(connected.connection);
    co_return;
  }
  if (connected.connection == 0) {
    refresh();  // finds out whether Redis is unavailable
    co_await fleet_.loop.sleep(before_retry);
    if (gate_.is_available()) listen_again();
    co_return;
  }
  connection_ = connected.connection;
  listens_to_ = connected.run;
  feed_.confirmed_at = begun;
  check_regularly(connection_);
  if (gate_.is_available()) begin_session();
}

// Views that were fetched before the subscription may be stale, so they are fetched again.
void SharedInstance::begin_session() {
  feed_.session = ++sessions_;
  refresh();
}

void SharedInstance::stop_listening() {
  fleet_.redis.close(connection_);
  connection_ = 0;
  feed_.session = 0;
  awaits_pong_ = false;
}

// A new connection must lead to the server that is listened to, and find there what this instance knows. Then a ping
// proves that every push up to now has arrived.
Task SharedInstance::check_regularly(uint64_t connection) {
  const auto self = shared_from_this();
  microseconds wait = between_checks;
  while (true) {
    co_await fleet_.loop.sleep(wait);
    if (fleet_.quiet.is_on) {
      co_await fleet_.quiet.over(fleet_.loop);
      feed_.confirmed_at = now();
      co_await fleet_.loop.sleep(random_.between(0ms, between_checks));
    }
    co_await awake();
    if (is_stopped_ || connection != connection_) co_return;
    const TimePoint begun = now();
    const auto answer = command(look);
    const RedisService::Reply reply = co_await answer->given();
    co_await awake();
    if (is_stopped_ || connection != connection_) co_return;
    wait = reply && reply->error().empty() ? microseconds(between_checks) : microseconds(before_retry);
    if (wait == before_retry) {
      refresh();
      continue;
    }
    if (reply->origin().run != listens_to_ || feed_.session == 0) {
      stop_listening();
      listen_again();
      co_return;
    }
    if (generation_in(**reply) != core_.view().generation) begin_session();
    ping(begun);
  }
}

void SharedInstance::ping(TimePoint begun) {
  checked_at_ = begun;
  awaits_pong_ = true;
  fleet_.redis.ping(node_, connection_);
  fleet_.loop.after(round_trips_.timeout(), [self = shared_from_this(), connection = connection_, begun] {
    const bool is_over = !self->awaits_pong_ || self->checked_at_ != begun || self->now() < self->stalled_until_;
    if (self->is_stopped_ || self->connection_ != connection || is_over) return;
    self->stop_listening();
    self->listen_again();
  });
}

void SharedInstance::ponged(uint64_t connection) {
  if (connection != connection_) return;
  if (now() < stalled_until_)
    return fleet_.loop.at(stalled_until_, [self = shared_from_this(), connection] { self->ponged(connection); });
  feed_.confirmed_at = checked_at_;
  awaits_pong_ = false;
}

void SharedInstance::connection_lost(uint64_t connection) {
  if (connection != connection_ || is_stopped_) return;
  if (now() < stalled_until_)
    return fleet_.loop.at(stalled_until_,
                          [self = shared_from_this(), connection] { self->connection_lost(connection); });
  stop_listening();
  listen_again();
}

void SharedInstance::announced(uint64_t connection, const Announcement& what) {
  if (connection != connection_ || is_stopped_) return;
  if (now() < stalled_until_) {
    return fleet_.loop.at(stalled_until_,
                          [self = shared_from_this(), connection, what] { self->announced(connection, what); });
  }
  if (what.news) {
    core_.announced(*what.news, feed_, now());
    fleet_.observer.received(node_, *what.news);
  }
  report_notices();
  if (what.all_keys) return begin_session();
  for (const cb::WrittenKey& written : what.keys) {
    if (written.breaker == breaker && core_.written(written.key, now())) spread();
  }
}

// What other programs wrote may wait for a moment: a fleet does not ask all at once.
void SharedInstance::spread() {
  if (std::exchange(will_ask_, true)) return;
  fleet_.loop.after(random_.between(shortest_before_question, longest_before_question), [self = shared_from_this()] {
    self->will_ask_ = false;
    if (self->core_.was_written()) self->refresh();
  });
}

void SharedInstance::report_soon() {
  fleet_.loop.at(may_report_at_, [self = shared_from_this()] {
    self->may_report_at_ = self->now() + between_reports;
    self->refresh();
  });
}

Task SharedInstance::poll_regularly() {
  const auto self = shared_from_this();
  while (!is_stopped_) {
    co_await fleet_.loop.sleep(random_.between(shortest_between_polls, longest_between_polls));
    if (fleet_.quiet.is_on) {
      co_await fleet_.quiet.over(fleet_.loop);
      co_await fleet_.loop.sleep(random_.between(0ms, longest_between_polls));
    }
    co_await awake();
    refresh();
  }
}

void SharedInstance::store_changed() {
  feed_.session = 0;
  if (gate_.is_available() || std::exchange(is_reconnecting_, true)) return;
  fleet_.loop.after(microseconds(0), [self = shared_from_this()] { self->reconnect(); });
}

// Listens before the writes are tried, and writes twice: the first run may have needed memory that the next one lacks.
Task SharedInstance::reconnect() {
  const auto self = shared_from_this();
  stop_listening();
  while (!is_stopped_ && !gate_.is_available()) {
    co_await fleet_.loop.sleep(gate_.left());
    co_await awake();
    listen_again();
    cb::StoreResult result;
    for (int i = 0; i < 2 && !is_stopped_ && std::holds_alternative<cb::Answer>(result); ++i) {
      add_successes();
      const auto ticket = core_.add(cb::Tick{});
      const auto done = std::make_shared<Answer<cb::StoreResult>>(fleet_.loop);
      exchange(Writes::always, done);
      result = co_await done->given();
      core_.take(ticket);
    }
    if (!is_stopped_) gate_.attempted(result);
  }
  is_reconnecting_ = false;
  if (is_stopped_) co_return;
  if (connection_ != 0) begin_session();
  listen_again();
}

}  // namespace simulation
