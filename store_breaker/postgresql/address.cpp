#include "store_breaker/postgresql/address.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>

#include "program/address.hpp"

namespace cb::postgresql {
namespace {

[[noreturn]] void refuse_address(const std::string& why) { throw std::invalid_argument("store: " + why); }

// libpq quotes what it could not read, which may be a password.
std::string without_quotes(const std::string& message) { return message.substr(0, message.find_first_of(":\"\n")); }

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= list.size();) {
    const size_t end = std::min(list.find(',', start), list.size());
    parts.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::string value_of(const Address& address, const std::string& keyword) {
  for (const auto& [name, value] : address.options) {
    if (name == keyword) return value;
  }
  return "";
}

// A password whose @ or / is not encoded ends up in a host, a port or a database, which errors and logs show.
void require_no_login_in_hosts(const Address& address) {
  const std::string hint = " (in a user or password write @ : / % as %40 %3A %2F %25)";
  for (const char* keyword : {"host", "hostaddr", "port", "dbname"}) {
    const bool may_be_login = value_of(address, keyword).find('@') != std::string::npos;
    if (may_be_login) refuse_address("the address has an @ in a host, a port or the database" + hint);
  }
  for (const std::string& port : parts_of(value_of(address, "port"))) {
    if (port.find_first_not_of("0123456789") != std::string::npos)
      refuse_address("the port is not a whole number" + hint);
  }
}

// A list of one part, such as a port of all hosts, is returned as it is.
std::string rotated(const std::string& list, size_t by) {
  std::vector<std::string> parts = parts_of(list);
  std::rotate(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(by % parts.size()), parts.end());
  std::string text = parts.front();
  for (size_t i = 1; i < parts.size(); ++i) text += "," + parts[i];
  return text;
}

std::string host_text(const std::string& host, const std::string& port) {
  const bool is_socket = host.starts_with('/');
  const std::string name = is_socket ? net::percent_encoded(host) : net::Endpoint{host, 0}.to_text();
  return port.empty() ? name : name + ":" + port;
}

}  // namespace

Address parse_address(const std::string& url) {
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(PQconninfoParse(url.c_str(), &error),
                                                                              PQconninfoFree);
  const std::unique_ptr<char, void (*)(void*)> message(error, PQfreemem);
  if (parsed == nullptr)
    refuse_address("the address is not valid: " + without_quotes(error == nullptr ? "out of memory" : error));
  Address address;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) address.options.emplace_back(option->keyword, option->val);
  }
  require_no_login_in_hosts(address);
  return address;
}

Address Address::beginning_with(size_t host) const {
  Address address = *this;
  for (auto& [keyword, value] : address.options) {
    if (keyword == "host" || keyword == "hostaddr" || keyword == "port") value = rotated(value, host);
  }
  return address;
}

std::string Address::to_text() const {
  const std::string user = value_of(*this, "user");
  const std::string host = value_of(*this, "host");
  const std::vector<std::string> hosts = parts_of(host.empty() ? value_of(*this, "hostaddr") : host);
  const std::vector<std::string> ports = parts_of(value_of(*this, "port"));
  std::string text = "postgresql://" + (user.empty() ? "" : net::percent_encoded(user) + "@");
  for (size_t i = 0; i < hosts.size(); ++i) {
    text += (i == 0 ? "" : ",") + host_text(hosts[i], ports[std::min(i, ports.size() - 1)]);
  }
  return text + "/" + net::percent_encoded(value_of(*this, "dbname"));
}

}  // namespace cb::postgresql
