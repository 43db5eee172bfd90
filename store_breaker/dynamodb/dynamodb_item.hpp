// How DynamoDB keeps a record: one item, whose key is `breaker_name`. The requests are JSON texts. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "store_breaker/record_store.hpp"

namespace cb {

struct ItemWrite {
  const std::string& breaker;
  uint64_t expected;  // as in RecordStore::compare_and_set()
  const Record& record;
  uint64_t run;  // of the table; only a new item gets it
};

std::string get_item_request(const std::string& table, const std::string& breaker);
std::string update_item_request(const std::string& table, const ItemWrite& write);

// Of a GetItem, which is a JSON object. Nothing: there is no item.
std::optional<Found> found_in_answer(const std::string& answer);

}  // namespace cb
