// What a live frame says, in words for a terminal. Pure. See watch_screen.hpp for what becomes of text from outside.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace load {

// At most `most` characters, of which each that is no printable ASCII is a '?'.
std::string terminal_text(const std::string& text, size_t most);

std::string state_in_words(const nlohmann::ordered_json& instance);  // open, half-open, no answer
std::string present_letter(const nlohmann::ordered_json& instance);  // O, or o where the instance goes by its own

// "3 instances of unreliable_service; upstream http://127.0.0.1:9000: fails 60 %"
std::string title_line(const nlohmann::ordered_json& frame);

// Agreement, calls, the upstream's ledger, Redis, and an override where there is one.
std::vector<std::string> figure_lines(const nlohmann::ordered_json& frame);

// "  12.3 Instance-A: closed -> open, 3 consecutive failures"
std::string transition_line(const nlohmann::ordered_json& transition);

}  // namespace load
