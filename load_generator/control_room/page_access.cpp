#include "load_generator/control_room/page_access.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

namespace load {
namespace {

std::string random_token() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  std::string token;
  for (const unsigned char byte : bytes) {
    token += digits[byte >> 4];
    token += digits[byte & 15];
  }
  return token;
}

// Nothing if there is none, or more than one.
std::optional<std::string> only(const httplib::Request& request, const char* header) {
  if (request.get_header_value_count(header) != 1) return std::nullopt;
  return request.get_header_value(header);
}

bool is_json(const httplib::Request& request) {
  const std::string type = only(request, "Content-Type").value_or("");
  return type.substr(0, type.find_first_of("; ")) == "application/json";
}

bool comes_from_the_page(const httplib::Request& request) {
  return only(request, "Origin") == "http://" + request.get_header_value("Host");
}

// Browsers add these headers, and no page can change them. Other clients send none of them.
bool comes_from_another_page(const httplib::Request& request) {
  if (request.has_header("Origin") && !comes_from_the_page(request)) return true;
  if (!request.has_header("Sec-Fetch-Site")) return false;
  const std::string site = only(request, "Sec-Fetch-Site").value_or("");
  return site != "same-origin" && site != "none";
}

// A followed link: the browser shows the answer in place of the page with the link, which cannot read it.
bool is_a_visit(const httplib::Request& request) {
  const bool is_page =
      std::any_of(page_routes.begin(), page_routes.end(), [&](const auto& page) { return page.first == request.path; });
  return is_page && !request.has_header("Origin") && only(request, "Sec-Fetch-Mode") == "navigate" &&
         only(request, "Sec-Fetch-Dest").value_or("document") == "document";
}

}  // namespace

PageAccess::PageAccess() : token_(random_token()), holder_(token_) {}

void PageAccess::check_read(const httplib::Request& request) {
  const auto host = only(request, "Host");
  if (!host || !program::names_this_machine(*host)) {
    throw RequestError(403,
                       "the control room is for browsers on this machine; its address is http://127.0.0.1 or "
                       "http://localhost, with its port");
  }
  if (comes_from_another_page(request) && !is_a_visit(request)) {
    throw RequestError(403, "the control room does not answer another site's page; open its address in a new tab");
  }
}

void PageAccess::check_change(const httplib::Request& request) const {
  check_read(request);
  if (!comes_from_the_page(request)) throw RequestError(403, "only the control room's page can change something");
  const std::string bearer = "Bearer " + only(request, "X-Control-Token").value_or("");
  const auto verdict = holder_.check({.remote_address = request.remote_addr, .authorization = bearer});
  if (verdict != program::AdminAccess::Verdict::allowed) {
    throw RequestError(403, "that is not the token of this control room; load the page again");
  }
  if (!is_json(request)) throw RequestError(415, "the body must be of type application/json");
}

}  // namespace load
