// A BsonDocument owns one of libbson's documents. (std::unique_ptr cannot: compilers warn that a template argument
// loses the alignment that bson_t asks for.)
#pragma once

#include <bson/bson.h>

#include <utility>

namespace cb {

class BsonDocument {
 public:
  BsonDocument() : document_(bson_new()) {}
  explicit BsonDocument(bson_t* owned) : document_(owned) {}
  BsonDocument(BsonDocument&& other) noexcept : document_(std::exchange(other.document_, nullptr)) {}
  BsonDocument& operator=(BsonDocument&& other) noexcept {
    std::swap(document_, other.document_);
    return *this;
  }
  ~BsonDocument() {
    if (document_ != nullptr) bson_destroy(document_);
  }

  bson_t* get() const { return document_; }
  const bson_t& operator*() const { return *document_; }
  explicit operator bool() const { return document_ != nullptr; }

 private:
  bson_t* document_;
};

}  // namespace cb
