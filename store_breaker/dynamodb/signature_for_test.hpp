// For tests: Signature Version 4 of a request that a server has received, computed from its text by AWS's rules and
// independently of libcurl. Source: AWS, Signature Version 4 signing process, "create a signed request".
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cb {

struct ReceivedRequest {
  std::string method = "GET";
  std::string path = "/";
  std::string query{};                           // as received; only sorted queries are supported
  std::map<std::string, std::string> headers{};  // names in lower case, values as received
  std::string body{};
};

// "Credential=AKID/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa0..."
struct Authorization {
  std::string key_id;
  std::string scope;                   // "20150830/us-east-1/service/aws4_request"
  std::vector<std::string> headers{};  // that are signed
  std::string signature{};
};

// Throws std::invalid_argument if the text is not such a header.
Authorization parse_authorization(const std::string& text);

// What the signature must be, 64 hexadecimal digits.
std::string signature_of(const ReceivedRequest& request, const Authorization& authorization,
                         const std::string& secret_key);

}  // namespace cb
