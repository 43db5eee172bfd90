// A RecordStore keeps one record for each breaker and replaces it only if no other writer was quicker: all that a
// shared breaker needs of a store that cannot run its code. The version decides: each write has another one, which the
// caller chooses, so a store only compares. What fails is a value; nothing throws after construction. Thread-safe:
// every method of a store. A RecordWatch belongs to one thread, except interrupt().
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "redis_breaker/state_store.hpp"
#include "store_breaker/record.hpp"

namespace cb {

using StoreDeadline = std::chrono::steady_clock::time_point;

// What a store has under the name of a breaker.
struct Found {
  uint64_t version = 0;  // of what is there, valid or not; 0: nothing is there
  Record record{};
  std::string fault{};             // why it is not a valid record: then `record` means nothing
  std::optional<TimePoint> now{};  // by the store's clock; nothing: it has none that can be trusted
  uint64_t run = 0;       // which store this is: another number after it was replaced or created again; 0: unknown
  bool was_idle = false;  // nothing is there; what the store has evicted was closed, without an override or failures
};

enum class Written { yes, conflict };  // conflict: another version is there, or none; nothing was changed

struct RecordChange {
  std::string breaker;
  std::optional<Record> record{};  // nothing: read it
};

// Waits for changes by any process, this one included. Changes may be reported twice, or several as one.
class RecordWatch {
 public:
  virtual ~RecordWatch() = default;

  // Blocks until records have changed, until the deadline, or until interrupt(). A return without trouble proves that
  // all changes before this call have been reported; also with a deadline that has passed, which does not block for
  // longer than that proof. StoreTrouble: changes may have been missed, so all records must be read again, and this
  // watch has ended.
  virtual std::variant<std::vector<RecordChange>, StoreTrouble> wait(StoreDeadline deadline) = 0;

  // From any thread: the present wait(), or else the next one, returns at once.
  virtual void interrupt() = 0;
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;

  // `breaker` is the key of a valid Identity: at most 385 characters of A-Z a-z 0-9 _ - . / @ : [ ].
  virtual std::variant<Found, StoreTrouble> read(const std::string& breaker, StoreDeadline deadline) = 0;

  // Writes `record`, which has a version that was never used before, if the present version is `expected`; 0: if there
  // is no record. After StoreTrouble it may have been written.
  virtual std::variant<Written, StoreTrouble> compare_and_set(const std::string& breaker, uint64_t expected,
                                                              const Record& record, StoreDeadline deadline) = 0;

  // All changes after this call. Nothing: this store reports none. StoreTrouble: not at present.
  virtual std::variant<std::unique_ptr<RecordWatch>, StoreTrouble> watch() { return nullptr; }

  // How often an instance reads each of its records. Without a watch this is how late it notices a change: keep it
  // under 800 ms, as a view is used for a second. Beside a watch it is a safety net of some seconds.
  virtual std::chrono::milliseconds poll_interval() const = 0;

  // For logs and GET /status, without a password: "postgresql://db:5432/breakers".
  virtual std::string name() const = 0;
};

// The store that `address` names: memory: or another scheme. Throws std::invalid_argument with one clear line for an
// address that is not valid, and std::runtime_error where the store can never be used (a foreign segment, a missing
// permission); a store that is away at present is opened, and is trouble later. Never puts a password into a message.
std::unique_ptr<RecordStore> open_store(const std::string& address);

}  // namespace cb
