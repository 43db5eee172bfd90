// A Variant is what a scenario is played against: a stage with its settings and expectations. Each stage is a variant
// named after it; a file may define more, which change some of the scenario's settings and replace its faults and
// override, or put a proxy in front of the upstream.
// Errors: read_variants() throws std::invalid_argument that names file and field.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "load_generator/record/run_record.hpp"
#include "load_generator/scenario/expectation.hpp"
#include "load_generator/scenario/faults.hpp"
#include "load_generator/scenario/program_settings.hpp"

namespace load {

// naive: stage 3 with the textbook's racy store. store: stage 4, through memory of this host.
enum class Stage { simple, distributed, redis, naive, store };
std::string_view to_text(Stage stage);

// A program between the instances and the upstream, which are then plain callers: what people run in place of a
// breaker, or the lab's own sidecar. It cannot be simulated.
struct Proxy {
  enum class Program { haproxy, nginx, sidecar };
  Program program = Program::sidecar;
  std::string settings;      // the file beside the scenario's; empty: of the sidecar
  bool one_for_all = false;  // else one for each instance
};
std::string_view to_text(Proxy::Program program);

struct Variant {
  std::string name;  // redis, redis-quorum
  Stage stage = Stage::simple;
  Settings breaker;                               // for every program; the rest keeps the program's default
  Settings instance;                              // for the HTTP instances only
  std::optional<ManualOverride> manual_override;  // applied when the load starts
  Faults faults;
  bool watched_by_sentinels = false;  // the Redis, if the stage has one; because a fault needs it
  std::optional<Proxy> proxy;
  std::vector<Expectation> expectations;
};

// Those of its faults that have an effect: none on stage 1, which is one process, and none on Redis without one.
Faults effective_faults(const Variant& variant);

// From a scenario's fields `breaker`, `instance`, `override`, `faults`, `variants` and `expect`: the variants with
// expectations, in the file's order.
std::vector<Variant> read_variants(StrictObject& document, const FaultLimits& limits);

}  // namespace load
