// The timeline as JSON, in the format that a run's file, its report and the live stream share. Times are
// `at_ms_since_start`: milliseconds since the start of the load, with fractions. Each function leaves out what was
// before `from`; of the states, the one in force then gets the time `from`. Pure.
//
// Names and causes are text from outside: the caller of dump() has to choose a handler for bytes that are not UTF-8.
#pragma once

#include <nlohmann/json.hpp>

#include "load_generator/record/timeline.hpp"

namespace load {

// The number, or the largest one that every reader of JSON keeps exactly: an instance may report any.
uint64_t whole_in_json(uint64_t number);

constexpr Offset from_the_beginning = Offset::min();

// {"Instance-A":[{"at_ms_since_start":0,"state":"closed"},{..,"state":"open","store":"local"}]}; store only while
// the instance is on its local breaker.
nlohmann::ordered_json states_json(const std::vector<Target>& targets, const std::vector<std::vector<Sample>>& lanes,
                                   Offset from = from_the_beginning);

// [{"at_ms_since_start","instance","generation","from","to","cause"}], in the given order.
nlohmann::ordered_json transitions_json(const std::vector<Target>& targets, const std::vector<Transition>& transitions,
                                        Offset from = from_the_beginning);

// [{"at_ms_since_start","instance","status","probe":true,"late":true,"wasted":true}], each flag only where it is true.
nlohmann::ordered_json marks_json(const std::vector<Target>& targets, const std::vector<Mark>& marks,
                                  Offset from = from_the_beginning);

// [{"at_ms_since_start","took_ms","instance","status","upstream_calls","probe":true,"late":true}], in the given order;
// from when the call was sent. Each flag only where it is true.
nlohmann::ordered_json calls_json(const std::vector<Target>& targets, const std::vector<Call>& calls);

// {"step_ms":200,"upstream_calls":[..],"upstream_failures":[..],"blocked":[..]}
nlohmann::ordered_json traffic_json(const Traffic& traffic);

}  // namespace load
