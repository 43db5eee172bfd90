#include "distributed_breaker/reporting/local_errors.hpp"

#include <spdlog/spdlog.h>

namespace cb {

void LocalErrors::record(const std::string& cause, Time now) {
  ++count_;
  const std::scoped_lock lock(mutex_);
  if (now < silent_until_) return;
  silent_until_ = now + std::chrono::seconds(1);
  const uint64_t count = count_;
  spdlog::warn("{}; the breaker ignores it ({} since the last such line)", cause, count - logged_);
  logged_ = count;
}

}  // namespace cb
