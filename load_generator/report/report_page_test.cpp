#include "load_generator/report/report_page.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;

namespace {

PageFileSource of(const std::vector<PageFile>& files) {
  return [&files](std::string_view name) {
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const PageFile& file) { return file.name == name; });
    return found == files.end() ? nullptr : &*found;
  };
}

// What the browser takes for the runs: up to the first end of the element.
json runs_in(const std::string& page) {
  const std::string begin = "<script type=\"application/json\">";
  const size_t start = page.find(begin) + begin.size();
  return json::parse(page.substr(start, page.find('<', start) - start));
}

const std::vector<PageFile> small_page{
    {"report.html", "text/html",
     "<link rel=\"stylesheet\" href=\"a.css\">\n<script type=\"application/json\">__RUNS__</script>\n"
     "<script type=\"module\" src=\"m/a.js\"></script><p>the end</p>"},
    {"a.css", "text/css", "p { color: red }"},
    {"m/a.js", "text/javascript",
     "// The first.\nimport { second } from './b.js';\nimport { third } from '../c.js';\nsecond('__RUNS__ <script "
     "src=\"c.js\"></script>');\n"},
    {"m/b.js", "text/javascript",
     "import { third } from '../c.js';\nexport const second = third('</SCRIPT> <!-- $1');\n"},
    {"c.js", "text/javascript",
     "const text = 'no import, no export ';\nexport const third = (more) => text + more;\n"}};

std::vector<std::string> modules_of(const std::string& script) {
  static const std::regex start(R"(^const (module_\d+) = \()", std::regex::multiline);
  std::vector<std::string> names;
  for (std::sregex_iterator found(script.begin(), script.end(), start), end; found != end; ++found) {
    names.push_back((*found)[1]);
  }
  return names;
}

}  // namespace

TEST_CASE("style, scripts and runs are in the report itself") {
  const std::string page = report_page(json::array({{{"name", "outage"}}}), of(small_page));
  CHECK(page ==
        "<style>\np { color: red }</style>\n"
        "<script type=\"application/json\">[{\"name\":\"outage\"}]</script>\n"
        "<script type=\"module\">\n"
        "const module_3 = (() => {\nconst text = 'no import, no export ';\nconst third = (more) => text + more;\n"
        "return { third };\n})();\n"
        "const module_2 = (() => {\nconst { third } = module_3;\nconst second = third('<\\/SCRIPT> <\\!-- $1');\n"
        "return { second };\n})();\n"
        "const module_1 = (() => {\n// The first.\nconst { second } = module_2;\nconst { third } = module_3;\n"
        "second('__RUNS__ <script src=\"c.js\"><\\/script>');\n})();\n</script><p>the end</p>");
}

TEST_CASE("in the report's joined modules each module is there once, and nothing is imported") {
  const std::string page = report_page(json::array());
  const std::string begin = "<script type=\"module\">";
  REQUIRE(has(page, begin));
  const std::string script = page.substr(page.find(begin));
  CHECK_FALSE(has(script, "\nimport "));
  CHECK_FALSE(has(script, "\nexport "));
  std::vector<std::string> modules = modules_of(script);
  CHECK(modules.size() > 15);
  std::sort(modules.begin(), modules.end());
  CHECK(std::adjacent_find(modules.begin(), modules.end()) == modules.end());
}

TEST_CASE("no text of a run can end the element around it, and it is read back unchanged") {
  const json runs =
      json::array({{{"cause", "</script><img src=x onerror=alert(1)> <!-- & \u2028\u2029 __RUNS__ \\ \""}}});
  const std::string page = report_page(runs, of(small_page));
  CHECK_FALSE(has(page, "<img"));
  CHECK_FALSE(has(page, "<!--"));
  CHECK_FALSE(has(page, "\u2028"));
  CHECK_FALSE(has(page, "\u2029"));
  CHECK(runs_in(page) == runs);
}

TEST_CASE("bytes that are not UTF-8 do not break a report") {
  CHECK(has(report_page(json::array({"\xff"}), of(small_page)), "\uFFFD"));
}

TEST_CASE("a report that is too large, or has no page, is refused in one line") {
  CHECK_THROWS_WITH_AS(report_page(json::array({std::string(64 << 20, 'x')}), of(small_page)),
                       "the report would have 64 MiB, of at most 64; give it fewer runs", std::invalid_argument);
  CHECK_THROWS_WITH_AS(report_page(json::array(), of({small_page.front()})),
                       "report.html refers to a.css, which does not exist", std::logic_error);
}
