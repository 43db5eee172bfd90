// For open_store(), in programs with the MongoDB driver and in those without.
#pragma once

#include <memory>
#include <string>

#include "store_breaker/record_store.hpp"

namespace cb {

// As MongodbStore's constructor. Without the driver: std::runtime_error, which names the package.
std::unique_ptr<RecordStore> open_mongodb(const std::string& address);

}  // namespace cb
