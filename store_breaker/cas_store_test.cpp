#include "store_breaker/cas_store.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

#include "program/rounds_for_test.hpp"
#include "simple_breaker/traces/random_events.hpp"
#include "store_breaker/tests/cas_table_for_test.hpp"

using namespace cb;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint start{1'700'000'000s};
const PermitId closed_permit{1'700'000'000'000'000, 0};
const Event failure = Settle{closed_permit, {Outcome::failure}};
const Event success = Settle{closed_permit, {Outcome::success}};

// A store in front of another one, with what a test wants to happen in between.
class Between : public RecordStore {
 public:
  explicit Between(std::shared_ptr<RecordStore> store) : store_(std::move(store)) {}

  std::variant<Found, StoreTrouble> read(const std::string& breaker, StoreDeadline deadline) override {
    ++reads;
    return store_->read(breaker, deadline);
  }
  std::variant<Written, StoreTrouble> compare_and_set(const std::string& breaker, uint64_t expected,
                                                      const Record& record, StoreDeadline deadline) override {
    ++writes;
    before_write();
    const auto written = store_->compare_and_set(breaker, expected, record, deadline);
    return after_write(written);
  }
  std::chrono::milliseconds poll_interval() const override { return 500ms; }
  std::string name() const override { return "between"; }

  std::atomic<int> reads{0};
  std::atomic<int> writes{0};
  std::function<void()> before_write = [] {};
  using Result = std::variant<Written, StoreTrouble>;
  std::function<Result(const Result&)> after_write = [](const Result& result) { return result; };

 private:
  const std::shared_ptr<RecordStore> store_;
};

struct Watched {
  explicit Watched(const Policy& policy = {}, std::chrono::milliseconds timeout = 5s)
      : fleet(policy, start, 2), store(between, policy, {"watched", timeout, [this] { return fleet.now; }, 77}) {
    fleet.ask(0, {Acquire{}});
  }

  StoreResult apply(const std::vector<Event>& events) { return store.apply("traced", {}, events); }

  CasFleet fleet;
  std::shared_ptr<Between> between = std::make_shared<Between>(fleet.records);
  CasStore store;
};

LastKnown known_from(const Answer& answer) {
  return {.generation = answer.generation,
          .state = answer.state,
          .epoch = answer.epoch,
          .run = answer.origin.run,
          .open_for = answer.wait,
          .at = answer.now,
          .failures = answer.failures,
          .active_override = answer.active_override,
          .override_for = answer.override_until ? *answer.override_until - answer.now : 0us};
}

const Transition& only_transition(const Answer& answer) {
  REQUIRE(answer.replies.front().transitions.size() == 1);
  return answer.replies.front().transitions.front();
}

}  // namespace

TEST_CASE("a store that can compare-and-set behaves as each golden trace says") {
  const auto traces = read_traces(LAB_SOURCE_DIR "/simple_breaker/traces");
  CHECK(traces.size() >= 5);
  for (const NamedTrace& trace : traces) {
    CAPTURE(trace.name);
    CasTable table(policy_of(trace.text), TimePoint{});
    CHECK(replay(trace.text, table) == trace.text);
  }
}

TEST_CASE("after each random event the stored record is what the table has in memory") {
  std::map<std::string, unsigned> causes;
  constexpr unsigned seeds = rounds(200);
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    RandomEvents events(seed);
    LocalTable local(events.policy(), events.now());
    CasTable stored(events.policy(), events.now());
    for (int event = 0; event < 200; ++event) {
      CAPTURE(event);
      REQUIRE(events.step(local, stored) == "");
    }
    for (const auto& [cause, times] : events.causes()) causes[cause] += times;
  }
  for (const char* cause : {"probe failed", "probe timed out", "forced open: expired", "1 successful probe"}) {
    CAPTURE(cause);
    CHECK(causes[cause] > seeds / 10);
  }
}

TEST_CASE("all events of a request are one write") {
  Watched watched;
  const auto result = watched.apply({failure, failure, failure, Acquire{}});
  const Answer answer = std::get<Answer>(result);
  CHECK(watched.between->reads == 1);
  CHECK(watched.between->writes == 1);
  CHECK(answer.state == State::open);
  CHECK(answer.replies.back().kind == Reply::Kind::rejected);
  CHECK(answer.wait == 10s);
}

TEST_CASE("a request that changes nothing writes nothing, unless it is to prove that it can") {
  Watched watched;
  watched.apply({success, Acquire{}, Tick{}});
  watched.store.apply("unknown", {}, {Tick{}});
  CHECK(watched.between->writes == 0);
  watched.store.apply("traced", {}, {Tick{}}, StateStore::Writes::always);
  CHECK(watched.between->writes == 1);
}

TEST_CASE("a writer that was too late begins again with what the other one left") {
  Watched watched;
  int others = 2;
  watched.between->before_write = [&] {
    if (others-- > 0) watched.fleet.ask(1, {failure});
  };
  const Answer answer = std::get<Answer>(watched.apply({failure}));
  CHECK(answer.failures == 3);
  CHECK(only_transition(answer).cause == "3 consecutive failures");
  CHECK(watched.store.counters().conflicts == 2);
  CHECK(watched.store.counters().most_tries == 3);
}

TEST_CASE("a circuit that another writer opened in between is opened once, and the late failure is late") {
  Watched watched;
  watched.fleet.ask(1, {failure, failure});
  bool first = true;
  watched.between->before_write = [&] {
    if (std::exchange(first, false)) CHECK(watched.fleet.ask(1, {failure}).state == State::open);
  };
  const Answer answer = std::get<Answer>(watched.apply({failure}));
  CHECK(answer.replies.front().kind == Reply::Kind::late);
  CHECK(answer.replies.front().transitions.empty());
}

TEST_CASE("a write whose answer was lost is recognized, and its events count once") {
  Watched watched;
  watched.between->after_write = [&](const auto&) { return Written::conflict; };
  const Answer answer = std::get<Answer>(watched.apply({failure}));
  CHECK(answer.failures == 1);
  CHECK(watched.fleet.record().snapshot.counts.failures == 1);
  CHECK(watched.between->writes == 1);
}

TEST_CASE("conflicts end at the deadline, in one clear line") {
  Watched watched({}, 20ms);
  watched.between->before_write = [&] {
    watched.fleet.now += 1us;
    watched.fleet.ask(1, {failure, success});
  };
  watched.between->after_write = [&](const auto&) { return Written::conflict; };
  const auto result = watched.apply({failure});
  REQUIRE(std::holds_alternative<StoreTrouble>(result));
  CHECK(std::get<StoreTrouble>(result).what.starts_with("between: other writers were quicker "));
}

TEST_CASE("trouble of the store is not taken for an answer") {
  Watched watched;
  watched.between->after_write = [&](const auto&) { return StoreTrouble{"disk full"}; };
  CHECK(std::get<StoreTrouble>(watched.apply({failure})).what == "disk full");
}

TEST_CASE("garbage is mended to a fresh closed circuit, above every generation that is known") {
  CasFleet fleet({}, start);
  const Answer before = fleet.ask(0, {Acquire{}, failure, failure, failure});
  fleet.records->put_text("traced", "banana");
  fleet.now += 1s;
  const Answer after = fleet.ask(0, {Acquire{}}, known_from(before));
  CHECK(only_transition(after).cause == R"(repaired: the record held "banana")");
  CHECK(only_transition(after).from == State::open);
  CHECK(after.replies.front().kind == Reply::Kind::admitted);
  CHECK(after.generation > before.generation);
}

TEST_CASE("a deleted record is a reset, and no generation repeats") {
  CasFleet fleet({}, start);
  const Answer before = fleet.ask(0, {Acquire{}, failure, failure, failure});
  fleet.records->erase("traced");
  const Answer after = fleet.ask(0, {Acquire{}}, known_from(before));
  CHECK(only_transition(after).cause == "state gone: deleted from the store");
  CHECK(after.state == State::closed);
  CHECK(after.generation > before.generation);
  CHECK(fleet.ask(0, {Tick{}}, known_from(before)).generation == after.generation);  // the reset is final
}

TEST_CASE("what the store lost is restored: the rest of the break, under a later generation") {
  CasFleet fleet({}, start);
  const LastKnown known = known_from(fleet.ask(0, {Acquire{}, failure, failure, failure}));
  fleet.records->lose_everything();
  fleet.now += 2s;
  LastKnown later = known;
  later.open_for -= 2s;
  const Answer after = fleet.ask(0, {Acquire{}}, later);
  CHECK(only_transition(after).cause == "state lost: this store did not have it");
  CHECK(after.state == State::open);
  CHECK(after.wait == 8s);
  CHECK(after.failures == 3);
  CHECK(after.generation > known.generation);
}

TEST_CASE("an override that the store lost is restored, with the rest of its time") {
  CasFleet fleet({}, start);
  const Override deploy{Mode::forced_open, "ann", "deploy"};
  const LastKnown known = known_from(fleet.ask(0, {Acquire{}, ApplyOverride{deploy, 60s}}));
  fleet.records->lose_everything();
  const Answer after = fleet.ask(0, {Tick{}}, known);
  CHECK(after.active_override == deploy);
  CHECK(after.override_until == fleet.now + 60s);
}

TEST_CASE("a fresh circuit that an instance without knowledge began gives way to what the fleet knows") {
  CasFleet fleet({}, start, 2);
  const LastKnown known = known_from(fleet.ask(0, {Acquire{}, failure, failure, failure}));
  fleet.records->lose_everything();
  fleet.now += 1s;
  CHECK(fleet.ask(1, {Acquire{}}).state == State::closed);
  CHECK(fleet.ask(0, {Tick{}}, known).state == State::open);
}

TEST_CASE("what happened after a loss is newer than what an instance saw before it") {
  CasFleet fleet({}, start, 2);
  const LastKnown known = known_from(fleet.ask(0, {Acquire{}, failure, failure, failure}));
  fleet.records->lose_everything();
  fleet.now += 1s;
  fleet.ask(1, {Acquire{}});
  const Answer reset = fleet.ask(1, {ApplyOverride{{Mode::reset, "ann", ""}, 0s}});
  const Answer after = fleet.ask(0, {Tick{}}, known);
  CHECK(after.state == State::closed);
  CHECK(after.generation >= reset.generation);
}

TEST_CASE("a store that went back to an older record is brought forward") {
  CasFleet fleet({}, start);
  fleet.ask(0, {Acquire{}});
  const std::string old = to_text(fleet.record());
  const LastKnown known = known_from(fleet.ask(0, {failure, failure, failure}));
  fleet.records->put_text("traced", old);
  const Answer after = fleet.ask(0, {Tick{}}, known);
  CHECK(only_transition(after).cause == "state lost: it went back to an older one");
  CHECK(after.state == State::open);
}

TEST_CASE("a record that was not used for long may have expired: the fleet's knowledge is restored") {
  CasFleet fleet({}, start);
  const Override deploy{Mode::forced_open, "ann", ""};
  const LastKnown known = known_from(fleet.ask(0, {Acquire{}, ApplyOverride{deploy, 0s}}));
  fleet.now += 24h * 20;
  fleet.records->erase("traced");
  const Answer after = fleet.ask(0, {Tick{}}, known);
  CHECK(after.forgotten);
  CHECK(after.active_override == deploy);
  CHECK(after.generation == known.generation);
}

TEST_CASE("a record is renewed by looks, long before it expires") {
  CasFleet fleet({}, start);
  fleet.ask(0, {Acquire{}});
  const TimePoint expires = fleet.record().expires_at;
  CHECK(expires > fleet.now + 24h);
  fleet.now += 11h;
  fleet.ask(0, {Tick{}});
  CHECK(fleet.record().expires_at == expires);
  fleet.now += 2h;
  fleet.ask(0, {Tick{}});
  CHECK(fleet.record().expires_at == fleet.now + (expires - start));
}

TEST_CASE("a circuit opens once enough instances have seen failures") {
  CasFleet fleet({.minimum_reporting_instances = 2}, start, 2);
  fleet.ask(0, {Acquire{}, failure, failure, failure, failure});
  CHECK(fleet.record().snapshot.state == State::closed);
  CHECK(fleet.ask(1, {failure}).state == State::open);
}

TEST_CASE("instances whose settings differ learn of it, and take turns in leaving theirs") {
  CasFleet fleet({}, start, 1);
  fleet.add({.failure_threshold = 7});
  CHECK(fleet.ask(0, {Acquire{}}).other_settings == "");
  const std::string other = fleet.ask(1, {Tick{}}).other_settings;
  CHECK(other.size() == 8);
  fleet.now += 11s;
  fleet.ask(1, {Tick{}});
  CHECK(fleet.ask(0, {Tick{}}).other_settings != other);
  CHECK(fleet.ask(0, {Tick{}}).other_settings != "");
}

TEST_CASE("the last failure is kept, but not that of a call which came too late") {
  CasFleet fleet({}, start);
  fleet.ask(0, {Acquire{}, failure});
  CHECK(fleet.record().last_failure == start);
  fleet.now += 1s;
  fleet.ask(0, {Settle{{1, 0}, {Outcome::failure}}});
  CHECK(fleet.record().last_failure == start);
}

namespace {

// A store whose changes the test reports by itself.
class Announcing final : public Between {
 public:
  using Between::Between;

  std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> watch() override { return std::make_unique<Watch>(*this); }
  std::chrono::milliseconds poll_interval() const override { return 5s; }

  void announce(RecordChange change) {
    const std::scoped_lock lock(mutex_);
    changes_.push_back(std::move(change));
    changed_.notify_all();
  }

 private:
  struct Watch final : RecordWatch {
    explicit Watch(Announcing& store) : store(store) {}
    std::variant<std::vector<RecordChange>, StoreTrouble> wait(StoreDeadline deadline) override {
      std::unique_lock lock(store.mutex_);
      store.changed_.wait_until(lock, deadline, [this] { return is_interrupted || !store.changes_.empty(); });
      is_interrupted = false;
      return std::exchange(store.changes_, {});
    }
    void interrupt() override {
      const std::scoped_lock lock(store.mutex_);
      is_interrupted = true;
      store.changed_.notify_all();
    }
    Announcing& store;
    bool is_interrupted = false;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<RecordChange> changes_;
};

// An instance of a fleet of two, and its feed.
struct Fed {
  Fed()
      : fleet({.recovery_timeout = 10s}, start, 1),
        store(announcing, {}, {.instance = "fed", .clock = [this] { return fleet.now; }}) {
    fleet.ask(0, {Acquire{}});
    store.apply("traced", {}, {Tick{}});
    feed = store.watch(0, {"traced"});
    announcing->reads = 0;
  }

  // What the feed makes of a change that brings its record, as the fleet has it now. (Changes are taken in order.)
  Changes push() {
    announcing->announce({"traced", fleet.record()});
    return next();
  }
  Changes next() {
    Changes all;
    feed->check("traced");
    while (!all.confirmed_at) {
      pollfd ready{feed->fd(), POLLIN, 0};
      poll(&ready, 1, -1);
      Changes some = feed->take();
      all.news.insert(all.news.end(), some.news.begin(), some.news.end());
      all.written.insert(all.written.end(), some.written.begin(), some.written.end());
      all.confirmed_at = some.confirmed_at;
    }
    return all;
  }

  CasFleet fleet;
  std::shared_ptr<Announcing> announcing = std::make_shared<Announcing>(fleet.records);
  CasStore store;
  std::unique_ptr<ChangeFeed> feed{};
};

}  // namespace

TEST_CASE("a change that brings its record is news without a read") {
  Fed fed;
  fed.fleet.ask(0, {failure, failure, failure});
  const Changes changes = fed.push();
  REQUIRE(changes.news.size() == 1);
  CHECK(changes.news.front().second.state == State::open);
  CHECK(changes.news.front().second.wait == 10s);
  CHECK(fed.announcing->reads == 0);
}

TEST_CASE("a count that the instance has seen, or made, is no news") {
  Fed fed;
  fed.store.apply("traced", {}, {failure});
  const Changes own = fed.push();
  fed.fleet.ask(0, {failure});
  fed.store.apply("traced", {}, {Tick{}});
  const Changes seen = fed.push();
  for (const Changes& changes : {own, seen}) CHECK((changes.news.empty() && changes.written.empty()));
}

TEST_CASE("a transition that the instance has seen, or made, is news once: to another breaker of that name") {
  Fed fed;
  const LastKnown known = known_from(std::get<Answer>(fed.store.apply("traced", {}, {Tick{}})));
  SUBCASE("made") { fed.store.apply("traced", known, {failure, failure, failure}); }
  SUBCASE("seen") {
    fed.fleet.ask(0, {failure, failure, failure});
    fed.store.apply("traced", known, {Tick{}});
  }
  SUBCASE("made, and looked at again before it was announced") {
    const Answer answer = std::get<Answer>(fed.store.apply("traced", known, {failure, failure, failure}));
    fed.store.apply("traced", known_from(answer), {Tick{}});
  }
  CHECK(fed.push().news.size() == 1);
  CHECK(fed.push().news.empty());
}

TEST_CASE("a transition of a breaker that was forgotten is announced: its view is fetched if it is not closed") {
  Fed fed;
  const Answer before = std::get<Answer>(fed.store.apply("traced", {}, {Tick{}}));
  for (size_t i = 0; i < SeenRecords::most; ++i) fed.store.apply("made-up-" + std::to_string(i), {}, {Acquire{}});
  const Answer opened = std::get<Answer>(fed.store.apply("traced", known_from(before), {failure, failure, failure}));
  SUBCASE("open") { CHECK(fed.push().news.size() == 1); }
  SUBCASE("closed again") {
    fed.store.apply("traced", known_from(opened), {ApplyOverride{{Mode::reset, "ann", ""}, 0s}});
    CHECK(fed.push().written.size() == 1);
  }
}

TEST_CASE("a failure that another instance reports asks for successes, and no more") {
  Fed fed;
  fed.fleet.ask(0, {failure});
  for (const bool brings_record : {true, false}) {
    if (!brings_record) {
      fed.fleet.ask(0, {failure});
      fed.announcing->announce({"traced"});
    }
    const Changes changes = brings_record ? fed.push() : fed.next();
    CHECK(changes.news.empty());
    REQUIRE(changes.written.size() == 1);
    CHECK(changes.written.front().key == "failures");
  }
  CHECK(fed.announcing->reads == 1);
}

TEST_CASE("a record that is gone is read by all") {
  Fed fed;
  fed.fleet.records->erase("traced");
  fed.announcing->announce({"traced"});
  const Changes changes = fed.next();
  REQUIRE(changes.written.size() == 1);
  CHECK(changes.written.front().key == "state");
}
