#include "load_generator/fleet.hpp"

#include <csignal>
#include <filesystem>

#include "program/duration.hpp"

namespace load {
namespace {

using Arguments = std::vector<std::string>;

constexpr const char* nobody_listens = "http://127.0.0.1:1";  // port 1, tcpmux: refused at once

void add(Arguments& arguments, const std::string& option, const std::string& value) {
  arguments.push_back(option);
  arguments.push_back(value);
}

void add_policy(Arguments& arguments, const BreakerSettings& breaker) {
  add(arguments, "--failure-threshold", std::to_string(breaker.failure_threshold));
  add(arguments, "--recovery-timeout", program::to_text(breaker.recovery_timeout));
  if (const auto calls = breaker.permitted_calls_in_half_open) {
    add(arguments, "--permitted-calls-in-half-open", std::to_string(*calls));
  }
  if (const auto successes = breaker.success_threshold) {
    add(arguments, "--success-threshold", std::to_string(*successes));
  }
  if (breaker.probe_timeout) add(arguments, "--probe-timeout", program::to_text(*breaker.probe_timeout));
}

Arguments upstream_arguments(const Scenario& scenario) {
  Arguments arguments{binaries_folder() + "/unreliable_service"};
  add(arguments, "--port", "0");
  add(arguments, "--plan", "healthy");
  add(arguments, "--seed", std::to_string(scenario.upstream_seed));
  return arguments;
}

Arguments instance_arguments(const Scenario& scenario, Stage stage, const Target& instance) {
  const bool shared = stage == Stage::redis || stage == Stage::naive;
  Arguments arguments{binaries_folder() + (shared ? "/redis_breaker" : "/distributed_breaker")};
  add(arguments, "--name", instance.name);
  add(arguments, "--port", "0");
  add(arguments, "--call-timeout", program::to_text(scenario.call_timeout));
  add_policy(arguments, scenario.breaker);
  return arguments;
}

std::string url_of(program::ChildProcess& process) {
  const std::string line = process.wait_for_line("listening on http://");
  const auto start = line.find("http://");
  return line.substr(start, line.find_first_not_of("0123456789", line.rfind(':') + 1) - start);
}

}  // namespace

std::string binaries_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path().string(); }

Fleet::Fleet(const Scenario& scenario, Stage stage)
    : upstream_(upstream_arguments(scenario)), upstream_url_(url_of(upstream_)) {
  if (stage == Stage::redis || stage == Stage::naive) redis_.emplace();
  start_instances(scenario, stage);
}

void Fleet::start_instances(const Scenario& scenario, Stage stage) {
  instances_.reserve(scenario.instances);
  for (size_t index = 0; index < scenario.instances; ++index) {
    targets_.push_back({instance_name(index), ""});
    Arguments arguments = instance_arguments(scenario, stage, targets_.back());
    add(arguments, "--upstream", scenario.cut_off == index ? nobody_listens : upstream_url_);
    if (redis_) add(arguments, "--redis", redis_->url());
    if (redis_) add(arguments, "--store", stage == Stage::naive ? "naive" : "atomic");
    instances_.emplace_back(arguments);
  }
  for (size_t index = 0; index < instances_.size(); ++index) targets_[index].url = url_of(instances_[index]);
}

// All are told to stop before any is waited for; else ten instances would take ten times as long.
Fleet::~Fleet() {
  for (auto& instance : instances_) instance.send_signal(SIGTERM);
  upstream_.send_signal(SIGTERM);
}

void Fleet::kill(size_t target) { instances_.at(target).send_signal(SIGKILL); }

}  // namespace load
