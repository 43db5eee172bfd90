#include "store_breaker/mongodb/mongodb_address.hpp"

#include <chrono>
#include <cstring>
#include <stdexcept>

namespace cb {
namespace {

using namespace std::chrono_literals;

void set_default(mongoc_uri_t* uri, const char* option, std::chrono::milliseconds value) {
  if (!CB_DRIVER(mongoc_uri_has_option)(uri, option))
    CB_DRIVER(mongoc_uri_set_option_as_int32)(uri, option, static_cast<int32_t>(value.count()));
}

// The driver's message is left out: it may quote the address.
[[noreturn]] void refuse_address() {
  throw std::invalid_argument(
      "mongodb: the address is not valid; write mongodb://[USER:PASSWORD@]HOST[:PORT]/[DATABASE][?OPTIONS], with @ : / "
      "% "
      "in the password as %40 %3A %2F %25");
}

// Waits for a majority, and asks the primary for what a majority has.
void require_majorities(mongoc_uri_t* uri) {
  const Owned<mongoc_write_concern_t> majority(CB_DRIVER(mongoc_write_concern_new)());
  CB_DRIVER(mongoc_write_concern_set_wmajority)(majority.get(), 2000);
  CB_DRIVER(mongoc_uri_set_write_concern)(uri, majority.get());
  const Owned<mongoc_read_prefs_t> primary(CB_DRIVER(mongoc_read_prefs_new)(MONGOC_READ_PRIMARY));
  CB_DRIVER(mongoc_uri_set_read_prefs_t)(uri, primary.get());
  const Owned<mongoc_read_concern_t> committed(CB_DRIVER(mongoc_read_concern_new)());
  CB_DRIVER(mongoc_read_concern_set_level)(committed.get(), MONGOC_READ_CONCERN_LEVEL_MAJORITY);
  const bool has_level =
      CB_DRIVER(mongoc_read_concern_get_level)(CB_DRIVER(mongoc_uri_get_read_concern)(uri)) != nullptr;
  if (!has_level) CB_DRIVER(mongoc_uri_set_read_concern)(uri, committed.get());
}

}  // namespace

Owned<mongoc_uri_t> parse_mongodb_address(const std::string& address) {
  bson_error_t error;
  Owned<mongoc_uri_t> uri(CB_DRIVER(mongoc_uri_new_with_error)(address.c_str(), &error));
  if (!uri) refuse_address();
  set_default(uri.get(), MONGOC_URI_CONNECTTIMEOUTMS, 1s);
  set_default(uri.get(), MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 1s);
  set_default(uri.get(), MONGOC_URI_SOCKETTIMEOUTMS, 2s);
  require_majorities(uri.get());
  const Owned<mongoc_client_t> tried(CB_DRIVER(mongoc_client_new_from_uri)(uri.get()));
  if (!tried) refuse_address();  // its options contradict each other
  for (const mongoc_host_list_t* host = CB_DRIVER(mongoc_uri_get_hosts)(uri.get()); host != nullptr;
       host = host->next) {
    if (std::strchr(host->host_and_port, '@') != nullptr) refuse_address();  // the end of a password
  }
  return uri;
}

std::string database_of(const mongoc_uri_t* uri) {
  const char* database = CB_DRIVER(mongoc_uri_get_database)(uri);
  return database == nullptr || *database == '\0' ? "DistributedCircuitBreaker" : database;
}

std::string name_of(const mongoc_uri_t* uri) {
  std::string hosts;
  for (const mongoc_host_list_t* host = CB_DRIVER(mongoc_uri_get_hosts)(uri); host != nullptr; host = host->next)
    hosts += (hosts.empty() ? "" : ",") + std::string(host->host_and_port);
  return "mongodb://" + hosts + "/" + database_of(uri);
}

}  // namespace cb
