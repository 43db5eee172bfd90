// A store that can compare-and-set, as a simulated server: two scripts that know nothing of breakers, one that reads a
// record and one that replaces it if its version is still the same. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "load_generator/simulation/redis_service.hpp"
#include "store_breaker/record_store.hpp"

namespace simulation {

RedisService::Command read_command(const std::string& breaker);

// Nothing: trouble.
std::optional<cb::Found> found_in(const RedisService::Reply& reply);

// The reply is 1, or 0 for a conflict. It announces what a RecordFeed would. (For people it has the same keys as
// Redis.)
RedisService::Command write_command(const std::string& breaker, const cb::Found& found, const cb::Record& record,
                                    const cb::Policy& policy);

// The version that was written; nothing: this was another command, or a conflict.
std::optional<uint64_t> version_written(const std::vector<std::string>& command, const cb::redis::Reply& reply);

// A person's: a record that is gone is a reset.
std::vector<std::string> delete_command(const std::string& breaker);

}  // namespace simulation
