#include <stdexcept>

#include "store_breaker/mongodb/open_mongodb.hpp"

namespace cb {

std::unique_ptr<RecordStore> open_mongodb(const std::string&) {
  throw std::runtime_error(
      "mongodb: this program was built without the MongoDB driver; install libmongoc-dev and build again");
}

}  // namespace cb
