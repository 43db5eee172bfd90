// A CasExchange is one exchange with a store that can compare-and-set, without the store: given what was read, it says
// what has to be written instead, or what the answer is. CasStore runs it over threads and sockets, the simulation in
// virtual time. Not thread-safe; nothing here throws.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simple_breaker/policy.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

// What all exchanges of an instance have in common.
struct CasInstance {
  CasInstance(const Policy& its_policy, std::string unique_name);

  const Policy policy;
  const std::string name;         // unique in the fleet
  const std::string fingerprint;  // of the policy: differs if the settings differ
};

class CasExchange {
 public:
  // All must outlive this object.
  struct Request {
    const LastKnown& known;
    const std::vector<Event>& events;
    StateStore::Writes writes = StateStore::Writes::if_changed;
  };
  CasExchange(const CasInstance& instance, const Request& request) : instance_(instance), request_(request) {}

  // `now`: the store's time, or the fleet's. `version`: random, for this write only. True: record() must replace the
  // version that was found, and if another writer is quicker, what that one wrote must be read; false: it is done.
  bool must_write(const Found& found, TimePoint now, uint64_t version);

  const LastKnown& known() const { return request_.known; }
  const Record& record() const { return record_; }
  Answer& answer() { return answer_; }  // valid once it is done, or its record was written

 private:
  void attempt(const Found& found, TimePoint now, uint64_t version);
  void apply_events(Record& record);
  bool is_write_due(const Record& record, const Record& before) const;

  const CasInstance& instance_;
  const Request request_;
  Answer answer_{};
  Record record_{};
  bool must_write_ = false;
};

// What a record that was written at that time, or is read at it, means to an instance.
News news_of(const Record& record, const Policy& policy, TimePoint now);

}  // namespace cb
