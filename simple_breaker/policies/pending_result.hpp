// Finds results that are not there yet: futures, promises, tasks, coroutines, threads, and what holds one of them. A
// breaker that judged such a result when the call returns would count every call as a success, and as a quick one.
#pragma once

#include <chrono>
#include <type_traits>
#include <utility>

namespace cb::detail {

template <class T>
inline constexpr bool is_pending = requires {
  std::declval<T&>().wait_for(std::chrono::seconds(0));
}  // std::future
|| requires { std::declval<T&>().wait(), std::declval<T&>().get(); }  // another library's
|| requires { std::declval<T&>().get_future(); }                      // std::promise, std::packaged_task
|| requires { std::declval<T&>().joinable(); }                        // std::thread
|| requires { std::declval<T&>().await_ready(); }
|| requires { std::declval<T>().operator co_await(); }
|| requires { operator co_await(std::declval<T>()); }
|| requires { typename T::promise_type; };  // a coroutine's

// Also true of a template with such an argument: std::variant<std::future<int>, Rejection>, std::vector<Task>.
template <class T>
inline constexpr bool holds_pending = is_pending<T>;
template <template <class...> class Template, class... Arguments>
inline constexpr bool holds_pending<Template<Arguments...>> = is_pending<Template<Arguments...>> ||
                                                              (holds_pending<std::remove_cvref_t<Arguments>> || ...);

}  // namespace cb::detail
