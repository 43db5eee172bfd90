// PageAccess says which requests the control room answers. It listens on loopback only, but every page that a browser
// on this machine has open can send requests there. So:
//   - every request must know this server by a name of this machine. A page from elsewhere whose own name was made to
//     resolve to loopback (DNS rebinding) says that name, and gets nothing, not even the token;
//   - a request that a browser sends for a page of another site gets nothing either (its Origin, or Sec-Fetch-Site,
//     says so): else any site could take all places of those who look on. A link to this page may be followed;
//   - a request that changes something must bring the token that only the page itself holds, must come from that page
//     (its Origin is this server), and must be JSON, which no foreign form can send.
// Thread-safe: every method; nothing changes after construction. The token is never printed.
#pragma once

#include <httplib.h>

#include <optional>
#include <string>

#include "load_generator/control_room/request_error.hpp"
#include "program/http/admin_access.hpp"

namespace load {

class PageAccess {
 public:
  PageAccess();  // draws a token: 128 bits at random, as 32 hexadecimal digits

  const std::string& token() const { return token_; }

  // Nothing: go on.
  static std::optional<Refusal> refuse_to_show(const httplib::Request& request);
  std::optional<Refusal> refuse_to_change(const httplib::Request& request) const;

 private:
  const std::string token_;
  const program::AdminAccess holder_;  // compares in constant time
};

}  // namespace load
