// For tests: whether what a page shows can be read, as the browser has laid it out and coloured it.
#pragma once

#include <string>
#include <vector>

#include "load_generator/control_room/browser_tests/browser_for_test.hpp"

namespace load {

// The sizes and colours in which pages have to be legible.
struct NamedLooks {
  std::string name;  // desktop-dark
  Looks looks;
};
std::vector<NamedLooks> all_looks();

// Every text that is visible, but smaller than 11 px, or with a contrast below 4.5 to what lies under it
// (https://www.w3.org/TR/WCAG22/#contrast-minimum), and every field and lane's state whose edge has one below 3, each
// in a line. What is disabled need not have it.
std::vector<std::string> hard_to_read(const Browser& browser);

// By how many pixels the page is wider than its window, and what stands out.
std::string sideways(const Browser& browser);

}  // namespace load
