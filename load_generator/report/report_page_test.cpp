#include "load_generator/report/report_page.hpp"

#include <doctest/doctest.h>

#include <algorithm>
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
     "<script src=\"a.js\"></script><script src=\"b.js\"></script><p>the end</p>"},
    {"a.css", "text/css", "p { color: red }"},
    {"a.js", "text/javascript", "first('__RUNS__ <script src=\"c.js\"></script>')"},
    {"b.js", "text/javascript", "second('</SCRIPT> <!-- $1')"}};

}  // namespace

TEST_CASE("style, scripts and runs are in the report itself") {
  const std::string page = report_page(json::array({{{"name", "outage"}}}), of(small_page));
  CHECK(page ==
        "<style>\np { color: red }</style>\n"
        "<script type=\"application/json\">[{\"name\":\"outage\"}]</script>\n"
        "<script>\nfirst('__RUNS__ <script src=\"c.js\"><\\/script>')</script>"
        "<script>\nsecond('<\\/SCRIPT> <\\!-- $1')</script><p>the end</p>");
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
