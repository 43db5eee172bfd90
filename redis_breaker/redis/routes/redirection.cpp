#include "redis_breaker/redis/routes/redirection.hpp"

#include <regex>

namespace cb::redis {

// CRC-16/XMODEM, bit by bit: names are short.
uint16_t slot_of(std::string_view tag) {
  unsigned crc = 0;
  for (const char character : tag) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(character)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
  }
  return static_cast<uint16_t>(crc % slot_count);
}

std::optional<Redirection> redirection_in(const std::string& error, const Endpoint& from) {
  static const std::regex form(R"((MOVED|ASK) (\d{1,5}) ([^ ]*):(\d+))");
  const bool may_be_one = error.rfind("MOVED ", 0) == 0 || error.rfind("ASK ", 0) == 0;
  std::smatch parts;
  if (!may_be_one || error.size() > 300 || !std::regex_match(error, parts, form)) return std::nullopt;
  const int slot = std::stoi(parts[2]);
  const auto to = net::reported_endpoint(parts[3].length() == 0 ? from.host : parts[3].str(), parts[4]);
  if (!to || slot >= static_cast<int>(slot_count)) return std::nullopt;
  return Redirection{parts[1] == "MOVED" ? Redirection::Kind::moved : Redirection::Kind::ask,
                     static_cast<uint16_t>(slot), *to};
}

}  // namespace cb::redis
