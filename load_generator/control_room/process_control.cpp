#include "load_generator/control_room/process_control.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "load_generator/api/instance_api.hpp"
#include "load_generator/fleet/redis_faults.hpp"
#include "program/wait_until.hpp"

namespace load {
namespace {

using Action = ProcessControl::Action;
using ProcessState = ProcessControl::ProcessState;

constexpr std::chrono::milliseconds signal_takes{500};  // a few milliseconds; more on a busy machine

ProcessState state_after(Action action) {
  if (action == Action::kill) return ProcessState::ended;
  return action == Action::freeze ? ProcessState::stopped : ProcessState::running;
}

bool is_so_already(ProcessState state, Action action) {
  return action != Action::flush && state == state_after(action);
}

void require_possible(const std::string& name, ProcessState state, Action action) {
  if (state == ProcessState::ended && action != Action::start) {
    throw RequestError(409, name + " is killed; start it first");
  }
  if (state == ProcessState::stopped && (action == Action::start || action == Action::flush)) {
    throw RequestError(409, name + " is frozen; resume it first");
  }
}

std::string sentence_for(const ProcessControl::Request& request, const std::string& name) {
  const std::array<std::string, 5> sentences{
      " is killed", request.instance ? " starts again, with its name and port" : " starts again, empty", " is frozen",
      " runs again", " has lost all its keys"};
  return name + sentences.at(static_cast<size_t>(request.what));
}

// Which instance of the fleet; nothing: Redis.
std::optional<size_t> target_of(const ProcessControl::Request& request, Fleet& fleet) {
  if (!request.instance) {
    if (!fleet.redis()) throw RequestError(409, "these instances have no Redis");
    return std::nullopt;
  }
  const auto& targets = fleet.targets();
  const auto found = std::find_if(targets.begin(), targets.end(),
                                  [&](const Target& target) { return target.name == *request.instance; });
  if (found != targets.end()) return static_cast<size_t>(found - targets.begin());
  throw RequestError(404, "there is no instance '" + printable(*request.instance, 64) + "'");
}

}  // namespace

Action ProcessControl::action_named(const std::string& word) {
  static const std::map<std::string, Action> actions{{"kill", Action::kill},
                                                     {"start", Action::start},
                                                     {"freeze", Action::freeze},
                                                     {"resume", Action::resume},
                                                     {"flush", Action::flush}};
  return actions.at(word);
}

const char* ProcessControl::word_for(ProcessState state) {
  constexpr std::array<const char*, 3> words{"running", "frozen", "killed"};
  return words.at(static_cast<size_t>(state));
}

ProcessControl::ProcessControl(Fleet* fleet, std::function<void()> changed)
    : fleet_(fleet), changed_(std::move(changed)) {
  if (fleet_ == nullptr) return;
  states_.instances.assign(fleet_->targets().size(), ProcessState::running);
  if (fleet_->redis()) states_.redis = ProcessState::running;
}

std::string ProcessControl::request(const Request& request) {
  if (fleet_ == nullptr) throw RequestError(409, "these instances were started elsewhere; this page may not end them");
  const auto pending = std::make_shared<Pending>(request);
  auto answer = pending->answer.get_future();
  pass_on(pending);
  if (answer.wait_for(patience) != std::future_status::ready) {
    throw RequestError(503, withdraw(pending) ? "the program is busy, and nothing was changed; try again"
                                              : "it takes longer than usual; watch what becomes of it");
  }
  const Answer got = answer.get();
  if (got.status != 200) throw RequestError(got.status, got.sentence);
  return got.sentence;
}

void ProcessControl::pass_on(const std::shared_ptr<Pending>& pending) {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) throw RequestError(503, "the program is ending");
    if (next_) throw RequestError(503, "another request waits already; try again");
    next_ = pending;
  }
  requested_.notify();
}

ProcessControl::States ProcessControl::states() const {
  const std::scoped_lock lock(mutex_);
  return states_;
}

// The answer comes after the look, so that a page that has it gets an update that agrees with it.
void ProcessControl::serve() {
  requested_.clear();
  if (fleet_ == nullptr) return;
  const auto pending = take();
  const Answer answer = pending ? answer_to(pending->what) : Answer{};
  look();
  if (pending) pending->answer.set_value(answer);
}

void ProcessControl::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  if (const auto pending = take()) pending->answer.set_value({503, "the program is ending"});
}

std::shared_ptr<ProcessControl::Pending> ProcessControl::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(next_, nullptr);
}

// False: the main thread has taken it.
bool ProcessControl::withdraw(const std::shared_ptr<Pending>& pending) {
  const std::scoped_lock lock(mutex_);
  if (next_ != pending) return false;
  next_ = nullptr;
  return true;
}

ProcessControl::Answer ProcessControl::answer_to(const Request& request) {
  try {
    return {200, perform(request)};
  } catch (const RequestError& error) {
    return {error.status(), error.what()};
  } catch (const std::runtime_error& error) {  // no process can be started, or Redis did not answer
    return {502, error.what()};
  }
}

std::string ProcessControl::perform(const Request& request) {
  const std::optional<size_t> target = target_of(request, *fleet_);
  const std::string name = target ? fleet_->targets()[*target].name : "Redis";
  const ProcessState before = state_of(target);
  if (is_so_already(before, request.what)) return name + " is " + word_for(before) + " already";
  require_possible(name, before, request.what);
  apply(request.what, target);
  const ProcessState after = state_after(request.what);
  if (!program::wait_until([&] { return state_of(target) == after; }, signal_takes)) {
    throw RequestError(503, name + " is still " + word_for(state_of(target)) + "; watch what becomes of it");
  }
  return sentence_for(request, name);
}

void ProcessControl::apply(Action action, std::optional<size_t> target) {
  constexpr std::array<RedisFault, 5> faults{RedisFault::kill, RedisFault::restart, RedisFault::stop,
                                             RedisFault::resume, RedisFault::flush};
  if (!target) return inject(faults.at(static_cast<size_t>(action)), *fleet_->redis());
  switch (action) {
    case Action::kill:
      return fleet_->kill(*target);
    case Action::start:
      return fleet_->launch(*target);
    case Action::freeze:
      return fleet_->freeze(*target);
    case Action::resume:
      return fleet_->resume(*target);
    case Action::flush:
      throw RequestError(400, "an instance cannot be flushed");
  }
}

ProcessState ProcessControl::state_of(std::optional<size_t> target) {
  return target ? fleet_->state(*target) : fleet_->redis()->process().state();
}

void ProcessControl::look() {
  States now;
  for (size_t target = 0; target < fleet_->targets().size(); ++target) now.instances.push_back(state_of(target));
  if (fleet_->redis()) now.redis = state_of(std::nullopt);
  {
    const std::scoped_lock lock(mutex_);
    if (now == states_) return;
    states_ = std::move(now);
  }
  changed_();
}

}  // namespace load
