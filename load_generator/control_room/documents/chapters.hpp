// The chapters of a folder's scenarios, in the order in which a learner should play them. They are in its file
// chapters.txt, a chapter a line: `How breakers recover: recovery prober-death`.
#pragma once

#include <string>
#include <vector>

namespace load {

struct Chapter {
  std::string title;
  std::vector<std::string> scenarios;
};

// Without the file, or a line that has a title, there is no chapter.
std::vector<Chapter> chapters_in(const std::string& folder);

// The names again, sorted into chapters: each name once. Those of no chapter follow in one without a title.
std::vector<Chapter> in_chapters(const std::vector<Chapter>& chapters, const std::vector<std::string>& names);

}  // namespace load
