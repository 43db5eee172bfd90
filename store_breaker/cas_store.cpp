#include "store_breaker/cas_store.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <thread>
#include <utility>

namespace cb {
namespace {

using std::chrono::steady_clock;

std::string unique_name(const CasStore::Settings& settings) {
  std::array<char, 10> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "#%08x", static_cast<uint32_t>(settings.seed));
  return settings.instance + suffix.data();
}

}  // namespace

CasStore::CasStore(std::shared_ptr<RecordStore> store, const Policy& policy, Settings settings)
    : store_(std::move(store)),
      settings_(std::move(settings)),
      instance_(policy, unique_name(settings_)),
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
  StoreResult result = try_until_written(breaker, {instance_, {known, events, writes}}, tries);
  exchanges_ += 1;
  conflicts_ += tries - 1;
  uint64_t most = most_tries_;
  while (tries > most && !most_tries_.compare_exchange_weak(most, tries)) {
  }
  return result;
}

CasStore::Counters CasStore::counters() const { return {exchanges_, conflicts_, most_tries_}; }

StoreResult CasStore::try_until_written(const std::string& breaker, CasExchange exchange, uint64_t& tries) {
  const auto deadline = steady_clock::now() + settings_.timeout;
  const TimePoint asked_at = settings_.clock();
  const auto answer = [&](uint64_t version) {
    seen_.exchanged(breaker, exchange.known().generation, {version, exchange.answer().generation});
    exchange.answer().verified_at = asked_at;
    return std::move(exchange.answer());
  };
  while (true) {
    ++tries;
    const auto began = steady_clock::now();
    const auto found = store_->read(breaker, deadline);
    if (const auto* trouble = std::get_if<StoreTrouble>(&found)) return *trouble;
    const auto& there = std::get<Found>(found);
    const FleetClock::Reading time = time_of(breaker, there);
    if (!exchange.must_write(there, time.now, next_version())) return answer(there.version);
    const auto written = store_->compare_and_set(breaker, there.version, exchange.record(), deadline);
    if (const auto* trouble = std::get_if<StoreTrouble>(&written)) return *trouble;
    if (std::get<Written>(written) == Written::yes) {
      if (!there.now) fleet_clock_.wrote(breaker, time, exchange.record().snapshot.state);
      return answer(exchange.record().version);
    }
    if (steady_clock::now() >= deadline) break;
    back_off(tries, began, deadline);
  }
  return StoreTrouble{store_->name() + ": other writers were quicker " + std::to_string(tries) + " times"};
}

FleetClock::Reading CasStore::time_of(const std::string& breaker, const Found& found) {
  if (found.now) return {*found.now, {}};
  const bool has_record = found.version != 0 && found.fault.empty();
  return fleet_clock_.read(breaker, has_record ? std::optional(found.record.written_at) : std::nullopt,
                           found.record.snapshot.state);
}

// --- announcements

std::unique_ptr<ChangeFeed> CasStore::watch(size_t, const std::vector<std::string>& services) {
  auto watch = store_->watch();  // first: what changes after it is reported
  if (const auto* trouble = std::get_if<StoreTrouble>(&watch)) return std::make_unique<RecordFeed>(*trouble);
  auto& records = std::get<std::unique_ptr<RecordWatch>>(watch);
  if (records == nullptr) return nullptr;
  seen_.forget_all();  // nothing has announced what changed before
  const auto found =
      store_->read(services.empty() ? "none" : services.front(), steady_clock::now() + settings_.timeout);
  if (const auto* trouble = std::get_if<StoreTrouble>(&found)) return std::make_unique<RecordFeed>(*trouble);
  const uint64_t run = std::get<Found>(found).run;
  return std::make_unique<RecordFeed>(std::move(records), services, run,
                                      [this, run](const RecordChange& change) { return meaning_of(change, run); });
}

std::chrono::milliseconds CasStore::between_polls() const { return store_->poll_interval(); }

// A record that came with the change need not be read. Its time is that of its write: a push takes milliseconds.
RecordFeed::Meaning CasStore::meaning_of(const RecordChange& change, uint64_t run) {
  if (change.record) return meaning_of(change.breaker, *change.record, change.record->written_at);
  const auto read = store_->read(change.breaker, steady_clock::now() + settings_.timeout);
  if (const auto* trouble = std::get_if<StoreTrouble>(&read)) return *trouble;
  const Found& found = std::get<Found>(read);
  if (found.run != run) return StoreTrouble{store_->name() + ": another store has taken its place"};
  if (found.version != 0 && found.fault.empty())
    return meaning_of(change.breaker, found.record, time_of(change.breaker, found).now);
  seen_.reported(change.breaker, {});
  return RecordFeed::Gone{};
}

// Within a generation of a closed circuit only the count has changed. So it is taken to be of a breaker that was not
// seen: one whose view is not closed asks the store then.
RecordFeed::Meaning CasStore::meaning_of(const std::string& breaker, const Record& record, TimePoint now) {
  const uint64_t generation = record.snapshot.generation;
  const auto before = seen_.reported(breaker, {record.version, generation});
  if (before.version == record.version) return RecordFeed::Known{};
  const bool may_be_same = before.generation == generation || before.generation == 0;
  if (record.snapshot.state == State::closed && may_be_same) return RecordFeed::Counted{};
  return news_of(record, instance_.policy, now);
}

uint64_t CasStore::next_version() {
  const std::scoped_lock lock(mutex_);
  return std::max<uint64_t>(1, random_() >> 1);  // 63 bits: also a signed number's
}

// At random, and for longer after each conflict, so that many writers do not meet again and again.
void CasStore::back_off(uint64_t tries, StoreDeadline began, StoreDeadline deadline) {
  const auto now = steady_clock::now();
  const auto longest = std::min((now - began) * (int64_t{1} << std::min<uint64_t>(tries, 5)), deadline - now);
  const auto wait = longest / 256 * static_cast<int64_t>(next_version() % 256);
  if (wait > std::chrono::microseconds(50)) std::this_thread::sleep_for(wait);  // a shorter sleep lasts as long
}

}  // namespace cb
