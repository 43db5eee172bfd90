// Where the breakers' Redis is, as a URL says it. One server, the master that Sentinels name, or a Redis Cluster:
//   redis://[[user]:password@]host[:port][/db]                              unix:///path
//   redis+sentinel://[[user]:password@]host[:26379][,host...]/master[/db]
//   redis+cluster://[[user]:password@]host[:6379][,host...]
// and each with rediss in place of redis, which means over TLS.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cb::redis {

class TlsClient;

struct Endpoint {
  std::string host;
  int port = 0;
  bool operator==(const Endpoint&) const = default;
  std::string to_text() const;
};

// Nothing where this is no host (name or address) or no port from 1 to 65535; servers name each other, too.
std::optional<Endpoint> endpoint_of(const std::string& host, const std::string& port);

struct Address {
  enum class Kind { server, sentinel, cluster };
  Kind kind = Kind::server;
  std::string host = "127.0.0.1";  // server: this one, or
  int port = 6379;
  std::string socket;           // a path; where it is set, host and port are not used
  std::vector<Endpoint> hosts;  // sentinel: the Sentinels; cluster: the nodes that are asked first
  std::string master;           // sentinel: the name of what they watch
  std::string user;
  std::string password;  // empty: no AUTH is sent
  int database = 0;
  std::shared_ptr<const TlsClient> tls;  // none: in the clear

  // One server of them, with the same login.
  Address at(const Endpoint& endpoint) const;

  // For people and logs: never the password.
  std::string to_text() const;
};

// Throws std::invalid_argument that says what is wrong, without the password. User and password may be %-encoded.
Address parse_url(const std::string& url);

}  // namespace cb::redis
