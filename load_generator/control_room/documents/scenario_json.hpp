// A scenario as pages show it: its question, its givens, and what is expected of each variant.
#pragma once

#include <nlohmann/json.hpp>

#include "load_generator/scenario/scenario.hpp"

namespace load {

// {"name","question","instances":10,"rate":50,"duration_ms":4500,"plan":"healthy 1s, down","call_timeout_ms":1000,
//  "burst":1,"variants":[..]}; where the file sets them also "arrivals":"poisson","spread":"random","redis_timeout_ms".
// A variant: {"name","stage","run":"outage-10-redis","measure","expectations":[{"measure","because","expected",
//  "at_least","at_most"}],"breaker":{"failure_threshold":"5"},"instance":{..},"override":"metrics_only",
//  "faults":[{"at_ms":2000,"redis":"killed"},{"cut_off":"Instance-B"},{"kill_prober_after_ms":700}]}
// with the settings in force as on a command line, and only those faults that its stage can have. `run` is the name of
// its run, `measure` that of the first expectation; `override` is "" without one.
nlohmann::ordered_json scenario_json(const Scenario& scenario);

}  // namespace load
