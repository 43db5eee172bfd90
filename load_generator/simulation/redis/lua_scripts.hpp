// LuaScripts is the script engine of a simulated Redis server: Lua 5.1, as in Redis, with redis.call, redis.pcall and
// struct.unpack. A script is compiled and hashed once for each source.
// Invariant: no C++ object lives in a frame that lua_error() leaves, as that is a longjmp. Belongs to one thread.
// Errors: an error reply, worded as Redis 7.0 does. Source: script_lua.c of Redis 7.0.
#pragma once

#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "load_generator/simulation/redis/command.hpp"

struct lua_State;

namespace simulation {

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
  bool has(std::string_view sha1) const { return loaded_.find(sha1) != loaded_.end(); }
  void forget_all() { loaded_.clear(); }

  // `sha1` must be loaded.
  ReplyTree run(std::string_view sha1, Arguments keys, Arguments arguments, CommandTarget& target);

 private:
  struct Close {
    void operator()(lua_State* lua) const;
  };
  struct Script {
    std::string sha1;
    int reference;  // to the compiled function, in Lua's registry
  };

  static LuaScripts& self(lua_State* lua);
  static int call(lua_State* lua);   // redis.call
  static int pcall(lua_State* lua);  // redis.pcall
  static int describe_error(lua_State* lua);
  void push_closure(int (*function)(lua_State*));
  bool push_reply_of_command();
  ReplyTree execute_command();
  void set_global(const char* name, Arguments values);

  std::pmr::unsynchronized_pool_resource memory_;  // a run makes hundreds of small objects
  std::unique_ptr<lua_State, Close> state_;
  lua_State* const lua_;
  std::map<std::string, Script, std::less<>> compiled_;  // by source: survives forget_all(), as compiling takes 1 ms
  std::map<std::string, const Script*, std::less<>> loaded_;  // by SHA-1
  const Script* script_ = nullptr;                            // that runs
  CommandTarget* target_ = nullptr;                           // of this run
  std::vector<std::string_view> command_;                     // of this call
};

}  // namespace simulation
