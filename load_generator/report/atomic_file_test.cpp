#include "load_generator/report/atomic_file.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <vector>

#include "load_generator/tests/scratch_file.hpp"

using namespace load;

namespace {

ptrdiff_t files_in(const std::string& folder) {
  const std::filesystem::directory_iterator files(folder);
  return std::distance(begin(files), end(files));
}

}  // namespace

TEST_CASE("a file that several threads write is one of theirs, whole, and leaves no other file") {
  const ScratchFolder folder;
  {
    std::vector<std::jthread> writers;
    for (const char letter : {'a', 'b', 'c', 'd'}) {
      writers.emplace_back([&folder, letter] {
        for (int i = 0; i < 50; ++i) CHECK_NOTHROW(write_file(folder.path("run.json"), std::string(100'000, letter)));
      });
    }
  }
  std::ifstream file(folder.path("run.json"));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  CHECK(text.size() == 100'000);
  CHECK(text.find_first_not_of(text.front()) == std::string::npos);
  CHECK(files_in(folder.path("")) == 1);
}

TEST_CASE("a file is replaced whole or not at all, and a failure leaves no other file") {
  const ScratchFolder folder;
  const std::string path = folder.path("runs/outage.json");
  write_file(path, "old");
  std::ifstream reader(path);  // opened before the file is replaced
  write_file(path, "new");
  std::string seen;
  reader >> seen;
  CHECK(seen == "old");
  std::ifstream(path) >> seen;
  CHECK(seen == "new");
  CHECK(files_in(folder.path("runs")) == 1);
  const std::string taken = folder.path("taken.json");  // by a folder, which a file cannot replace
  std::filesystem::create_directory(taken);
  CHECK_THROWS_WITH_AS(write_file(taken, "new"), (taken + ": cannot be written").c_str(), std::runtime_error);
  CHECK(files_in(folder.path("")) == 2);  // runs, and the folder
}

TEST_CASE("a link stays a link, and its target is written") {
  const ScratchFolder folder;
  const std::string file = folder.path("file");
  const std::string link = folder.path("link");
  write_file(file, "old");
  std::filesystem::create_symlink(file, link);
  write_file(link, "new");
  CHECK(std::filesystem::is_symlink(link));
  std::string seen;
  std::ifstream(file) >> seen;
  CHECK(seen == "new");
}
