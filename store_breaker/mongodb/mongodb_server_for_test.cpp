#include "store_breaker/mongodb/mongodb_server_for_test.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace cb {
namespace {

constexpr int32_t op_reply = 1;
constexpr int32_t op_query = 2004;
constexpr int32_t op_msg = 2013;
constexpr int32_t longest_message = 1 << 20;
constexpr int look_for_end_ms = 20;

struct Message {
  int32_t id = 0;
  int32_t code = 0;
  std::string body;
};

template <class Number>
Number number_at(const std::string& bytes, size_t at) {
  Number number{};
  if (at + sizeof number <= bytes.size()) std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

template <class Number>
void append_number(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

bool receive(int socket, size_t size, std::string& bytes) {
  bytes.resize(size);
  for (size_t received = 0; received < size;) {
    const auto count = recv(socket, bytes.data() + received, size - received, 0);
    if (count <= 0) return false;
    received += static_cast<size_t>(count);
  }
  return true;
}

std::optional<Message> receive_message(int socket) {
  std::string head;
  Message message;
  if (!receive(socket, 16, head)) return std::nullopt;
  const auto length = number_at<int32_t>(head, 0);
  message.id = number_at<int32_t>(head, 4);
  message.code = number_at<int32_t>(head, 12);
  if (length < 16 || length > longest_message) return std::nullopt;
  if (!receive(socket, static_cast<size_t>(length) - 16, message.body)) return std::nullopt;
  return message;
}

BsonDocument bson_at(const std::string& bytes, size_t at) {
  const auto size = static_cast<size_t>(number_at<int32_t>(bytes, at));
  if (at + size > bytes.size()) return BsonDocument(nullptr);
  return BsonDocument(bson_new_from_data(reinterpret_cast<const uint8_t*>(bytes.data() + at), size));
}

// A section of documents becomes an array of the command.
void append_section(const std::string& body, size_t at, bson_t* command) {
  const size_t end = at + static_cast<size_t>(number_at<int32_t>(body, at));
  const std::string name = body.c_str() + at + 4;
  bson_t array;
  bson_append_array_begin(command, name.c_str(), -1, &array);
  int index = 0;
  for (size_t next = at + 4 + name.size() + 1; next < end;
       next += static_cast<size_t>(number_at<int32_t>(body, next))) {
    const BsonDocument document = bson_at(body, next);
    bson_append_document(&array, std::to_string(index++).c_str(), -1, document.get());
  }
  bson_append_array_end(command, &array);
}

BsonDocument command_in(const Message& message) {
  if (message.code == op_query) return bson_at(message.body, 4 + std::strlen(message.body.c_str() + 4) + 1 + 8);
  BsonDocument command(nullptr);
  std::vector<size_t> sections;
  for (size_t at = 4; at < message.body.size();) {
    const bool is_sequence = message.body[at++] == 1;
    if (is_sequence) sections.push_back(at);
    if (!is_sequence) command = bson_at(message.body, at);
    at += static_cast<size_t>(number_at<int32_t>(message.body, at));
  }
  for (const size_t at : sections) append_section(message.body, at, command.get());
  return command;
}

std::string reply_to(const Message& message, const bson_t& answer) {
  std::string body;
  if (message.code == op_query) {
    append_number<int32_t>(body, 8);  // flags: await capable
    append_number<int64_t>(body, 0);  // cursor
    append_number<int32_t>(body, 0);  // starting from
    append_number<int32_t>(body, 1);  // documents
  } else {
    append_number<uint32_t>(body, 0);  // flags
    body += '\0';                      // one document follows
  }
  body.append(reinterpret_cast<const char*>(bson_get_data(&answer)), answer.len);
  std::string reply;
  append_number<int32_t>(reply, static_cast<int32_t>(16 + body.size()));
  append_number<int32_t>(reply, 0);
  append_number<int32_t>(reply, message.id);
  append_number<int32_t>(reply, message.code == op_query ? op_reply : op_msg);
  return reply + body;
}

std::string name_of(const bson_t& command) {
  bson_iter_t first;
  return bson_iter_init(&first, &command) && bson_iter_next(&first) ? bson_iter_key(&first) : "";
}

BsonDocument part_of(const bson_t& document, const char* path) {
  bson_iter_t root;
  bson_iter_t found;
  if (!bson_iter_init(&root, &document) || !bson_iter_find_descendant(&root, path, &found))
    return BsonDocument(nullptr);
  if (!BSON_ITER_HOLDS_DOCUMENT(&found)) return BsonDocument(nullptr);
  const uint8_t* data = nullptr;
  uint32_t length = 0;
  bson_iter_document(&found, &length, &data);
  return BsonDocument(bson_new_from_data(data, length));
}

std::string id_of(const bson_t& document) {
  bson_iter_t id;
  return bson_iter_init_find(&id, &document, "_id") && BSON_ITER_HOLDS_UTF8(&id) ? bson_iter_utf8(&id, nullptr) : "";
}

// Version: a number, or {$not: {$gte: 1}}, which also matches a document without the field, and one with a text.
bool matches_version(const bson_t& document, const bson_t& filter) {
  bson_iter_t wanted;
  bson_iter_t held;
  if (!bson_iter_init_find(&wanted, &filter, "Version")) return true;
  const bool is_number = bson_iter_init_find(&held, &document, "Version") && BSON_ITER_HOLDS_NUMBER(&held);
  if (BSON_ITER_HOLDS_DOCUMENT(&wanted)) return !is_number || bson_iter_as_int64(&held) < 1;
  return is_number && bson_iter_as_int64(&held) == bson_iter_as_int64(&wanted);
}

BsonDocument changed(const bson_t& document, const bson_t& set) {
  BsonDocument result(bson_copy(&set));
  bson_iter_t field;
  bson_iter_init(&field, &document);
  while (bson_iter_next(&field)) {
    if (!bson_has_field(&set, bson_iter_key(&field))) bson_append_iter(result.get(), bson_iter_key(&field), -1, &field);
  }
  return result;
}

// Of one document, or of none.
BsonDocument cursor_of(const bson_t* document) {
  bson_t batch;
  bson_init(&batch);
  if (document != nullptr) bson_append_document(&batch, "0", -1, document);
  BsonDocument answer(BCON_NEW("cursor", "{", "id", BCON_INT64(0), "ns", BCON_UTF8("lab.CircuitBreakers"), "firstBatch",
                               BCON_ARRAY(&batch), "}", "ok", BCON_DOUBLE(1)));
  bson_destroy(&batch);
  return answer;
}

BsonDocument hello() {
  return bson_from(R"({"ismaster":true,"isWritablePrimary":true,"maxBsonObjectSize":16777216,
    "maxMessageSizeBytes":48000000,"maxWriteBatchSize":100000,"minWireVersion":0,"maxWireVersion":13,
    "readOnly":false,"ok":1.0})");
}

BsonDocument is_done() { return bson_from(R"({"ok":1.0})"); }

int open_listener() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return fd;
}

}  // namespace

BsonDocument bson_from(const std::string& json) {
  bson_error_t error;
  bson_t* document = bson_new_from_json(reinterpret_cast<const uint8_t*>(json.data()), -1, &error);
  if (document == nullptr) throw std::invalid_argument(error.message);
  return BsonDocument(document);
}

std::string json_of(const bson_t& document) {
  const std::unique_ptr<char, void (*)(void*)> text(bson_as_relaxed_extended_json(&document, nullptr), bson_free);
  return text.get();
}

MongodbServer::MongodbServer() : listener_(open_listener()) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool listens = bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                       listen(listener_, 128) == 0 &&
                       getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  if (!listens) throw std::system_error(errno, std::generic_category(), "a stand-in's socket");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_until(stop); });
}

MongodbServer::~MongodbServer() {
  acceptor_.request_stop();
  acceptor_.join();
  for (const Connection& connection : connections_) shutdown(connection.socket, SHUT_RDWR);
  for (Connection& connection : connections_) {
    connection.thread.join();
    close(connection.socket);
  }
  close(listener_);
}

std::string MongodbServer::document(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = documents_.find(id);
  return found == documents_.end() ? "" : json_of(*found->second);
}

void MongodbServer::put(const std::string& id, const std::string& json) const {
  const std::scoped_lock lock(mutex_);
  BsonDocument document = bson_from(json);
  BSON_APPEND_UTF8(document.get(), "_id", id.c_str());
  documents_[id] = std::move(document);
}

void MongodbServer::erase(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  documents_.erase(id);
}

void MongodbServer::drop_collection() {
  const std::scoped_lock lock(mutex_);
  documents_.clear();
  collection_id_.clear();
}

void MongodbServer::answer_next(const std::string& command, const std::string& json) {
  const std::scoped_lock lock(mutex_);
  prepared_[command] = json;
}

void MongodbServer::close_at_next(const std::string& command) {
  const std::scoped_lock lock(mutex_);
  closes_at_.insert(command);
}

std::string MongodbServer::last(const std::string& command) const {
  const std::scoped_lock lock(mutex_);
  const auto found = last_.find(command);
  return found == last_.end() ? "" : found->second;
}

void MongodbServer::accept_until(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, look_for_end_ms) != 1) continue;
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    Connection& connection = connections_.emplace_back();
    connection.socket = socket;
    connection.thread = std::jthread([this, socket] { serve(socket); });
  }
}

void MongodbServer::serve(int socket) {
  while (answer_one(socket)) {
  }
  shutdown(socket, SHUT_RDWR);  // closed at the end, so that no other connection gets its number
}

bool MongodbServer::answer_one(int socket) {
  const auto message = receive_message(socket);
  if (!message) return false;
  const BsonDocument command = command_in(*message);
  if (!command) return false;
  if (hangs_) return true;
  const std::string name = name_of(*command);
  const BsonDocument answer = answer_to(*command, name);
  if (!answer) return false;
  const std::string reply = reply_to(*message, *answer);
  return send(socket, reply.data(), reply.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(reply.size());
}

// Nothing: the connection is to end.
BsonDocument MongodbServer::answer_to(const bson_t& command, const std::string& name) {
  const std::scoped_lock lock(mutex_);
  last_[name] = json_of(command);
  if (closes_at_.erase(name) > 0) return BsonDocument(nullptr);
  if (const auto prepared = prepared_.extract(name)) return bson_from(prepared.mapped());
  if (name == "hello" || name == "isMaster" || name == "ismaster") return hello();
  if (name == "find") return find(command);
  if (name == "insert") return insert(command);
  if (name == "findAndModify" || name == "findandmodify") return find_and_modify(command);
  if (name == "listCollections") return list_collections();
  if (name == "create") {
    collection_id_ = std::string(16, static_cast<char>('a' + collections_created_++));
    return is_done();
  }
  if (name == "endSessions" || name == "ping") return is_done();
  return bson_from(R"({"ok":0.0,"code":59,"codeName":"CommandNotFound","errmsg":"not part of the stand-in"})");
}

BsonDocument MongodbServer::insert(const bson_t& command) {
  const BsonDocument document = part_of(command, "documents.0");
  const std::string id = id_of(*document);
  if (documents_.count(id) > 0)
    return bson_from(R"({"ok":1.0,"n":0,"writeErrors":[{"index":0,"code":11000,"errmsg":"E11000 duplicate key"}]})");
  documents_[id] = BsonDocument(bson_copy(document.get()));
  return bson_from(R"({"ok":1.0,"n":1})");
}

BsonDocument MongodbServer::find(const bson_t& command) const {
  const auto found = documents_.find(id_of(*part_of(command, "filter")));
  return cursor_of(found == documents_.end() ? nullptr : found->second.get());
}

BsonDocument MongodbServer::find_and_modify(const bson_t& command) {
  const BsonDocument query = part_of(command, "query");
  const auto found = documents_.find(id_of(*query));
  if (found == documents_.end() || !matches_version(*found->second, *query))
    return bson_from(R"({"ok":1.0,"value":null,"lastErrorObject":{"n":0,"updatedExisting":false}})");
  found->second = changed(*found->second, *part_of(command, "update.$set"));
  return bson_from(R"({"ok":1.0,"value":{},"lastErrorObject":{"n":1,"updatedExisting":true}})");
}

BsonDocument MongodbServer::list_collections() const {
  if (collection_id_.empty()) return cursor_of(nullptr);
  const auto* bytes = reinterpret_cast<const uint8_t*>(collection_id_.data());
  const BsonDocument collection(BCON_NEW("name", BCON_UTF8("CircuitBreakers"), "type", BCON_UTF8("collection"), "info",
                                         "{", "uuid", BCON_BIN(BSON_SUBTYPE_UUID, bytes, 16), "}"));
  return cursor_of(collection.get());
}

}  // namespace cb
