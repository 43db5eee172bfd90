#include "simple_breaker/policies/override.hpp"

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
constexpr std::chrono::milliseconds longest_override = std::chrono::hours(24 * 365);

// The text appears in logs and on terminals, some of which also obey Latin-1's control characters (C2 80 to C2 9F).
bool printable(const std::string& text) {
  unsigned char last = 0;
  for (const unsigned char letter : text) {
    const bool high_control = last == 0xc2 && letter >= 0x80 && letter < 0xa0;
    if (letter < 0x20 || letter == 0x7f || high_control) return false;
    last = letter;
  }
  return true;
}

}  // namespace

std::string_view to_text(Mode mode) { return modes[static_cast<size_t>(mode)].name; }
std::string_view describe(Mode mode) { return modes[static_cast<size_t>(mode)].words; }

std::optional<Mode> mode_from(std::string_view text) {
  for (const ModeText& entry : modes) {
    if (entry.name == text) return entry.mode;
  }
  return std::nullopt;
}

std::string error_in(const Override& override_, std::chrono::milliseconds lasts) {
  if (override_.actor.empty()) return "actor is missing: say who requests this";
  if (override_.actor.size() > longest_actor) return "actor is longer than 64 bytes";
  if (override_.reason.size() > longest_reason) return "reason is longer than 200 bytes";
  if (!printable(override_.actor)) return "actor contains control characters";
  if (!printable(override_.reason)) return "reason contains control characters";
  if (lasts.count() < 0 || lasts > longest_override) return "expires_in_ms must be 1 to 31536000000, or absent";
  return "";
}

}  // namespace cb
