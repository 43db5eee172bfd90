// A refusal is not a result: a call that another breaker rejected never reached an upstream, so it says nothing about
// one. This header finds the Rejection in a result, at whatever depth variant, optional, reference_wrapper and, with
// C++23, expected hold it.
// Another type is a refusal if a function `bool is_refusal(const Type&)` in its namespace says so. It is the only
// function of a result's namespace that is called: calls of all others are qualified.
// All functions are pure; they throw what is_refusal() throws.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <version>
#ifdef __cpp_lib_expected
#include <expected>
#endif

#include "simple_breaker/breaker.hpp"

namespace cb {
namespace detail {

template <class... Ts>
struct Types {};

// What a wrapper, or a class derived from one, may hold.
template <class... Ts>
Types<Ts...> held_by(const std::variant<Ts...>&);
template <class T>
Types<T> held_by(const std::optional<T>&);
template <class T>
Types<std::remove_const_t<T>> held_by(const std::reference_wrapper<T>&);
#ifdef __cpp_lib_expected
template <class T, class E>
Types<T, E> held_by(const std::expected<T, E>&);
#endif

template <class T>
concept Wrapper = requires(const T& value) {
  detail::held_by(value);
};

// Whether a T is a Part, or may hold one.
template <class Part, class T>
constexpr bool can_hold() {
  if constexpr (Wrapper<T> && !std::is_same_v<Part, T>) {
    return []<class... Ts>(Types<Ts...>) {
      return (can_hold<Part, Ts>() || ...);
    }(decltype(detail::held_by(std::declval<const T&>())){});
  } else {
    return std::is_same_v<Part, T>;
  }
}

template <class... Ts>
bool any_inside(const std::variant<Ts...>& wrapper, const auto& found) {
  return !wrapper.valueless_by_exception() && std::visit(found, wrapper);
}
template <class T>
bool any_inside(const std::optional<T>& wrapper, const auto& found) {
  return wrapper.has_value() && found(*wrapper);
}
template <class T>
bool any_inside(const std::reference_wrapper<T>& wrapper, const auto& found) {
  return found(wrapper.get());
}

// Whether the result is an expected without its value.
bool is_error(const auto&) { return false; }

#ifdef __cpp_lib_expected
template <class T, class E>
bool any_inside(const std::expected<T, E>& wrapper, const auto& found) {
  if (!wrapper.has_value()) return found(wrapper.error());
  if constexpr (std::is_void_v<T>) {
    return false;
  } else {
    return found(*wrapper);
  }
}
template <class T, class E>
bool is_error(const std::expected<T, E>& result) {
  return !result.has_value();
}
#endif

// Calls `found` with the result and with what it holds, the outermost first, until a call returns true.
template <class T>
bool find_part(const T& result, const auto& found) {
  if (found(result)) return true;
  if constexpr (Wrapper<T>) {
    return detail::any_inside(result, [&found](const auto& part) { return detail::find_part(part, found); });
  } else {
    return false;
  }
}

}  // namespace detail

template <class T>
bool holds_refusal(const T& result) {
  return detail::find_part(result, []<class Part>(const Part& part) {
    if constexpr (requires {
                    { is_refusal(part) } -> std::same_as<bool>;
                  }) {
      return is_refusal(part);
    } else {
      return std::is_same_v<Part, Rejection>;
    }
  });
}

}  // namespace cb
