// A breaker around an HTTP request. No answer and a 5xx are the server's fault; a 4xx is the caller's, and says nothing
// about the server's health. Usage: around_libcurl [URL]
#include <curl/curl.h>

#include <circuit_breaker/circuit_breaker.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <variant>

namespace {

struct Answer {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string body{};
};

size_t append(const char* data, size_t, size_t size, void* body) {
  static_cast<std::string*>(body)->append(data, size);
  return size;
}

Answer get(const std::string& url) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  Answer answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, 1000L);  // a breaker needs an end to every call
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  answer.code = curl_easy_perform(curl.get());
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

const auto http_rules = cb::OutcomeRules{}
                            .ignore_result<Answer>([](const Answer& a) { return a.code == CURLE_URL_MALFORMAT; })
                            .handle_result<Answer>([](const Answer& a) { return a.code != CURLE_OK; })
                            .handle_result<Answer>([](const Answer& a) { return a.status >= 500; })
                            .ignore_result<Answer>([](const Answer& a) { return a.status >= 400; });

}  // namespace

int main(int argc, char** argv) {
  const std::string url = argc > 1 ? argv[1] : "http://127.0.0.1:1/";  // no server listens there
  curl_global_init(CURL_GLOBAL_DEFAULT);
  cb::CircuitBreaker server({.failure_threshold = 3});
  for (int call = 1; call <= 5; ++call) {
    const auto result = cb::execute(
        server, [&url] { return get(url); }, http_rules);
    std::cout << "call " << call << ": ";
    if (const auto* rejection = std::get_if<cb::Rejection>(&result)) {
      std::cout << "rejected, the breaker is " << cb::to_text(rejection->state) << '\n';
    } else if (const auto& answer = std::get<Answer>(result); answer.code != CURLE_OK) {
      std::cout << curl_easy_strerror(answer.code) << '\n';
    } else {
      std::cout << "status " << answer.status << ", " << answer.body.size() << " bytes\n";
    }
  }
  curl_global_cleanup();
}
