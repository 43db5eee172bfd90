// A Variant is what a scenario is played against: a stage, with the settings that hold there and what is expected of
// it. Each stage is a variant by its own name; a file may define more, with settings laid over the scenario's own, and
// faults and an override in place of the scenario's.
// Errors: read_variants() throws std::invalid_argument naming file and field.
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

// naive: stage 3 with the textbook's store, which is there to fail.
enum class Stage { simple, distributed, redis, naive };
std::string_view to_text(Stage stage);

struct Variant {
  std::string name;  // redis, redis-quorum
  Stage stage = Stage::simple;
  Settings breaker;                               // for every program; those left out keep the program's own default
  Settings instance;                              // for the HTTP instances only
  std::optional<ManualOverride> manual_override;  // put into force when the load starts
  Faults faults;
  bool watched_by_sentinels = false;  // the Redis, where the stage needs one; because a fault asks for it
  std::vector<Expectation> expectations;
};

// From a scenario's fields `breaker`, `instance`, `override`, `faults`, `variants` and `expect`: those that something
// is expected of, in the file's order.
std::vector<Variant> read_variants(StrictObject& document, size_t instances);

}  // namespace load
