#include "load_generator/report/report_page.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace load {
namespace {

constexpr size_t largest_report = 64 * 1024 * 1024;

std::string_view content_of(const std::string& name, const PageFileSource& files) {
  const PageFile* file = files(name);
  if (file == nullptr) throw std::logic_error("report.html refers to " + name + ", which does not exist");
  return file->content;
}

// In JSON these characters occur only within strings. Escaped, they cannot end a <script>, start an HTML comment, or
// end a line for an old JavaScript engine.
std::string harmless(const std::string& json_text) {
  static const std::vector<std::pair<std::string_view, std::string_view>> escapes{
      {"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}, {"\u2028", "\\u2028"}, {"\u2029", "\\u2029"}};
  std::string text;
  for (std::string_view rest = json_text; !rest.empty();) {
    const size_t plain = std::min(rest.find_first_of("<>&\u2028"), rest.size());  // or one byte of U+2028
    text += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    const auto found = std::find_if(escapes.begin(), escapes.end(),
                                    [&](const auto& escape) { return rest.starts_with(escape.first); });
    text += found == escapes.end() ? rest.substr(0, 1) : found->second;
    rest.remove_prefix(found == escapes.end() ? 1 : found->first.size());
  }
  return text;
}

// To JavaScript's strings and expressions "<\/script" is the same as "</script", and likewise for CSS, but it does not
// end the element. After "<!--", a later "<script" would hide the end.
std::string element(const std::string& name, std::string_view content, const std::string& attributes = "") {
  static const std::regex ends("<(/script|/style|!--)", std::regex::icase);
  return "<" + name + attributes + ">\n" + std::regex_replace(std::string(content), ends, R"(<\$1)") + "</" + name +
         ">";
}

// "report/report.js" and "../shared/text.js" give "shared/text.js".
std::string path_from(const std::string& importer, const std::string& imported) {
  return (std::filesystem::path(importer).parent_path() / imported).lexically_normal().generic_string();
}

// Joins a module and those that it imports into one script: each once, after those that it imports, and as a function,
// so that two modules may use one name. Its exports are the function's result.
class JoinedModules {
 public:
  explicit JoinedModules(const PageFileSource& files) : files_(files) {}

  // Returns the constant that holds the module's exports.
  std::string add(const std::string& name) {
    const auto [added, is_new] = constants_.emplace(name, fmt::format("module_{}", constants_.size() + 1));
    std::string constant = added->second;
    if (is_new) {
      const std::string content(content_of(name, files_));
      const std::string body = with_imports(name, content);  // first: it adds the modules that this one needs
      text_ += "const " + constant + " = (() => {\n" + body + exports_of(content) + "})();\n";
    }
    return constant;
  }

  const std::string& text() const { return text_; }

 private:
  std::string with_imports(const std::string& name, const std::string& content) {
    static const std::regex import(R"re(^import (\{[^}]*\}) from '([^']+)';\n)re", std::regex::multiline);
    static const std::regex exported("^export ", std::regex::multiline);
    std::string body;
    auto rest = content.cbegin();
    for (std::sregex_iterator found(content.begin(), content.end(), import), end; found != end; ++found) {
      const std::string constant = add(path_from(name, (*found)[2]));
      body += found->prefix().str() + "const " + (*found)[1].str() + " = " + constant + ";\n";
      rest = (*found)[0].second;
    }
    body.append(rest, content.cend());
    return std::regex_replace(body, exported, "");
  }

  static std::string exports_of(const std::string& content) {
    static const std::regex declaration(R"(^export (?:async )?(?:const|let|class|function) (\w+))",
                                        std::regex::multiline);
    std::string names;
    for (std::sregex_iterator found(content.begin(), content.end(), declaration), end; found != end; ++found) {
      names += (names.empty() ? "" : ", ") + (*found)[1].str();
    }
    return names.empty() ? "" : "return { " + names + " };\n";
  }

  const PageFileSource& files_;
  std::map<std::string, std::string> constants_;
  std::string text_;
};

std::string module(const std::string& name, const PageFileSource& files) {
  JoinedModules joined(files);
  joined.add(name);
  return element("script", joined.text(), " type=\"module\"");
}

std::string replacement(const std::smatch& found, const std::string& runs, const PageFileSource& files) {
  if (found[1].matched) return element("style", content_of(found[1], files));
  if (found[2].matched) return module(found[2], files);
  return runs;
}

}  // namespace

std::string report_page(const nlohmann::ordered_json& runs, const PageFileSource& files) {
  static const std::regex places(
      R"re(<link rel="stylesheet" href="([^"]+)">|<script type="module" src="([^"]+)"></script>|__RUNS__)re");
  const std::string page(content_of("report.html", files));
  const std::string data = harmless(runs.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  std::string report;
  auto rest = page.cbegin();
  for (std::sregex_iterator found(page.begin(), page.end(), places), end; found != end; ++found) {
    report += found->prefix().str() + replacement(*found, data, files);
    rest = (*found)[0].second;
  }
  report.append(rest, page.cend());
  if (report.size() > largest_report) {
    throw std::invalid_argument(fmt::format("the report would have {} MiB, of at most {}; give it fewer runs",
                                            report.size() >> 20, largest_report >> 20));
  }
  return report;
}

}  // namespace load
