#include "store_breaker/dynamodb/signature_for_test.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace cb {
namespace {

std::string hex(const std::string& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) text.append({digits[byte / 16], digits[byte % 16]});
  return text;
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return {digest.begin(), digest.begin() + size};
}

std::string hmac(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest.data(), &size);
  return {digest.begin(), digest.begin() + size};
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::istringstream stream(text);
  std::vector<std::string> parts;
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// Without spaces around it, and with one where there were several.
std::string trimmed(const std::string& value) {
  const std::string single = std::regex_replace(value, std::regex(" +"), " ");
  return std::regex_replace(single, std::regex("^ | $"), "");
}

std::string canonical(const ReceivedRequest& request, const std::vector<std::string>& signed_headers) {
  std::string text = request.method + "\n" + request.path + "\n" + request.query + "\n";
  std::string names;
  for (const std::string& name : signed_headers) {
    text += name + ":" + trimmed(request.headers.at(name)) + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  return text + "\n" + names + "\n" + hex(sha256(request.body));
}

}  // namespace

Authorization parse_authorization(const std::string& text) {
  static const std::regex form(
      "AWS4-HMAC-SHA256 Credential=([^/]+)/([^ ,]+), SignedHeaders=([^ ,]+), Signature=([0-9a-f]{64})");
  std::smatch found;
  if (!std::regex_match(text, found, form)) throw std::invalid_argument("not an Authorization header: " + text);
  return {found[1], found[2], split(found[3], ';'), found[4]};
}

std::string signature_of(const ReceivedRequest& request, const Authorization& authorization,
                         const std::string& secret_key) {
  const std::string text = "AWS4-HMAC-SHA256\n" + request.headers.at("x-amz-date") + "\n" + authorization.scope + "\n" +
                           hex(sha256(canonical(request, authorization.headers)));
  std::string key = "AWS4" + secret_key;
  for (const std::string& part : split(authorization.scope, '/')) key = hmac(key, part);
  return hex(hmac(key, text));
}

}  // namespace cb
