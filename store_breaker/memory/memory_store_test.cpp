#include "store_breaker/memory/memory_store.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace cb;
using namespace std::chrono_literals;

namespace {

const std::string name = "payments";

Record record(uint64_t version) {
  Record record{.version = version};
  record.snapshot.generation = 7;
  return record;
}

StoreDeadline soon() { return std::chrono::steady_clock::now() + 5s; }

Found read(RecordStore& store) { return std::get<Found>(store.read(name, soon())); }

Written write(RecordStore& store, uint64_t expected, uint64_t version) {
  return std::get<Written>(store.compare_and_set(name, expected, record(version), soon()));
}

std::vector<RecordChange> changes(RecordWatch& watch) {
  return std::get<std::vector<RecordChange>>(watch.wait(soon()));
}

}  // namespace

TEST_CASE("of two writers that read the same version one is refused") {
  MemoryStore store;
  CHECK(read(store).version == 0);
  CHECK(write(store, 0, 50) == Written::yes);
  CHECK(write(store, 0, 51) == Written::conflict);
  CHECK(read(store).record == record(50));
  CHECK(write(store, 50, 40) == Written::yes);
  CHECK(write(store, 50, 41) == Written::conflict);
  CHECK(read(store).version == 40);
}

TEST_CASE("what was deleted cannot be replaced, only created") {
  MemoryStore store;
  CHECK(write(store, 0, 50) == Written::yes);
  store.erase(name);
  CHECK(read(store).version == 0);
  CHECK(write(store, 50, 51) == Written::conflict);
  CHECK(write(store, 0, 52) == Written::yes);
}

TEST_CASE("garbage has a version, so that it can be replaced") {
  MemoryStore store;
  store.put_text(name, "banana");
  const Found found = read(store);
  CHECK(found.fault == R"(the record held "banana")");
  CHECK(write(store, found.version, 50) == Written::yes);
  CHECK(read(store).fault == "");
}

TEST_CASE("a store that lost everything is another one") {
  MemoryStore store;
  CHECK(write(store, 0, 50) == Written::yes);
  const uint64_t run = read(store).run;
  store.lose_everything();
  CHECK(read(store).version == 0);
  CHECK(read(store).run != run);
}

TEST_CASE("a watch reports each change since it began, and none before") {
  MemoryStore store;
  write(store, 0, 50);
  const auto watch = std::get<std::unique_ptr<RecordWatch>>(store.watch());
  write(store, 50, 51);
  const auto seen = changes(*watch);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].breaker == name);
  std::thread writer([&] { write(store, 51, 52); });
  CHECK(changes(*watch).size() == 1);
  writer.join();
}

TEST_CASE("a watch that is interrupted returns at once") {
  MemoryStore store;
  const auto watch = std::get<std::unique_ptr<RecordWatch>>(store.watch());
  std::thread stopper([&] { watch->interrupt(); });
  CHECK(changes(*watch).empty());
  stopper.join();
  CHECK(std::get<std::vector<RecordChange>>(watch->wait({})).empty());
}
