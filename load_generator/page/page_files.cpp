#include "load_generator/page/page_files.hpp"

#include <algorithm>

#include "load_generator/page/embedded_files.hpp"

namespace load {

const std::vector<PageFile>& page_files() {
  static const std::vector<PageFile> files(embedded_files.begin(), embedded_files.end());
  return files;
}

const PageFile* page_file(std::string_view name) {
  const auto found =
      std::find_if(page_files().begin(), page_files().end(), [&](const PageFile& file) { return file.name == name; });
  return found == page_files().end() ? nullptr : &*found;
}

}  // namespace load
