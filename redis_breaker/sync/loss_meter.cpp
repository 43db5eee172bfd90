#include "redis_breaker/sync/loss_meter.hpp"

#include <algorithm>
#include <variant>

namespace cb {
namespace {

using namespace std::chrono_literals;

constexpr auto memory = 10s;
constexpr auto most_of_one_breaker = 3;
constexpr auto most_in_a_second = 20;
constexpr auto between_lines = 60s;

}  // namespace

StoreResult LossMeter::judge(const std::string& breaker, StoreResult result, TimePoint now) {
  const auto* reply = std::get_if<Answer>(&result);
  if (reply == nullptr) return result;
  const std::scoped_lock lock(mutex_);
  if (!reply->forgotten) {
    is_unfit_ = false;
    return result;
  }
  while (!losses_.empty() && losses_.front().at <= now - memory) losses_.pop_front();
  losses_.push_back({breaker, now});
  is_unfit_ = is_unfit_ || is_too_much(breaker, now);
  if (!is_unfit_) return result;
  return StoreTrouble{title_ + " is unfit: it keeps removing what it has of " + breaker +
                      " by itself (as a Redis does whose maxmemory-policy is not noeviction)"};
}

bool LossMeter::is_too_much(const std::string& breaker, TimePoint now) const {
  const auto of_it = std::count_if(losses_.begin(), losses_.end(), [&](const Loss& l) { return l.breaker == breaker; });
  const auto at_once = std::count_if(losses_.begin(), losses_.end(), [&](const Loss& l) { return l.at > now - 1s; });
  return of_it > most_of_one_breaker || at_once > most_in_a_second;
}

std::string LossMeter::line_about(const std::string& breaker, TimePoint now) {
  const std::scoped_lock lock(mutex_);
  if (next_line_ != TimePoint{} && now < next_line_) return "";
  next_line_ = now + between_lines;
  return title_ + " removed what it had of " + breaker + " by itself (evicted or expired); this instance restored it";
}

}  // namespace cb
