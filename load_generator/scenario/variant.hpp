// A Variant is what a scenario is played against: a stage with its settings and expectations. Each stage is a variant
// named after it; a file may define more, which change some of the scenario's settings and replace its faults and
// override.
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

// naive: stage 3 with the textbook's racy store.
enum class Stage { simple, distributed, redis, naive };
std::string_view to_text(Stage stage);

struct Variant {
  std::string name;  // redis, redis-quorum
  Stage stage = Stage::simple;
  Settings breaker;                               // for every program; the rest keeps the program's default
  Settings instance;                              // for the HTTP instances only
  std::optional<ManualOverride> manual_override;  // applied when the load starts
  Faults faults;
  bool watched_by_sentinels = false;  // the Redis, if the stage has one; because a fault needs it
  std::vector<Expectation> expectations;
};

// Those of its faults that have an effect: none on stage 1, which is one process, and none on Redis without one.
Faults effective_faults(const Variant& variant);

// From a scenario's fields `breaker`, `instance`, `override`, `faults`, `variants` and `expect`: the variants with
// expectations, in the file's order.
std::vector<Variant> read_variants(StrictObject& document, size_t instances);

}  // namespace load
