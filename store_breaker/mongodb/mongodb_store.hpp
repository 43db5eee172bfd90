// A MongodbStore keeps each record as one document of a collection: findAndModify on {_id, Version} is the
// compare-and-set, insert the creation. Writes wait for a majority of the replica set, and reads ask its primary for
// what a majority has, so that no failover takes back what an instance has seen. Instances poll. The fleet's time
// counts, not the servers': after a failover another server's clock would. Everything that the breaker needs is in
// `Record`; the other fields are copies for people and for conditions. Their names, like those of database and
// collection, are those of Distributed-Circuit-Breaker where it has them. Thread-safe: every method.
#pragma once

#include <mongoc/mongoc.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "store_breaker/mongodb/driver_threads.hpp"
#include "store_breaker/mongodb/mongodb_address.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

class MongodbStore final : public RecordStore {
 public:
  // mongodb://[USER:PASSWORD@]HOST[:PORT][,HOST...]/[DATABASE][?OPTIONS]; the options are the driver's. Throws
  // std::invalid_argument for an address that is not valid, and std::runtime_error if the server refuses the login or
  // the database. If no server can be reached at present, that is trouble later.
  explicit MongodbStore(const std::string& address);

  std::variant<Found, StoreTrouble> read(const std::string& breaker, StoreDeadline deadline) override;
  std::variant<Written, StoreTrouble> compare_and_set(const std::string& breaker, uint64_t expected,
                                                      const Record& record, StoreDeadline deadline) override;
  std::chrono::milliseconds poll_interval() const override { return std::chrono::milliseconds(500); }
  std::string name() const override;

 private:
  struct Trouble {
    std::string what{};
    bool is_final = false;  // a person must change something; to try again cannot help
  };
  template <class Value>
  using Result = std::variant<Value, Trouble>;
  template <class Value>
  Result<Value> run(std::function<Result<Value>(mongoc_client_t*)> call, StoreDeadline deadline);

  Result<Found> find(mongoc_client_t* client, const std::string& breaker);
  Result<Written> insert(mongoc_client_t* client, const std::string& breaker, const Record& record) const;
  Result<Written> replace(mongoc_client_t* client, const std::string& breaker, uint64_t expected,
                          const Record& record) const;
  Result<uint64_t> find_run(mongoc_client_t* client) const;
  Trouble trouble_from(const bson_error_t& error) const;

  const Owned<mongoc_uri_t> uri_;
  const std::string database_;

  // From the collection's identifier, which is another one after the collection was created again. Each document has
  // the number of the collection in which it was created.
  std::atomic<uint64_t> run_{0};
  DriverThreads threads_;  // last: its calls use the rest
};

}  // namespace cb
