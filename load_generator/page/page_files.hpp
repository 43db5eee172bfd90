// The page's files from load_generator/page/, embedded in the binary.
#pragma once

#include <string_view>
#include <vector>

namespace load {

struct PageFile {
  std::string_view name;  // shared/lanes.js
  std::string_view type;  // text/javascript
  std::string_view content;
};

const std::vector<PageFile>& page_files();

// nullptr if there is no file with that name.
const PageFile* page_file(std::string_view name);

}  // namespace load
