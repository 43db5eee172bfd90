// A ProcessControl kills, starts, freezes and resumes the processes of the fleet that this program started for its
// pages: the instances, and their private Redis. Processes must be started on the main thread (see ChildProcess), so
// request() passes a request to that thread, which calls serve(), and waits for its answer. Without a fleet every
// request is refused: the instances belong to someone else.
// Thread-safe: every method but serve(). Errors: RequestError, which says why not.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/control_room/request_error.hpp"
#include "load_generator/fleet/fleet.hpp"
#include "program/wake_fd.hpp"

namespace load {

class ProcessControl {
 public:
  enum class Action { kill, start, freeze, resume, flush };  // -9, a new process, SIGSTOP, SIGCONT, FLUSHALL
  static Action action_named(const std::string& word);       // "kill"; throws std::out_of_range

  using ProcessState = program::ChildProcess::State;
  static const char* word_for(ProcessState state);  // "running", "frozen", "killed"

  struct Request {
    std::optional<std::string> instance;  // its name; nothing: Redis
    Action what = Action::kill;
  };
  struct States {
    std::vector<ProcessState> instances;  // by target; empty without a fleet
    std::optional<ProcessState> redis;
    bool operator==(const States&) const = default;
  };

  static constexpr std::chrono::milliseconds look_every{250};  // for processes that end, or are frozen, by other hands
  static constexpr std::chrono::milliseconds patience{2000};   // of request()

  // `fleet` may be nullptr; it must live until close(). `changed` is called by serve() after a change of states().
  ProcessControl(Fleet* fleet, std::function<void()> changed);

  // Returns a sentence that says what was done, or that it was so already. A killed process must be started before it
  // can be frozen, and a frozen one resumed before it can be started: else 409. 503: the main thread did not do it in
  // time.
  std::string request(const Request& request);
  States states() const;  // as serve() found them last

  // Main thread only: does what is requested, and looks at all processes. Call it when fd() is readable, and now and
  // then.
  void serve();
  int fd() const { return requested_.fd(); }
  void close();  // for good: requests that wait, and later ones, are rejected

 private:
  struct Answer {
    int status = 200;
    std::string sentence;
  };
  struct Pending {
    explicit Pending(Request request) : what(std::move(request)) {}
    const Request what;
    std::promise<Answer> answer;
  };

  void pass_on(const std::shared_ptr<Pending>& pending);
  std::shared_ptr<Pending> take();
  bool withdraw(const std::shared_ptr<Pending>& pending);
  Answer answer_to(const Request& request);
  std::string perform(const Request& request);
  void apply(Action action, std::optional<size_t> target);
  ProcessState state_of(std::optional<size_t> target);  // nothing: Redis
  void look();

  Fleet* const fleet_;
  const std::function<void()> changed_;
  program::WakeFd requested_;
  mutable std::mutex mutex_;
  States states_;                  // guarded by mutex_, as are the next
  std::shared_ptr<Pending> next_;  // at most one waits
  bool closed_ = false;
};

}  // namespace load
