// A NotifyWatch is a session that listens for the writes of all processes. Each wait() begins with a question to the
// server, and repeats it every second: an answer comes after the notifications of earlier writes, and a server that
// hangs gives none. Belongs to one thread, except interrupt().
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "program/wake_fd.hpp"
#include "store_breaker/postgresql/session_pool.hpp"

namespace cb::postgresql {

class NotifyWatch final : public RecordWatch {
 public:
  // `session` listens. `pool` must outlive this. `name` is the store's.
  NotifyWatch(const SessionPool& pool, std::string name, std::unique_ptr<Session> session);

  std::variant<std::vector<RecordChange>, StoreTrouble> wait(StoreDeadline deadline) override;
  void interrupt() override { wake_.notify(); }

 private:
  using Time = std::chrono::steady_clock::time_point;
  std::string fault();         // empty: it can be relied on
  Time look_again_at() const;  // for a fault

  const SessionPool& pool_;
  const std::string name_;
  const std::unique_ptr<Session> session_;
  const program::WakeFd wake_;
  Time asked_at_;
  enum class Question { none, of_an_earlier_wait, of_this_wait } question_ = Question::none;  // not answered yet
  bool is_proved_ = false;  // the server has answered a question of this wait(): it sends notifications before answers
};

}  // namespace cb::postgresql
