// A DynamodbStore keeps each record as one item of a DynamoDB table: UpdateItem with a condition on the item's version
// is the compare-and-set, GetItem with ConsistentRead the read. DynamoDB reports no changes to its clients, so
// instances poll; and it has no clock that they could read, so the fleet's time counts. The table's key is
// `breaker_name`, a string. Everything that the breaker needs is in `record`; the other attributes are copies for
// people and for conditions, named as in circuitry where it has them. Thread-safe: every method. A deadline covers the
// whole request. Throttling is trouble like any other.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "store_breaker/dynamodb/dynamodb_client.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

class DynamodbStore final : public RecordStore {
 public:
  // Throws std::runtime_error if the table does not exist (and is not to be created), has another key, or refuses the
  // credentials. If the service is away at present, that is trouble later.
  DynamodbStore(DynamodbAddress address, DynamodbCredentials credentials);

  std::variant<Found, StoreTrouble> read(const std::string& breaker, StoreDeadline deadline) override;
  std::variant<Written, StoreTrouble> compare_and_set(const std::string& breaker, uint64_t expected,
                                                      const Record& record, StoreDeadline deadline) override;
  std::chrono::milliseconds poll_interval() const override { return std::chrono::milliseconds(700); }  // billed
  std::string name() const override { return client_.address().to_text(); }

 private:
  StoreTrouble trouble(const std::string& what) const { return {name() + ": " + what}; }
  std::variant<std::string, DynamodbError> describe_table(StoreDeadline deadline);
  void require_table();
  void create_table();
  void wait_for_table(StoreDeadline deadline);
  bool accept(const std::variant<std::string, DynamodbError>& description);
  void require_key(const std::string& description) const;
  bool note_run(const std::variant<std::string, DynamodbError>& description);

  DynamodbClient client_;

  // When the table was created, in milliseconds: one that was created again has another number. Each item has the
  // number of the table in which it was created.
  std::atomic<uint64_t> run_{0};
};

// For open_store(): with the credentials of the environment.
std::unique_ptr<RecordStore> open_dynamodb(const std::string& address);

}  // namespace cb
