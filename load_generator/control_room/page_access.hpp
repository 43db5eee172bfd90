// PageAccess decides which requests the control room answers. It listens on loopback only, but every page that is open
// in a browser on this machine can send requests there. So:
//   - each request must name this server by a name of this machine (Host). A page from elsewhere whose name was made to
//     resolve to loopback (DNS rebinding) sends that name, and gets nothing, not even the token;
//   - a browser's request for another site's page is rejected (Origin, Sec-Fetch-Site), so that no other site can use
//     up the places for pages. A link to the control room's page may be followed;
//   - a request that changes something must have the token that only the control room's page holds, must come from that
//     page (Origin), and must be JSON, which no form on another site can send.
// Thread-safe: nothing changes after construction. Errors: RequestError. The token is never printed.
#pragma once

#include <httplib.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "load_generator/control_room/request_error.hpp"
#include "program/http/admin_access.hpp"

namespace load {

// The pages: route, and file.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 3> page_routes{
    {{"/", "index.html"}, {"/lab", "lab.html"}, {"/experiments", "experiments.html"}}};

class PageAccess {
 public:
  PageAccess();  // with a new token: 128 random bits, as 32 hexadecimal digits

  const std::string& token() const { return token_; }

  static void check_read(const httplib::Request& request);
  void check_change(const httplib::Request& request) const;

 private:
  const std::string token_;
  const program::AdminAccess holder_;  // compares in constant time
};

}  // namespace load
