#include "load_generator/terminal/watch_lane.hpp"

#include <algorithm>
#include <cctype>

namespace load {
namespace {

// Draws `sign` in the columns `first` to `last`, except over signs that come before it in `precedence`.
void draw(std::string& lane, const std::string& precedence, char sign, int64_t first, int64_t last) {
  const auto columns = static_cast<int64_t>(lane.size());
  for (int64_t i = std::max<int64_t>(first, 0); i <= std::min(last, columns - 1); ++i) {
    char& drawn = lane[static_cast<size_t>(i)];
    const size_t rank = precedence.find(drawn);
    if (rank == std::string::npos || precedence.find(sign) < rank) drawn = sign;
  }
}

int64_t column_at(Offset at, const LaneSpan& span) {
  return at / span.step - span.now / span.step + static_cast<int64_t>(span.columns) - 1;
}

char sign_of(const Mark& mark) {
  if (mark.late) return '^';
  if (mark.wasted) return '!';
  return mark.probe ? 'o' : 'x';
}

}  // namespace

std::string lane_of_states(const std::vector<Sample>& states, const LaneSpan& span) {
  std::string lane(span.columns, ' ');
  for (size_t i = 0; i < states.size(); ++i) {
    const Offset from = states[i].at;
    const bool is_last = i + 1 == states.size();
    const Offset to = is_last ? span.now : states[i + 1].at;
    const bool ends_with_its_column = !is_last && to > from && to % span.step == Offset(0);
    draw(lane, "hH?oOcC", lane_sign(states[i].state, states[i].local), column_at(from, span),
         column_at(to, span) - (ends_with_its_column ? 1 : 0));
  }
  return lane;
}

std::string lane_of_marks(const std::vector<Mark>& marks, size_t target, const LaneSpan& span) {
  std::string lane(span.columns, ' ');
  for (const Mark& mark : marks) {
    const int64_t column = column_at(mark.at, span);
    if (mark.target == target) draw(lane, "^!ox", sign_of(mark), column, column);
  }
  return lane;
}

char lane_sign(State state, bool local) {
  const char sign = letter(state);
  return local ? static_cast<char>(std::tolower(static_cast<unsigned char>(sign))) : sign;
}

}  // namespace load
