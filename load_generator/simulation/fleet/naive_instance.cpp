#include "load_generator/simulation/fleet/naive_instance.hpp"

#include <cstdlib>
#include <utility>

namespace simulation {
namespace {

std::string key(const char* name) { return std::string("cb:") + SharedInstance::breaker + ":" + name; }

std::string text_in(const RedisService::Reply& reply, const char* otherwise) {
  if (!reply || !reply->error().empty()) return otherwise;
  const std::string text(cb::redis::text_of(**reply));
  return text.empty() ? otherwise : text;
}

cb::State to_state(const std::string& text) { return cb::state_from(text).value_or(cb::State::closed); }

}  // namespace

RedisService::ReplyTo NaiveInstance::command(std::vector<std::string> words) {
  auto answer = std::make_shared<Answer<RedisService::Reply>>(fleet_.loop);
  fleet_.redis.ask(node_, std::make_shared<const std::vector<std::string>>(std::move(words)), answer);
  return answer;
}

Task NaiveInstance::decide(Answer<Admission>& answer) {
  const auto asked = command({"GET", key("state")});
  const std::string state = text_in(co_await asked->given(), "closed");
  if (state == "closed") {
    answer.give(Granted{{1, 0}, fleet_.loop.now()});
    co_return;
  }
  const auto when = command({"GET", key("last_failure")});
  const double failed_at = std::strtod(text_in(co_await when->given(), "0").c_str(), nullptr);
  const double left =
      failed_at + std::chrono::duration<double>(fleet_.config->policy.recovery_timeout).count() - epoch_seconds();
  if (state == "open" && left <= 0) {
    const auto done = command({"SET", key("state"), "half_open"});
    co_await done->given();
    transition(state, cb::State::half_open, "recovery timeout over");
    answer.give(Granted{{1, 1}, fleet_.loop.now()});
    co_return;
  }
  answer.give(cb::Rejection{to_state(state), milliseconds(static_cast<int64_t>(left * 1000))});
}

void NaiveInstance::settle(Granted&, cb::Outcome outcome, Answer<cb::Settled>& answer) {
  if (outcome == cb::Outcome::success) {
    succeed(answer);
  } else {
    fail(answer);
  }
}

Task NaiveInstance::succeed(Answer<cb::Settled>& answer) {
  const auto zeroed = command({"SET", key("failures"), "0"});
  co_await zeroed->given();
  const auto asked = command({"GET", key("state")});
  const std::string state = text_in(co_await asked->given(), "closed");
  if (state == "half_open") {
    const auto done = command({"SET", key("state"), "closed"});
    co_await done->given();
    transition(state, cb::State::closed, "a call succeeded");
  }
  answer.give({to_state(state), false});
}

Task NaiveInstance::fail(Answer<cb::Settled>& answer) {
  const auto counted = command({"INCR", key("failures")});
  const RedisService::Reply reply = co_await counted->given();
  const auto failures = reply && reply->error().empty() ? (*reply)->integer : 0;
  const auto noted = command({"SET", key("last_failure"), std::to_string(epoch_seconds())});
  co_await noted->given();
  const auto asked = command({"GET", key("state")});
  const std::string state = text_in(co_await asked->given(), "closed");
  if (failures >= fleet_.config->policy.failure_threshold && state != "open") {
    const auto done = command({"SET", key("state"), "open"});
    co_await done->given();
    transition(state, cb::State::open, std::to_string(failures) + " failures");
  }
  answer.give({to_state(state), false});
}

cb::State NaiveInstance::state() const {
  const auto found = fleet_.redis.leader().data().find(key("state"));
  if (found == fleet_.redis.leader().data().end()) return cb::State::closed;
  const auto* text = std::get_if<std::string>(&found->second.value);
  return text == nullptr ? cb::State::closed : to_state(*text);
}

void NaiveInstance::transition(const std::string& from, cb::State to, std::string cause) {
  const TimePoint now = fleet_.loop.now();
  const auto generation = static_cast<uint64_t>(now.time_since_epoch().count());
  fleet_.observer.noticed(node_, cb::NoticeKind::transition, {to_state(from), to, generation, std::move(cause), now});
}

}  // namespace simulation
