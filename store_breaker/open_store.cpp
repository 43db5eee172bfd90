#include <array>
#include <stdexcept>

#include "store_breaker/dynamodb/dynamodb_store.hpp"
#include "store_breaker/memory/memory_store.hpp"
#include "store_breaker/mongodb/open_mongodb.hpp"
#include "store_breaker/postgresql/postgresql_store.hpp"
#include "store_breaker/record_store.hpp"
#include "store_breaker/shm/shm_store.hpp"

namespace cb {
namespace {

struct Scheme {
  std::string prefix;
  std::string form;  // for people
  std::unique_ptr<RecordStore> (*open)(const std::string& address);
};

std::unique_ptr<RecordStore> open_memory(const std::string& address) {
  if (address != "memory:") throw std::invalid_argument("store: memory: takes no name");
  return std::make_unique<MemoryStore>();
}

std::unique_ptr<RecordStore> open_shm(const std::string& address) {
  return std::make_unique<ShmStore>(address.substr(address.find(':') + 1));
}

std::unique_ptr<RecordStore> open_postgresql(const std::string& address) {
  return std::make_unique<PostgresqlStore>(address);
}

const std::array<Scheme, 5> schemes{
    {{"memory:", "memory:", open_memory},
     {"shm:", "shm:NAME", open_shm},
     {"postgresql://", "postgresql://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE", open_postgresql},
     {"dynamodb://", "dynamodb://REGION/TABLE", open_dynamodb},
     {"mongodb://", "mongodb://HOST/DATABASE", open_mongodb}}};

}  // namespace

std::unique_ptr<RecordStore> open_store(const std::string& address) {
  std::string forms;
  for (const Scheme& scheme : schemes) {
    if (address.starts_with(scheme.prefix)) return scheme.open(address);
    forms += (forms.empty() ? "" : ", ") + scheme.form;
  }
  // Not the address itself: it may contain a password.
  throw std::invalid_argument("store: unknown scheme; known are: " + forms);
}

}  // namespace cb
