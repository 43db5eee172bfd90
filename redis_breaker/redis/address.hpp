// The address of the breakers' Redis, parsed from a URL: one server, the master that Sentinels name, or a cluster.
//   redis://[[user]:password@]host[:port][/db]                              unix:///path
//   redis+sentinel://[[user]:password@]host[:26379][,host...]/master[/db]
//   redis+cluster://[[user]:password@]host[:6379][,host...]
// Each also with rediss in place of redis: over TLS.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "program/address.hpp"

namespace cb::redis {

class TlsClient;

using net::Endpoint;

struct Address {
  enum class Kind { server, sentinel, cluster };
  Kind kind = Kind::server;
  std::string host = "127.0.0.1";  // server: this one, unless
  int port = 6379;
  std::string socket;           // a path; if set, host and port are not used
  std::vector<Endpoint> hosts;  // sentinel: the Sentinels; cluster: the nodes to ask first
  std::string master;           // sentinel: the name under which they watch it
  std::string user;
  std::string password;  // empty: no AUTH is sent
  int database = 0;
  std::shared_ptr<const TlsClient> tls;  // none: plain text

  // The address of one of its servers, with the same login.
  Address at(const Endpoint& endpoint) const;

  // For messages and logs: without the password.
  std::string to_text() const;
};

// Throws std::invalid_argument, which says what is wrong and never contains the password. User and password may be
// %-encoded.
Address parse_url(const std::string& url);

}  // namespace cb::redis
