// LuaScripts is the script engine of a simulated Redis server: Lua 5.1, as in Redis, with redis.call, redis.pcall and
// struct.unpack. A script is compiled and hashed once for each source.
// Invariant: no C++ object lives in a frame that lua_error() leaves, as that is a longjmp. Belongs to one thread.
// Errors: an error reply, worded as Redis 7.0 does. Source: script_lua.c of Redis 7.0.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "load_generator/simulation/redis/reply_tree.hpp"

struct lua_State;

namespace simulation {

using Arguments = std::span<const std::string_view>;

// Executes the commands of a script.
class CommandTarget {
 public:
  virtual ~CommandTarget() = default;
  virtual ReplyTree call(Arguments command) = 0;
};

class LuaScripts {
 public:
  LuaScripts();
  LuaScripts(const LuaScripts&) = delete;
  LuaScripts& operator=(const LuaScripts&) = delete;

  // Returns the script's SHA-1 as text; an error reply if it does not compile.
  ReplyTree load(std::string_view source);
  bool has(std::string_view sha1) const { return scripts_.find(sha1) != scripts_.end(); }
  void forget_all();

  // `sha1` must be loaded.
  ReplyTree run(std::string_view sha1, Arguments keys, Arguments arguments, CommandTarget& target);

 private:
  struct Close {
    void operator()(lua_State* lua) const;
  };

  static int call(lua_State* lua);   // redis.call
  static int pcall(lua_State* lua);  // redis.pcall
  static LuaScripts& self(lua_State* lua);
  bool push_reply_of_command();
  ReplyTree execute_command();
  void define_redis();
  void set_global(const char* name, Arguments values);
  ReplyTree error_of(std::string_view sha1);

  std::unique_ptr<lua_State, Close> state_;
  lua_State* const lua_;
  std::map<std::string, int, std::less<>> scripts_;  // by SHA-1: the compiled function's place in Lua's registry
  std::map<std::string, std::string, std::less<>> sources_;  // to their SHA-1
  CommandTarget* target_ = nullptr;                          // of the present run
  std::vector<std::string_view> command_;                    // of the present call
};

}  // namespace simulation
