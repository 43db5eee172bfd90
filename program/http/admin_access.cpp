#include "program/http/admin_access.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "program/address.hpp"
#include "program/http/http_server.hpp"

namespace program {
namespace {

constexpr std::string_view blanks = " \t\r\n";

class File {
 public:
  // O_NONBLOCK: opening a FIFO would wait for a writer.
  explicit File(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

[[noreturn]] void refuse_file(const std::string& path, const std::string& why) {
  throw std::invalid_argument("admin_token_file is '" + path + "'; " + why);
}

void require_private(const std::string& path, const struct stat& file) {
  if (!S_ISREG(file.st_mode)) refuse_file(path, "it must be a regular file");
  if (file.st_uid != geteuid() && file.st_uid != 0) refuse_file(path, "it belongs to another user, who can read it");
  if ((file.st_mode & 077) != 0) refuse_file(path, "others can read or write it: chmod 600 it");
}

// The first `longest` bytes, or all.
std::string start_of(const std::string& path, const File& file, size_t longest) {
  std::string text(longest, '\0');
  size_t length = 0;
  while (length < longest) {
    const ssize_t got = read(file.descriptor(), text.data() + length, longest - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse_file(path, std::string("it cannot be read: ") + std::strerror(errno));
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  text.resize(length);
  return text;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_visible(char letter) { return letter > ' ' && letter <= '~'; }

bool can_be_token(std::string_view text) {
  return text.size() >= AdminAccess::shortest_token && text.size() <= AdminAccess::longest_token &&
         std::all_of(text.begin(), text.end(), is_visible);
}

// The header's credentials; empty if the scheme is not Bearer. RFC 9110: a scheme's case does not matter.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  const auto same = [](char wanted, char given) {
    return wanted == (given >= 'A' && given <= 'Z' ? given + 32 : given);
  };
  const std::string_view given = authorization.substr(0, scheme.size());
  if (!std::equal(scheme.begin(), scheme.end(), given.begin(), given.end(), same)) return {};
  return trimmed(authorization.substr(scheme.size()));
}

bool is_loopback(const in_addr& address) { return ntohl(address.s_addr) >> 24 == 127; }

bool is_loopback(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return is_loopback(v4);
  in6_addr v6{};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  if (!IN6_IS_ADDR_V4MAPPED(&v6)) return IN6_IS_ADDR_LOOPBACK(&v6);
  std::memcpy(&v4, &v6.s6_addr[12], sizeof v4);
  return is_loopback(v4);
}

// For the log: a path may contain anything, even line breaks.
std::string on_one_line(std::string_view text) {
  constexpr size_t longest = 200;
  std::string line(text.substr(0, longest));
  std::replace_if(
      line.begin(), line.end(), [](char letter) { return !is_visible(letter); }, '?');
  return line;
}

}  // namespace

AdminAccess::AdminAccess(const std::optional<std::string>& token) {
  if (!token) return;
  if (!can_be_token(*token)) {
    throw std::invalid_argument("admin_token is not usable; write 16 to 256 printable ASCII characters without spaces");
  }
  token_ = padded(*token);
}

AdminAccess AdminAccess::from_file(const std::string& path) {
  const File file(path);
  if (file.descriptor() < 0) refuse_file(path, std::string("it cannot be opened: ") + std::strerror(errno));
  struct stat found {};
  if (fstat(file.descriptor(), &found) != 0) refuse_file(path, std::strerror(errno));
  require_private(path, found);
  const std::string text = start_of(path, file, 4096);
  const std::string_view token = trimmed(std::string_view(text).substr(0, text.find('\n')));
  if (!can_be_token(token)) {
    refuse_file(path, "its first line must be a token of 16 to 256 printable ASCII characters without spaces");
  }
  return AdminAccess(std::string(token));
}

AdminAccess::Verdict AdminAccess::check(const Caller& caller) const {
  if (!token_) {
    const bool is_local = is_loopback(caller.remote_address) && names_this_machine(caller.host);
    return is_local ? Verdict::allowed : Verdict::forbidden;
  }
  const std::string_view candidate = bearer_token(caller.authorization);
  if (candidate.empty() || !std::all_of(candidate.begin(), candidate.end(), is_visible)) return Verdict::unauthorized;
  return is_token(candidate) ? Verdict::allowed : Verdict::forbidden;
}

// Compares both, padded to one length, in constant time: the duration reveals neither how many characters match nor the
// token's length. No token contains a zero byte, so padding never makes two tokens equal.
bool AdminAccess::is_token(std::string_view candidate) const {
  return candidate.size() <= longest_token &&
         CRYPTO_memcmp(padded(candidate).data(), token_->data(), longest_token) == 0;
}

AdminAccess::Padded AdminAccess::padded(std::string_view token) {
  Padded all{};
  std::copy(token.begin(), token.end(), all.begin());
  return all;
}

bool AdminAccess::admit(const httplib::Request& request, httplib::Response& refusal) const {
  // With two such headers it would be ambiguous which one counts.
  const bool one_header = request.get_header_value_count("Authorization") == 1;
  const std::string authorization = one_header ? request.get_header_value("Authorization") : "";
  const std::string host = request.get_header_value("Host");
  const Verdict verdict = check({.remote_address = request.remote_addr, .authorization = authorization, .host = host});
  if (verdict == Verdict::allowed) return true;
  if (verdict == Verdict::unauthorized) {
    refusal.set_header("WWW-Authenticate", "Bearer");
    answer_json(refusal, 401, R"({"error":"this route needs the header Authorization: Bearer TOKEN"})");
  } else if (token_) {
    answer_json(refusal, 403, R"({"error":"that is not the token"})");
  } else {
    answer_json(refusal, 403, R"({"error":"without a token this route is for clients on this machine only"})");
  }
  spdlog::warn("refused with {}: {} {} from {}", refusal.status, request.method, on_one_line(request.path),
               request.remote_addr);
  return false;
}

bool names_this_machine(std::string_view host) try {
  const std::string name = cb::net::parse_endpoint(host).host;
  return name == "localhost" || is_loopback(name);
} catch (const std::invalid_argument&) {
  return false;
}

}  // namespace program
