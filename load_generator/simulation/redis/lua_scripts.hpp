// LuaScripts is the script engine of simulated Redis servers: LuaJIT, which has the language of Redis's Lua 5.1, with
// redis.call, redis.pcall and struct.unpack. Its compiler stays off: a run creates its functions again, so none is hot.
// All servers of a thread share one, as compiling takes 1 ms: a script is compiled and hashed once for each source.
// Invariant: no C++ object lives in a frame that lua_error() leaves. Belongs to one thread.
// Errors: an error reply, worded as Redis 7.0 does. Source: script_lua.c of Redis 7.0.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "load_generator/simulation/redis/block_pool.hpp"
#include "load_generator/simulation/redis/command.hpp"

struct lua_State;

namespace simulation {

// Executes the commands of a script.
class CommandTarget {
 public:
  virtual ~CommandTarget() = default;
  virtual void call(Arguments command, ReplySink& reply) = 0;
};

class LuaScripts {
 public:
  struct Script {
    std::string sha1;
    int reference;  // to the compiled function, in Lua's registry
  };

  static LuaScripts& of_this_thread();
  LuaScripts(const LuaScripts&) = delete;
  LuaScripts& operator=(const LuaScripts&) = delete;

  // What it returns lives as long as the thread. A text: why the source does not compile.
  std::variant<const Script*, std::string> load(std::string_view source);
  void run(const Script& script, Arguments keys, Arguments arguments, CommandTarget& target, ReplySink& reply);

 private:
  struct Close {
    void operator()(lua_State* lua) const;
  };
  LuaScripts();
  static LuaScripts& self(lua_State* lua);
  static int call(lua_State* lua);   // redis.call
  static int pcall(lua_State* lua);  // redis.pcall
  static int describe_error(lua_State* lua);
  void push_closure(int (*function)(lua_State*));
  bool push_reply_of_command();
  void execute_command(ReplySink& reply);
  void set_global(const char* name, Arguments values);

  BlockPool memory_;
  std::unique_ptr<lua_State, Close> state_;
  lua_State* const lua_;
  std::map<std::string, Script, std::less<>> compiled_;  // by source
  const Script* script_ = nullptr;                       // that runs
  CommandTarget* target_ = nullptr;                      // of this run
  std::vector<std::string_view> command_;                // of this call
};

}  // namespace simulation
