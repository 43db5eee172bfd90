#include "store_breaker/cas_exchange.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "store_breaker/reconcile.hpp"
#include "store_breaker/shared_record.hpp"

namespace cb {
namespace {

// FNV-1a: differs if the settings differ.
std::string fingerprint_of(const Policy& policy) {
  uint32_t hash = 2'166'136'261;
  for (const Setting<Policy>& setting : settings()) {
    const double value = std::visit([&](auto field) { return as_number(policy.*field); }, setting.field);
    for (const unsigned char letter : to_text(value) + ' ') hash = (hash ^ letter) * 16'777'619;
  }
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08x", hash);
  return text.data();
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

CasInstance::CasInstance(const Policy& its_policy, std::string unique_name)
    : policy(its_policy), name(std::move(unique_name)), fingerprint(fingerprint_of(its_policy)) {}

bool CasExchange::must_write(const Found& found, TimePoint now, uint64_t version) {
  const bool was_written = found.version != 0 && found.version == record_.version;  // the answer was lost
  if (was_written) return false;
  attempt(found, now, version);
  return must_write_;
}

void CasExchange::attempt(const Found& found, TimePoint now, uint64_t version) {
  const Policy& policy = instance_.policy;
  auto [record, transitions, forgotten] =
      reconcile({found, request_.known, policy, now, version, only_looks(request_.events, request_.writes)});
  answer_ = {.now = now, .forgotten = forgotten, .origin = {0, found.run}};
  if (request_.known.is_count_due) answer_.removals = Removals{};  // a store counts none
  apply_events(record);
  if (!answer_.replies.empty()) prepend(answer_.replies.front().transitions, transitions);
  show(record, policy, answer_);
  if (record.snapshot.generation != 0) answer_.other_settings = other_settings(record, instance_.fingerprint, now);
  must_write_ = is_write_due(record, found.record);
  record.version = version;
  record.written_at = now;
  record.expires_at = now + lifetime(record.snapshot, policy, now);
  record_ = std::move(record);
}

void CasExchange::apply_events(Record& record) {
  const uint64_t before = record.snapshot.generation;
  if (before == 0) {  // a look at what does not exist
    answer_.replies.resize(request_.events.size());
    return;
  }
  for (const Event& event : request_.events) {
    answer_.replies.push_back(cb::apply(record, instance_.policy, instance_.name, event, answer_.now));
  }
  if (record.snapshot.generation != before) record.run = answer_.origin.run;
}

bool CasExchange::is_write_due(const Record& record, const Record& before) const {
  const bool exists = record.snapshot.generation != 0;
  const auto kept_for = lifetime(record.snapshot, instance_.policy, answer_.now);
  const bool is_renewal_due = record.expires_at - answer_.now < kept_for / 2;
  return exists && (request_.writes == StateStore::Writes::always || is_renewal_due || record != before);
}

News news_of(const Record& record, const Policy& policy, TimePoint now) {
  const Snapshot& snapshot = record.snapshot;
  return {snapshot.state,
          snapshot.generation,
          record.epoch,
          snapshot.counts.failures,
          wait_of(snapshot, policy, now),
          snapshot.mode != Mode::automatic,
          now};
}

}  // namespace cb
