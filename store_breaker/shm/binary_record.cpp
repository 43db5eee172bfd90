#include "store_breaker/shm/binary_record.hpp"

#include <cstring>
#include <type_traits>

#include "store_breaker/record_fields.hpp"

namespace cb {
namespace {

template <class Value>
concept Plain = std::is_trivially_copyable_v<Value>;

class ByteWriter {
 public:
  void operator()(const char*, const auto& field) { write(field); }
  std::string bytes;

 private:
  void write(const Plain auto& value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void write(const std::string& text) {
    write(text.size());
    bytes += text;
  }
  template <class Value>
  void write(const std::vector<Value>& list) {
    write(list.size());
    for (const Value& each : list) write(each);
  }
  void write(const Reporter& reporter) {
    write(reporter.instance);
    write(reporter.at);
  }
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : left_(bytes) {}
  void operator()(const char*, auto& field) { read(field); }
  bool is_done() const { return is_valid_ && left_.empty(); }

 private:
  void read(Plain auto& value) {
    if (left_.size() < sizeof value) return fail();
    std::memcpy(static_cast<void*>(&value), left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
  }
  void read(State& state) {
    uint32_t number = 0;
    read(number);
    if (number > static_cast<uint32_t>(State::half_open)) return fail();
    state = static_cast<State>(number);
  }
  void read(Mode& mode) {
    uint32_t number = 0;
    read(number);
    if (number > static_cast<uint32_t>(Mode::reset)) return fail();
    mode = static_cast<Mode>(number);
  }
  void read(std::string& text) {
    size_t size = 0;
    read(size);
    if (size > left_.size()) return fail();
    text = left_.substr(0, size);
    left_.remove_prefix(size);
  }
  template <class Value>
  void read(std::vector<Value>& list) {
    size_t size = 0;
    read(size);
    if (size > left_.size()) return fail();  // an element has a byte at least
    list.resize(size);
    for (Value& each : list) read(each);
  }
  void read(Reporter& reporter) {
    read(reporter.instance);
    read(reporter.at);
  }
  void fail() {
    is_valid_ = false;
    left_ = {};
  }

  std::string_view left_;
  bool is_valid_ = true;
};

static_assert(sizeof(State) == sizeof(uint32_t) && sizeof(Mode) == sizeof(uint32_t));

}  // namespace

std::string to_bytes(const Record& record) {
  ByteWriter writer;
  writer.bytes.reserve(1024);
  for_each_field(record, writer);
  return std::move(writer.bytes);
}

std::optional<Record> record_from_bytes(std::string_view bytes) {
  Record record;
  ByteReader reader(bytes);
  for_each_field(record, reader);
  if (!reader.is_done()) return std::nullopt;
  record.active_override.mode = record.snapshot.mode;
  return record;
}

}  // namespace cb
