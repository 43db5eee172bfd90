#include "load_generator/fleet/fleet.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "load_generator/api/instance_api.hpp"
#include "program/address.hpp"
#include "program/duration.hpp"

namespace load {
namespace {

using Arguments = std::vector<std::string>;

constexpr int refused_a_setting = 2;  // an exit code
constexpr const char* ready_line = "listening on http://";
constexpr size_t longest_quote = 500;
constexpr const char* unreachable_url = "http://127.0.0.1:1";  // port 1, tcpmux: refused at once

void add(Arguments& arguments, const std::string& option, const std::string& value) {
  arguments.push_back(option);
  arguments.push_back(value);
}

void add(Arguments& arguments, const Settings& settings) {
  const Arguments more = options(settings);
  arguments.insert(arguments.end(), more.begin(), more.end());
}

Arguments upstream_arguments(const Scenario& scenario) {
  Arguments arguments{binaries_folder() + "/unreliable_service"};
  add(arguments, "--port", "0");
  add(arguments, "--plan", "healthy");
  add(arguments, "--seed", std::to_string(scenario.upstream_seed));
  return arguments;
}

bool needs_redis(const Variant& variant) { return variant.stage == Stage::redis || variant.stage == Stage::naive; }

std::string program_of(const Variant& variant) {
  if (needs_redis(variant)) return "/redis_breaker";
  return variant.stage == Stage::store ? "/store_breaker" : "/distributed_breaker";
}

Arguments instance_arguments(const Scenario& scenario, const Variant& variant, const Target& instance) {
  Arguments arguments{binaries_folder() + program_of(variant)};
  add(arguments, "--name", instance.name);
  add(arguments, "--port", "0");
  add(arguments, "--call-timeout", program::to_text(scenario.call_timeout));
  add(arguments, variant.breaker);
  add(arguments, variant.instance);
  return arguments;
}

std::string url_in(const std::string& line) {
  const auto start = line.find("http://");
  return line.substr(start, line.find_first_of(" \"", start) - start);
}

std::string url_of(program::ChildProcess& process, const std::string& source) try {
  return url_in(process.wait_for_line(ready_line));
} catch (const std::runtime_error&) {
  require_settings_accepted(process, source);
  throw;
}

}  // namespace

void require_settings_accepted(program::ChildProcess& process, const std::string& source) {
  if (process.wait(std::chrono::milliseconds(0)) != refused_a_setting) return;
  std::string line = process.output();
  while (line.ends_with('\n')) line.pop_back();
  line.erase(0, line.rfind('\n') + 1);  // npos + 1 is 0
  if (line.starts_with("error: ")) line.erase(0, 7);
  throw std::invalid_argument(source + ": " + printable(line, longest_quote));
}

// A leftover of an earlier process with this number would be a fleet's state.
PrivateSegment::PrivateSegment() {
  static int number = 0;
  name_ = "fleet-" + std::to_string(getpid()) + "-" + std::to_string(++number);
  std::filesystem::remove(path());
}

PrivateSegment::~PrivateSegment() {
  std::error_code ignored;
  std::filesystem::remove(path(), ignored);
}

std::string PrivateSegment::path() const { return "/dev/shm/circuit_breaker." + name_; }

std::string binaries_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path().string(); }

std::string runs_folder() { return (std::filesystem::path(binaries_folder()).parent_path() / "runs").string(); }

std::string run_path(const std::string& name) { return runs_folder() + "/" + name + ".json"; }

Fleet::Fleet(const Scenario& scenario, const Variant& variant)
    : upstream_(upstream_arguments(scenario)), upstream_url_(url_of(upstream_, scenario.file)) {
  if (needs_redis(variant)) start_redis(variant);
  if (variant.proxy) proxies_.emplace(scenario, variant, upstream_url_);
  if (variant.stage == Stage::store) segment_.emplace();
  start_instances(scenario, variant);
}

void Fleet::start_redis(const Variant& variant) {
  if (variant.watched_by_sentinels) {
    watched_redis_.emplace();
  } else {
    redis_.emplace();
  }
}

void Fleet::start_instances(const Scenario& scenario, const Variant& variant) {
  instances_.reserve(scenario.instances);
  for (size_t index = 0; index < scenario.instances; ++index) {
    targets_.push_back({instance_name(index), ""});
    Arguments arguments = instance_arguments(scenario, variant, targets_.back());
    const std::string& upstream = proxies_ ? proxies_->url_for(index) : upstream_url_;
    add(arguments, "--upstream", variant.faults.cut_off == index ? unreachable_url : upstream);
    if (needs_redis(variant)) add(arguments, "--redis", redis_ ? redis_->url() : watched_redis_->url());
    if (needs_redis(variant)) add(arguments, "--store", variant.stage == Stage::naive ? "naive" : "cached");
    if (needs_redis(variant) && scenario.redis_timeout) {
      add(arguments, "--redis-timeout", program::to_text(*scenario.redis_timeout));
    }
    if (segment_) add(arguments, "--store", segment_->address());
    instances_.push_back({arguments, std::nullopt, ""});
    instances_.back().process.emplace(arguments);
  }
  const std::string source = settings_source(scenario, variant);
  for (size_t index = 0; index < instances_.size(); ++index) {
    targets_[index].url = url_of(*instances_[index].process, source);
  }
}

// Signals all before it waits for any; else ten instances would take ten times as long. A frozen one has nothing to
// save, and would first serve the calls that it has not accepted yet.
Fleet::~Fleet() {
  for (Instance& instance : instances_) {
    const bool is_frozen = instance.process->state() == program::ChildProcess::State::stopped;
    instance.process->send_signal(is_frozen ? SIGKILL : SIGTERM);
  }
  upstream_.send_signal(SIGTERM);
}

void Fleet::kill(size_t target) { instances_.at(target).process->send_signal(SIGKILL); }

void Fleet::launch(size_t target) {
  Instance& instance = instances_.at(target);
  instance.process->wait(std::chrono::seconds(5));
  instance.earlier_output += instance.process->output();
  const int port = cb::net::parse_url(targets_.at(target).url).hosts[0].port;
  Arguments arguments = instance.arguments;
  *std::next(std::find(arguments.begin(), arguments.end(), "--port")) = std::to_string(port);
  program::ChildProcess next(arguments);  // if this throws, there is still the old one
  instance.process.emplace(std::move(next));
}

void Fleet::freeze(size_t target) { instances_.at(target).process->send_signal(SIGSTOP); }

void Fleet::resume(size_t target) { instances_.at(target).process->send_signal(SIGCONT); }

program::ChildProcess::State Fleet::state(size_t target) { return instances_.at(target).process->state(); }

bool Fleet::listens(size_t target) const {
  return instances_.at(target).process->output().find(ready_line) != std::string::npos;
}

std::string Fleet::output(size_t target) const {
  const Instance& instance = instances_.at(target);
  return instance.earlier_output + instance.process->output();
}

}  // namespace load
