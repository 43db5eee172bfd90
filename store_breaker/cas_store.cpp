#include "store_breaker/cas_store.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <thread>
#include <utility>

#include "store_breaker/reconcile.hpp"
#include "store_breaker/record_feed.hpp"
#include "store_breaker/shared_record.hpp"

namespace cb {
namespace {

using std::chrono::steady_clock;

std::string hex(uint32_t number) {
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08x", number);
  return text.data();
}

// FNV-1a: differs if the settings differ, and is short enough to be stored with each breaker.
std::string fingerprint_of(const Policy& policy) {
  uint32_t hash = 2'166'136'261;
  for (const Setting<Policy>& setting : settings()) {
    const double value = std::visit([&](auto field) { return as_number(policy.*field); }, setting.field);
    for (const unsigned char letter : to_text(value) + ' ') hash = (hash ^ letter) * 16'777'619;
  }
  return hex(hash);
}

// The instances of a fleet should have the same settings. One that finds the fingerprint of others leaves its own, at
// most every ten seconds, so that these find it too. Returns the other fingerprint; empty: there is none.
std::string other_settings(Record& record, const std::string& own, TimePoint now) {
  if (record.settings == own) return "";
  std::string other = record.settings;
  const auto age = now - record.settings_at;
  if (other.empty() || age < std::chrono::seconds(0) || age >= std::chrono::seconds(10)) {
    record.settings = own;
    record.settings_at = now;
  }
  return other;
}

std::chrono::microseconds wait_of(const Snapshot& snapshot, const Policy& policy, TimePoint now) {
  if (snapshot.state == State::closed) return {};
  if (snapshot.state == State::open && snapshot.open_until == never) return policy.recovery_timeout;
  return std::max(std::chrono::microseconds(0), admits_from(snapshot, policy) - now);
}

void show(const Record& record, const Policy& policy, Answer& answer) {
  const Snapshot& snapshot = record.snapshot;
  answer.state = snapshot.state;
  answer.generation = snapshot.generation;
  answer.epoch = record.epoch;
  answer.failures = snapshot.counts.failures;
  answer.wait = wait_of(snapshot, policy, answer.now);
  answer.active_override = record.active_override;
  if (snapshot.mode_until != TimePoint{}) answer.override_until = snapshot.mode_until;
  answer.recent = recent(snapshot.counts, policy, answer.now);
}

void prepend(Transitions& list, const Transitions& first) { list.insert(list.begin(), first.begin(), first.end()); }

bool only_looks(const std::vector<Event>& events, StateStore::Writes writes) {
  const bool has_only_ticks =
      std::all_of(events.begin(), events.end(), [](const Event& event) { return std::holds_alternative<Tick>(event); });
  return has_only_ticks && writes == StateStore::Writes::if_changed;
}

}  // namespace

struct CasStore::Request {
  const std::string& breaker;
  const LastKnown& known;
  const std::vector<Event>& events;
  Writes writes;
};

struct CasStore::Attempt {
  Answer answer{};
  Record record{};
  FleetClock::Reading time{};
  bool must_write = false;
};

CasStore::CasStore(std::shared_ptr<RecordStore> store, const Policy& policy, Settings settings)
    : store_(std::move(store)),
      policy_(policy),
      fingerprint_(fingerprint_of(policy)),
      settings_(std::move(settings)),
      instance_(settings_.instance + "#" + hex(static_cast<uint32_t>(settings_.seed))),
      fleet_clock_(settings_.clock),
      random_(settings_.seed) {}

// shm:payments -> shm
StoreName CasStore::name() const {
  const std::string name = store_->name();
  return {name.substr(0, name.find(':')), name};
}

StoreResult CasStore::apply(const std::string& breaker, const LastKnown& known, const std::vector<Event>& events,
                            Writes writes) {
  uint64_t tries = 0;
  StoreResult result = try_until_written({breaker, known, events, writes}, tries);
  exchanges_ += 1;
  conflicts_ += tries - 1;
  uint64_t most = most_tries_;
  while (tries > most && !most_tries_.compare_exchange_weak(most, tries)) {
  }
  return result;
}

CasStore::Counters CasStore::counters() const { return {exchanges_, conflicts_, most_tries_}; }

StoreResult CasStore::try_until_written(const Request& request, uint64_t& tries) {
  const auto deadline = steady_clock::now() + settings_.timeout;
  const TimePoint asked_at = settings_.clock();
  Attempt attempted;
  while (true) {
    ++tries;
    const auto began = steady_clock::now();
    const auto found = store_->read(request.breaker, deadline);
    if (const auto* trouble = std::get_if<StoreTrouble>(&found)) return *trouble;
    const auto& there = std::get<Found>(found);
    const bool was_written = there.version != 0 && there.version == attempted.record.version;  // the answer was lost
    if (!was_written) attempted = attempt(request, there, next_version());
    attempted.answer.verified_at = asked_at;
    if (was_written || !attempted.must_write) return std::move(attempted.answer);
    const auto written = store_->compare_and_set(request.breaker, there.version, attempted.record, deadline);
    if (const auto* trouble = std::get_if<StoreTrouble>(&written)) return *trouble;
    if (std::get<Written>(written) == Written::yes) {
      if (!there.now) fleet_clock_.wrote(request.breaker, attempted.time);
      return std::move(attempted.answer);
    }
    if (steady_clock::now() >= deadline) break;
    back_off(tries, began, deadline);
  }
  return StoreTrouble{store_->name() + ": other writers were quicker " + std::to_string(tries) + " times"};
}

FleetClock::Reading CasStore::time_of(const std::string& breaker, const Found& found) {
  if (found.now) return {*found.now, {}};
  const bool has_record = found.version != 0 && found.fault.empty();
  return fleet_clock_.read(breaker, has_record ? std::optional(found.record.written_at) : std::nullopt);
}

CasStore::Attempt CasStore::attempt(const Request& request, const Found& found, uint64_t version) {
  Attempt attempt{.time = time_of(request.breaker, found)};
  const TimePoint now = attempt.time.now;
  auto [record, transitions, forgotten] =
      reconcile({found, request.known, policy_, now, version, only_looks(request.events, request.writes)});
  Answer& answer = attempt.answer;
  answer = {.now = now, .forgotten = forgotten, .origin = {0, found.run}};
  if (request.known.is_count_due) answer.removals = Removals{};  // a store counts none
  apply_events(request.events, record, answer);
  if (!answer.replies.empty()) prepend(answer.replies.front().transitions, transitions);
  show(record, policy_, answer);
  const bool exists = record.snapshot.generation != 0;
  if (exists) answer.other_settings = other_settings(record, fingerprint_, now);
  const auto kept_for = lifetime(record.snapshot, policy_, now);
  const bool is_renewal_due = record.expires_at - now < kept_for / 2;
  attempt.must_write = exists && (request.writes == Writes::always || is_renewal_due || record != found.record);
  record.version = version;
  record.written_at = now;
  record.expires_at = now + kept_for;
  attempt.record = std::move(record);
  return attempt;
}

void CasStore::apply_events(const std::vector<Event>& events, Record& record, Answer& answer) const {
  const uint64_t before = record.snapshot.generation;
  if (before == 0) {  // a look at what does not exist
    answer.replies.resize(events.size());
    return;
  }
  for (const Event& event : events) {
    answer.replies.push_back(cb::apply(record, policy_, instance_, event, answer.now));
  }
  if (record.snapshot.generation != before) record.run = answer.origin.run;
}

// --- announcements

std::unique_ptr<ChangeFeed> CasStore::watch(size_t, const std::vector<std::string>& services) {
  auto watch = store_->watch();  // first: what changes after it is reported
  if (const auto* trouble = std::get_if<StoreTrouble>(&watch)) return std::make_unique<RecordFeed>(*trouble);
  auto& records = std::get<std::unique_ptr<RecordWatch>>(watch);
  if (records == nullptr) return nullptr;
  const auto found =
      store_->read(services.empty() ? "none" : services.front(), steady_clock::now() + settings_.timeout);
  if (const auto* trouble = std::get_if<StoreTrouble>(&found)) return std::make_unique<RecordFeed>(*trouble);
  const uint64_t run = std::get<Found>(found).run;
  return std::make_unique<RecordFeed>(std::move(records), services, run,
                                      [this, run](const std::string& breaker) { return news_of(breaker, run); });
}

std::chrono::milliseconds CasStore::between_polls() const { return store_->poll_interval(); }

std::variant<std::optional<News>, StoreTrouble> CasStore::news_of(const std::string& breaker, uint64_t run) {
  const auto read = store_->read(breaker, steady_clock::now() + settings_.timeout);
  if (const auto* trouble = std::get_if<StoreTrouble>(&read)) return *trouble;
  const Found& found = std::get<Found>(read);
  if (found.run != run) return StoreTrouble{store_->name() + ": another store has taken its place"};
  if (found.version == 0 || !found.fault.empty()) return std::nullopt;
  const Snapshot& snapshot = found.record.snapshot;
  const TimePoint now = time_of(breaker, found).now;
  return News{snapshot.state,
              snapshot.generation,
              found.record.epoch,
              snapshot.counts.failures,
              wait_of(snapshot, policy_, now),
              snapshot.mode != Mode::automatic,
              now};
}

uint64_t CasStore::next_version() {
  const std::scoped_lock lock(random_mutex_);
  return std::max<uint64_t>(1, random_() >> 1);  // 63 bits: also a signed number's
}

// At random, and for longer after each conflict, so that many writers do not meet again and again.
void CasStore::back_off(uint64_t tries, StoreDeadline began, StoreDeadline deadline) {
  const auto now = steady_clock::now();
  const auto longest = std::min((now - began) * static_cast<int64_t>(std::min<uint64_t>(tries, 16)), deadline - now);
  const auto wait = longest / 256 * static_cast<int64_t>(next_version() % 256);
  if (wait > std::chrono::microseconds(50)) std::this_thread::sleep_for(wait);  // a shorter sleep lasts as long
}

}  // namespace cb
