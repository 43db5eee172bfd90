#include "load_generator/control_room/documents/chapters.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace load {

std::vector<Chapter> chapters_in(const std::string& folder) {
  std::vector<Chapter> chapters;
  std::ifstream file(folder + "/chapters.txt");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon == 0) continue;
    Chapter& chapter = chapters.emplace_back(Chapter{line.substr(0, colon), {}});
    std::istringstream names(line.substr(colon + 1));
    for (std::string name; names >> name;) chapter.scenarios.push_back(name);
  }
  return chapters;
}

std::vector<Chapter> in_chapters(const std::vector<Chapter>& chapters, const std::vector<std::string>& names) {
  std::set<std::string> left(names.begin(), names.end());
  std::vector<Chapter> sorted;
  for (const Chapter& chapter : chapters) {
    Chapter& known = sorted.emplace_back(Chapter{chapter.title, {}});
    for (const std::string& name : chapter.scenarios) {
      if (left.erase(name) > 0) known.scenarios.push_back(name);
    }
  }
  sorted.push_back({"", {left.begin(), left.end()}});
  return sorted;
}

}  // namespace load
