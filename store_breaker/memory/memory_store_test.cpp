#include "store_breaker/memory/memory_store.hpp"

#include <doctest/doctest.h>

#include "store_breaker/tests/store_contract_for_test.hpp"

using namespace cb;

namespace {

const std::string name = "payments";

Found read(RecordStore& store) { return read_record(store, name); }

Written write(RecordStore& store, uint64_t expected, uint64_t version) {
  return write_record(store, name, expected, version);
}

}  // namespace

TEST_CASE("memory: keeps the contract of a store") {
  MemoryStore store;
  check_store_contract(store, "payments");
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
