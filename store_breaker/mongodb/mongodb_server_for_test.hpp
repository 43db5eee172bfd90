// For tests: a stand-in for a MongoDB server that speaks as much of its protocol (OP_MSG, and OP_QUERY for the first
// hello) as MongodbStore needs: hello, find by _id, insert, findAndModify by _id and Version, listCollections, create.
// It shows that the driver is used as intended, and what becomes of its errors. It does not show that a real server
// does the same; nor replication, authentication or what a majority means.
// Thread-safe: every method.
#pragma once

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "store_breaker/mongodb/bson_document.hpp"

namespace cb {

BsonDocument bson_from(const std::string& json);
std::string json_of(const bson_t& document);  // relaxed extended JSON

class MongodbServer {
 public:
  MongodbServer();
  ~MongodbServer();
  MongodbServer(const MongodbServer&) = delete;
  MongodbServer& operator=(const MongodbServer&) = delete;

  int port() const { return port_; }
  std::string url() const { return "mongodb://127.0.0.1:" + std::to_string(port_) + "/lab"; }

  // What a person can do.
  std::string document(const std::string& id) const;               // as JSON; empty: it is not there
  void put(const std::string& id, const std::string& json) const;  // without _id
  void erase(const std::string& id);
  void drop_collection();

  // The next command of that name is answered with this document, and does nothing.
  void answer_next(const std::string& command, const std::string& json);
  void close_at_next(const std::string& command);        // instead of an answer the connection ends
  void hang_from_now_on(bool hangs) { hangs_ = hangs; }  // nothing is answered on the connections that exist then

  // The last command of that name, as JSON; empty: there was none.
  std::string last(const std::string& command) const;

 private:
  struct Connection {
    int socket = -1;
    std::jthread thread{};
  };

  void accept_until(const std::stop_token& stop);
  void serve(int socket);
  bool answer_one(int socket);
  BsonDocument answer_to(const bson_t& command, const std::string& name);
  BsonDocument insert(const bson_t& command);
  BsonDocument find(const bson_t& command) const;
  BsonDocument find_and_modify(const bson_t& command);
  BsonDocument list_collections() const;

  const int listener_;
  int port_ = 0;
  std::atomic<bool> hangs_{false};
  mutable std::mutex mutex_;
  mutable std::map<std::string, BsonDocument> documents_;  // guarded by mutex_, like what follows
  std::string collection_id_;                              // empty: the collection does not exist
  int collections_created_ = 0;
  std::map<std::string, std::string> prepared_;
  std::set<std::string> closes_at_;
  std::map<std::string, std::string> last_;
  std::list<Connection> connections_;
  std::jthread acceptor_;  // last: it uses the rest
};

}  // namespace cb
