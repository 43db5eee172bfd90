// AdminAccess decides which clients may use the routes that write. Without a token: clients on loopback that address
// this machine by a local name, which excludes pages that a browser loaded from elsewhere. (Behind a proxy on this
// machine every client is on loopback: use a token there.) With a token: only clients that send it, even on loopback.
// Thread-safe: every method. Neither the token nor a client's wrong token is ever printed.
// Errors: constructor and from_file() throw std::invalid_argument with one line that says what to do.
#pragma once

#include <httplib.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace program {

class AdminAccess {
 public:
  static constexpr size_t shortest_token = 16, longest_token = 256;

  enum class Verdict {
    allowed,
    unauthorized,  // 401: no token, or text that cannot be one
    forbidden,     // 403: the wrong token, or a remote address
  };

  struct Caller {
    std::string_view remote_address;
    std::string_view authorization{};     // the header's value; empty: no such header
    std::string_view host = "localhost";  // likewise: the name by which the client addresses this server
  };

  // Tokens are 16 to 256 printable ASCII characters without spaces.
  explicit AdminAccess(const std::optional<std::string>& token = std::nullopt);

  // The token is the file's first line, without surrounding space. Rejects a file that is not private: it must be a
  // regular file of this user or root, with mode 600 or less. Follows links, as mounted secrets are links; it checks
  // the opened file, so nothing can be swapped between the check and the read.
  static AdminAccess from_file(const std::string& path);

  Verdict check(const Caller& caller) const;

  // True if the request may proceed. Otherwise fills in the refusal, and logs one line with client, method and path.
  [[nodiscard]] bool admit(const httplib::Request& request, httplib::Response& refusal) const;

 private:
  using Padded = std::array<char, longest_token>;

  static Padded padded(std::string_view token);  // no longer than longest_token
  bool is_token(std::string_view candidate) const;

  std::optional<Padded> token_;
};

// True if the value of a request's Host header is a local name of this machine: "127.0.0.1:8001", "localhost",
// "[::1]:8001". A foreign page can make its own host name resolve to this machine and then use it like its own server
// (DNS rebinding), but its requests carry that host name.
bool names_this_machine(std::string_view host);

}  // namespace program
