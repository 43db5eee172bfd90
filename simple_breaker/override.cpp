#include "simple_breaker/override.hpp"

#include <algorithm>
#include <array>

namespace cb {
namespace {

struct ModeText {
  Mode mode;
  std::string_view name;
  std::string_view words;
};

constexpr std::array<ModeText, 6> modes{{{Mode::automatic, "auto", "automatic again"},
                                         {Mode::forced_open, "forced_open", "forced open"},
                                         {Mode::forced_closed, "forced_closed", "forced closed"},
                                         {Mode::disabled, "disabled", "disabled"},
                                         {Mode::metrics_only, "metrics_only", "metrics only"},
                                         {Mode::reset, "reset", "reset"}}};

constexpr size_t longest_actor = 64;
constexpr size_t longest_reason = 200;
constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365);

bool printable(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

std::string_view to_text(Mode mode) { return modes[static_cast<size_t>(mode)].name; }
std::string_view in_words(Mode mode) { return modes[static_cast<size_t>(mode)].words; }

std::optional<Mode> mode_from(std::string_view text) {
  for (const ModeText& entry : modes) {
    if (entry.name == text) return entry.mode;
  }
  return std::nullopt;
}

std::string fault_in(const Override& order, std::chrono::milliseconds lasts) {
  if (order.actor.empty()) return "actor is missing: say who orders this";
  if (order.actor.size() > longest_actor) return "actor is longer than 64 bytes";
  if (order.reason.size() > longest_reason) return "reason is longer than 200 bytes";
  if (!printable(order.actor)) return "actor contains control characters";
  if (!printable(order.reason)) return "reason contains control characters";
  if (lasts.count() < 0 || lasts > longest) return "expires_in_ms must be 1 to 31536000000, or absent";
  return "";
}

}  // namespace cb
