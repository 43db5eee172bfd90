// The transition table as stage 4 runs it: over a store that holds the record as text.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "simple_breaker/traces/trace.hpp"
#include "store_breaker/cas_store.hpp"
#include "store_breaker/memory/memory_store.hpp"

namespace cb {

// A store whose time the test sets, and instances that share it. Each has a CasStore.
struct CasFleet {
  CasFleet(const Policy& policy, TimePoint begins, size_t instances = 1) : now(begins) {
    for (size_t i = 0; i < instances; ++i) add(policy);
  }

  void add(const Policy& policy) {
    const std::string name = "tester-" + std::to_string(stores.size());
    stores.push_back(std::make_unique<CasStore>(
        records, policy,
        CasStore::Settings{
            .instance = name, .timeout = std::chrono::seconds(5), .clock = [this] { return now; }, .seed = seed++}));
  }

  // By the instance of that number.
  Answer ask(size_t instance, const std::vector<Event>& events, const LastKnown& known = {}) {
    const StoreResult result = stores.at(instance)->apply("traced", known, events);
    const auto* trouble = std::get_if<StoreTrouble>(&result);
    REQUIRE_MESSAGE(trouble == nullptr, trouble->what);
    return std::get<Answer>(result);
  }

  Record record() { return std::get<Found>(records->read("traced", {})).record; }

  TimePoint now;
  std::shared_ptr<MemoryStore> records = std::make_shared<MemoryStore>([this] { return now; });
  std::vector<std::unique_ptr<CasStore>> stores{};
  uint64_t seed = 1;
};

class CasTable final : public Table {
 public:
  CasTable(const Policy& policy, TimePoint begins) : fleet_(policy, begins) { apply(Acquire{}, begins); }

  Reply apply(const Event& event, TimePoint now) override {
    fleet_.now = now;
    return fleet_.ask(0, {event}).replies.front();
  }
  Snapshot snapshot() override { return fleet_.record().snapshot; }

 private:
  CasFleet fleet_;
};

}  // namespace cb
