#include "distributed_breaker/reporting/notable_calls.hpp"

namespace cb {
namespace {

constexpr size_t most_calls_kept = 100;

bool is_notable(const NotableCall& call) {
  const bool failed = call.status == CallStatus::failure || call.status == CallStatus::exception;
  return failed || call.probe || call.late;
}

}  // namespace

void NotableCalls::record(NotableCall call) {
  if (!is_notable(call)) return;
  const std::scoped_lock lock(mutex_);
  call.number = ++last_number_;
  calls_.push_back(std::move(call));
  if (calls_.size() > most_calls_kept) calls_.pop_front();
}

std::vector<NotableCall> NotableCalls::calls() const {
  const std::scoped_lock lock(mutex_);
  return {calls_.begin(), calls_.end()};
}

}  // namespace cb
