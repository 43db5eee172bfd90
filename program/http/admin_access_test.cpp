#include "program/http/admin_access.hpp"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

using namespace program;
using Verdict = AdminAccess::Verdict;

namespace {

const std::string token = "Sesame-open-0123456789~!\"\\";

Verdict verdict(const AdminAccess& access, const std::string& address, const std::string& authorization = "") {
  return access.check({.remote_address = address, .authorization = authorization});
}

// A folder for one test.
struct Folder {
  Folder() : path((std::filesystem::temp_directory_path() / "admin_access_test.XXXXXX").string()) {
    REQUIRE(mkdtemp(path.data()) != nullptr);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& text, mode_t mode = 0600) const {
    const std::string name = path + "/token";
    std::filesystem::remove(name);
    std::ofstream(name) << text;
    REQUIRE(chmod(name.c_str(), mode) == 0);
    return name;
  }
  std::string path;
};

// Captures what the default logger prints.
struct Logged {
  Logged() : before(spdlog::default_logger()) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(text)));
    spdlog::set_pattern("%v");
  }
  ~Logged() { spdlog::set_default_logger(before); }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;
  std::ostringstream text;
  std::shared_ptr<spdlog::logger> before;
};

std::string refusal_of(const std::string& path) {
  try {
    AdminAccess::from_file(path);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

httplib::Request request(const std::string& address, const std::string& authorization = "") {
  httplib::Request request;
  request.method = "PUT";
  request.path = "/breaker/override";
  request.remote_addr = address;
  if (!authorization.empty()) request.headers.emplace("Authorization", authorization);
  request.headers.emplace("Host", "127.0.0.1:8001");
  return request;
}

std::string error_in(const httplib::Response& response) { return nlohmann::json::parse(response.body).at("error"); }

}  // namespace

TEST_CASE("without a token only clients on loopback are allowed") {
  const AdminAccess access;
  for (const char* local : {"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::ffff:127.3.2.1"}) {
    CAPTURE(local);
    CHECK(verdict(access, local) == Verdict::allowed);
  }
  for (const char* remote : {"10.0.0.1", "128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "fe80::1",
                             "::127.0.0.1", "", "localhost", "127.0.0.1.example.org", "127.1", " 127.0.0.1"}) {
    CAPTURE(remote);
    CHECK(verdict(access, remote) == Verdict::forbidden);
    CHECK(verdict(access, remote, "Bearer " + token) == Verdict::forbidden);
  }
}

TEST_CASE("with a token every client that sends it is allowed, from any address") {
  const AdminAccess access(token);
  for (const char* address : {"127.0.0.1", "10.0.0.1"}) {
    CHECK(verdict(access, address, "Bearer " + token) == Verdict::allowed);
    CHECK(verdict(access, address, "bEARER   " + token + " ") == Verdict::allowed);
  }
}

TEST_CASE("with a token clients on loopback need it too") {
  const AdminAccess access(token);
  CHECK(verdict(access, "127.0.0.1") == Verdict::unauthorized);
  CHECK(verdict(access, "127.0.0.1", "Bearer wrong") == Verdict::forbidden);
}

TEST_CASE("a header without a possible token is unauthorized") {
  const AdminAccess access(token);
  for (const std::string& header : {std::string("Bearer"), std::string("Bearer "), std::string("Bearer    "),
                                    "Basic " + token, token, "Bearer" + token, "Bearer " + token + " more",
                                    "Bearer " + token + '\0', "Bearer " + token + "\x80", " Bearer " + token}) {
    CAPTURE(header);
    CHECK(verdict(access, "10.0.0.1", header) == Verdict::unauthorized);
  }
}

TEST_CASE("every other token is forbidden, however similar") {
  const AdminAccess access(token);
  for (size_t i = 0; i < token.size(); ++i) {
    std::string near = token;
    near[i] = near[i] == 'x' ? 'y' : 'x';
    CHECK(verdict(access, "10.0.0.1", "Bearer " + near) == Verdict::forbidden);
    if (i > 0) CHECK(verdict(access, "10.0.0.1", "Bearer " + token.substr(0, i)) == Verdict::forbidden);
  }
  CHECK(verdict(access, "10.0.0.1", "Bearer " + token + "x") == Verdict::forbidden);
  CHECK(verdict(access, "10.0.0.1", "Bearer " + token + token) == Verdict::forbidden);
  CHECK(verdict(access, "10.0.0.1", "Bearer " + token + std::string(10'000, 'x')) == Verdict::forbidden);
}

TEST_CASE("tokens of 16 to 256 visible characters are usable, and an error does not quote one") {
  for (const size_t length : {16, 256}) {
    const std::string usable(length, '~');
    CHECK(verdict(AdminAccess(usable), "10.0.0.1", "Bearer " + usable) == Verdict::allowed);
  }
  for (const std::string& bad : {std::string(15, 'x'), std::string(257, 'x'), token + " " + token, token + "\n",
                                 token + "\xc3\xa9", std::string()}) {
    CHECK_THROWS_WITH_AS(AdminAccess(std::string(bad)),
                         "admin_token is not usable; write 16 to 256 printable ASCII characters without spaces",
                         std::invalid_argument);
  }
}

TEST_CASE("the token is the file's first line, without surrounding space") {
  const Folder folder;
  for (const std::string& text : {token, token + "\n", "  " + token + " \t\r\n", token + "\nand a comment\n"}) {
    CAPTURE(text);
    const auto access = AdminAccess::from_file(folder.file(text));
    CHECK(verdict(access, "127.0.0.1", "Bearer " + token) == Verdict::allowed);
    CHECK(verdict(access, "127.0.0.1") == Verdict::unauthorized);
  }
  CHECK_NOTHROW(AdminAccess::from_file(folder.file(token, 0400)));
}

TEST_CASE("a token file that others can read or write is rejected") {
  const Folder folder;
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0601, 0644, 0777}) {
    CAPTURE(mode);
    const std::string path = folder.file(token, mode);
    CHECK(refusal_of(path) == "admin_token_file is '" + path + "'; others can read or write it: chmod 600 it");
  }
}

TEST_CASE("a token file of another user is rejected") {
  if (geteuid() != 0) return;  // only root can change an owner
  const Folder folder;
  const std::string path = folder.file(token);
  REQUIRE(chown(path.c_str(), 12345, 12345) == 0);
  CHECK(refusal_of(path).find("it belongs to another user") != std::string::npos);
}

TEST_CASE("a link to a token file is followed") {
  const Folder folder;
  const std::string link = folder.path + "/link";
  std::filesystem::create_symlink("token", link);
  folder.file(token);
  CHECK(refusal_of(link).empty());
  folder.file(token, 0644);
  CHECK(refusal_of(link).find("chmod 600") != std::string::npos);
}

TEST_CASE("anything but a regular file is rejected, without waiting for a pipe") {
  const Folder folder;
  const std::string pipe = folder.path + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& path : {pipe, folder.path, std::string("/dev/null")}) {
    CHECK(refusal_of(path) == "admin_token_file is '" + path + "'; it must be a regular file");
  }
  CHECK(refusal_of(folder.path + "/none").find("it cannot be opened: No such file") != std::string::npos);
}

TEST_CASE("a file without a usable token is refused, and what it holds is not repeated") {
  const Folder folder;
  for (const std::string& text : {std::string(), std::string("\n") + token, std::string("short-secret"),
                                  std::string("a secret with spaces in it"), std::string(300, 's')}) {
    const std::string path = folder.file(text);
    CHECK(refusal_of(path) == "admin_token_file is '" + path +
                                  "'; its first line must be a token of 16 to 256 printable ASCII characters without "
                                  "spaces");
  }
}

TEST_CASE("an admitted request gets no response yet, and is not logged") {
  const Logged logged;
  httplib::Response response;
  CHECK(AdminAccess(token).admit(request("10.0.0.1", "Bearer " + token), response));
  CHECK(AdminAccess().admit(request("127.0.0.1"), response));
  CHECK(response.status == -1);
  CHECK(response.body.empty());
  CHECK(logged.text.str().empty());
}

TEST_CASE("a refusal is JSON, and one log line with client, method and path") {
  const Logged logged;
  httplib::Response none, wrong, far;
  CHECK_FALSE(AdminAccess(token).admit(request("10.0.0.1"), none));
  CHECK(none.status == 401);
  CHECK(none.get_header_value("WWW-Authenticate") == "Bearer");
  CHECK(error_in(none) == "this route needs the header Authorization: Bearer TOKEN");
  CHECK_FALSE(AdminAccess(token).admit(request("10.0.0.2", "Bearer not-" + token), wrong));
  CHECK(wrong.status == 403);
  CHECK_FALSE(wrong.has_header("WWW-Authenticate"));
  CHECK(error_in(wrong) == "that is not the token");
  CHECK_FALSE(AdminAccess().admit(request("10.0.0.3"), far));
  CHECK(far.status == 403);
  CHECK(error_in(far) == "without a token this route is for clients on this machine only");
  CHECK(logged.text.str() ==
        "refused with 401: PUT /breaker/override from 10.0.0.1\n"
        "refused with 403: PUT /breaker/override from 10.0.0.2\n"
        "refused with 403: PUT /breaker/override from 10.0.0.3\n");
}

TEST_CASE("two Authorization headers count as none") {
  const Logged logged;
  httplib::Request twice = request("10.0.0.1", "Bearer " + token);
  twice.headers.emplace("authorization", "Bearer " + token);
  httplib::Response response;
  CHECK_FALSE(AdminAccess(token).admit(twice, response));
  CHECK(response.status == 401);
}

TEST_CASE("a path cannot inject lines into the log") {
  const Logged logged;
  httplib::Request forged = request("10.0.0.1");
  forged.path = "/x\n12:00:00 all is well\x1b[31m" + std::string(1000, 'x');
  httplib::Response response;
  CHECK_FALSE(AdminAccess().admit(forged, response));
  const std::string line = logged.text.str();
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(line.find('\x1b') == std::string::npos);
  CHECK(line.size() < 300);
}

TEST_CASE("without a token a page whose host name resolves to this machine is rejected") {
  const auto verdict = [](std::string_view host) {
    return AdminAccess().check({.remote_address = "127.0.0.1", .host = host});
  };
  for (const char* home : {"localhost", "localhost:8001", "127.0.0.1", "127.0.0.1:8001", "[::1]", "[::1]:8001"}) {
    CAPTURE(home);
    CHECK(verdict(home) == AdminAccess::Verdict::allowed);
  }
  for (const char* other :
       {"", "evil.example", "evil.example:8001", "127.0.0.1.evil.example", "localhost.evil", "[", ":"}) {
    CAPTURE(other);
    CHECK(verdict(other) == AdminAccess::Verdict::forbidden);
  }
}
