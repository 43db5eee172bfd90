// AdminAccess says who may use the routes that write. Without a token: clients on loopback only, by a name of this
// machine (so no page that a browser loaded from elsewhere). With one: whoever brings it, and nobody else, loopback
// included. (Behind a proxy on this machine every client is on loopback: use a token there.)
// Thread-safe: every method; nothing changes after construction. The token is never printed, nor what a client sent
// in its place.
// Errors: constructor and from_file() throw std::invalid_argument, one line that says what to do.
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
    unauthorized,  // 401: no token came, or nothing that could be one
    forbidden,     // 403: the wrong token, or an address from afar
  };

  struct Caller {
    std::string_view remote_address;
    std::string_view authorization{};     // the header's value; empty: there is none
    std::string_view host = "localhost";  // likewise: by which name the client knows this server
  };

  // Tokens are 16 to 256 printable ASCII characters without spaces.
  explicit AdminAccess(const std::optional<std::string>& token = std::nullopt);

  // The token is the file's first line, without the space around it. Refuses a file that is not private: it must be a
  // regular one, of this user or root, and mode 600 or less. A link is followed, as mounted secrets are links: all of
  // this is asked of the file that was opened, so there is nothing to swap between the look and the reading.
  static AdminAccess from_file(const std::string& path);

  Verdict check(const Caller& caller) const;

  // Whether the request may go on. Otherwise the response is the refusal, and one line of the log says who asked for
  // what.
  [[nodiscard]] bool admit(const httplib::Request& request, httplib::Response& refusal) const;

 private:
  using Padded = std::array<char, longest_token>;

  static Padded padded(std::string_view token);  // no longer than longest_token
  bool is_token(std::string_view candidate) const;

  std::optional<Padded> token_;
};

// Whether the value of a request's header Host is a name that this machine has for itself: "127.0.0.1:8001",
// "localhost", "[::1]:8001". A page from anywhere may have its own name resolve to this machine, and then talk to it as
// to its own server: but its requests say that name.
bool names_this_machine(std::string_view host);

}  // namespace program
