// The page's files, as they lie in load_generator/page/ (and the chart library's), carried in the binary.
#pragma once

#include <string_view>
#include <vector>

namespace load {

struct PageFile {
  std::string_view name;  // lanes.js
  std::string_view type;  // text/javascript
  std::string_view content;
};

const std::vector<PageFile>& page_files();

// Nothing where there is none of that name.
const PageFile* page_file(std::string_view name);

}  // namespace load
