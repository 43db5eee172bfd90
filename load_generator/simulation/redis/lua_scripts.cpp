#include "load_generator/simulation/redis/lua_scripts.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <lua.hpp>

namespace simulation {
namespace {

constexpr int error_handler = 1;      // its index on the stack, which holds nothing else between two runs
constexpr int garbage_percent = 400;  // of what is in use, until it is collected: a run leaves little behind

// What Redis forbids. Runs once, before the first script.
constexpr const char* protect_globals = R"lua(
  print, dofile, loadfile, newproxy = nil
  setmetatable(_G, {
    __index = function(_, name) error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2) end,
    __newindex = function(_, name) error("Attempt to modify a readonly table", 2) end}))lua";

// Lua raises an error where it finds no memory, perhaps through C++ frames: this ends the process instead.
void* allocate(void* memory, void* old, size_t old_size, size_t size) noexcept {
  auto& blocks = *static_cast<BlockPool*>(memory);
  if (old != nullptr && size != 0 && BlockPool::has_room(old_size, size)) return old;
  void* const moved = size == 0 ? nullptr : blocks.take(size);
  if (old != nullptr && moved != nullptr) std::memcpy(moved, old, std::min(old_size, size));
  if (old != nullptr) blocks.give_back(old, old_size);
  return moved;
}

std::string sha1_of(std::string_view text) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += digits[byte >> 4U];
    hex += digits[byte & 15U];
  }
  return hex;
}

void push(lua_State* lua, std::string_view text) { lua_pushlstring(lua, text.data(), text.size()); }

std::string_view text_at(lua_State* lua, int index) {
  size_t size = 0;
  const char* const text = lua_tolstring(lua, index, &size);
  return text == nullptr ? std::string_view() : std::string_view(text, size);
}

// A command's reply as the value that redis.call() returns, on top of Lua's stack.
class LuaValue final : public ReplySink {
 public:
  explicit LuaValue(lua_State* lua) : lua_(lua) {}
  bool is_error() const { return is_error_; }

  void nil() override { lua_pushboolean(lua_, 0), end(); }
  void integer(long long number) override { lua_pushnumber(lua_, static_cast<lua_Number>(number)), end(); }
  void text(std::string_view text) override { push(lua_, text), end(); }
  void status(std::string_view status) override { push_table("ok", status); }
  void error(std::string_view error) override { is_error_ = true, push_table("err", error); }
  void list(size_t items) override { lua_createtable(lua_, static_cast<int>(items), 0), in_list_ = true; }

 private:
  void push_table(const char* field, std::string_view text) {
    lua_createtable(lua_, 0, 1);
    push(lua_, text);
    lua_setfield(lua_, -2, field);
    end();
  }
  void end() {
    if (in_list_) lua_rawseti(lua_, -2, ++items_);
  }

  lua_State* const lua_;
  bool is_error_ = false;
  bool in_list_ = false;
  int items_ = 0;
};

void pop_reply(lua_State* lua, ReplySink& reply);

// A table is a list up to its first nil.
void reply_list(lua_State* lua, ReplySink& reply) {
  size_t items = 0;
  for (int i = 1; lua_rawgeti(lua, -1, i), !lua_isnil(lua, -1); ++i) ++items, lua_pop(lua, 1);
  lua_pop(lua, 1);
  reply.list(items);
  for (size_t i = 1; i <= items; ++i) {
    lua_rawgeti(lua, -1, static_cast<int>(i));
    pop_reply(lua, reply);
  }
}

bool reply_field(lua_State* lua, const char* field, ReplySink& reply, void (ReplySink::*give)(std::string_view)) {
  lua_pushstring(lua, field);
  lua_rawget(lua, -2);
  const bool is_there = lua_type(lua, -1) == LUA_TSTRING;
  if (is_there) (reply.*give)(text_at(lua, -1));
  lua_pop(lua, 1);
  return is_there;
}

void reply_table(lua_State* lua, ReplySink& reply) {
  if (reply_field(lua, "err", reply, &ReplySink::error) || reply_field(lua, "ok", reply, &ReplySink::status)) return;
  reply_list(lua, reply);
}

void reply_value(lua_State* lua, ReplySink& reply) {
  switch (lua_type(lua, -1)) {
    case LUA_TSTRING:
      return reply.text(text_at(lua, -1));
    case LUA_TNUMBER:
      return reply.integer(static_cast<long long>(lua_tonumber(lua, -1)));
    case LUA_TBOOLEAN:
      return lua_toboolean(lua, -1) != 0 ? reply.integer(1) : reply.nil();
    case LUA_TTABLE:
      return reply_table(lua, reply);
    default:
      return reply.nil();
  }
}

void pop_reply(lua_State* lua, ReplySink& reply) {
  if (lua_checkstack(lua, 4) == 0) {
    reply.error("ERR reached lua stack limit");
  } else {
    reply_value(lua, reply);
  }
  lua_pop(lua, 1);
}

// struct.unpack of little-endian doubles: the numbers, then the position after them.
int unpack_doubles(lua_State* lua) {
  static_assert(std::endian::native == std::endian::little);
  const char* format = luaL_checkstring(lua, 1);
  size_t size = 0;
  const char* const bytes = luaL_checklstring(lua, 2, &size);
  size_t at = 0;
  for (; *format != '\0'; ++format) {
    if (*format == '<') continue;
    if (*format != 'd') return luaL_error(lua, "invalid format option '%c'", *format);
    double number = 0;
    luaL_argcheck(lua, at + sizeof number <= size, 2, "data string too short");
    luaL_checkstack(lua, 2, "too many results");
    std::char_traits<char>::copy(reinterpret_cast<char*>(&number), bytes + at, sizeof number);
    lua_pushnumber(lua, number);
    at += sizeof number;
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(at + 1));
  return lua_gettop(lua) - 2;
}

}  // namespace

void LuaScripts::Close::operator()(lua_State* lua) const { lua_close(lua); }

LuaScripts& LuaScripts::of_this_thread() {
  thread_local LuaScripts scripts;
  return scripts;
}

LuaScripts::LuaScripts() : state_(lua_newstate(allocate, &memory_)), lua_(state_.get()) {
  for (const lua_CFunction open : {luaopen_base, luaopen_table, luaopen_string, luaopen_math}) {
    lua_pushcfunction(lua_, open);
    lua_call(lua_, 0, 0);
  }
  lua_newtable(lua_);
  push_closure(call);
  lua_setfield(lua_, -2, "call");
  push_closure(pcall);
  lua_setfield(lua_, -2, "pcall");
  lua_setglobal(lua_, "redis");
  lua_newtable(lua_);
  lua_pushcfunction(lua_, unpack_doubles);
  lua_setfield(lua_, -2, "unpack");
  lua_setglobal(lua_, "struct");
  if (luaL_dostring(lua_, protect_globals) != 0) std::abort();
  lua_gc(lua_, LUA_GCSETPAUSE, garbage_percent);
  lua_settop(lua_, 0);
  push_closure(describe_error);
}

void LuaScripts::push_closure(int (*function)(lua_State*)) {
  lua_pushlightuserdata(lua_, this);
  lua_pushcclosure(lua_, function, 1);
}

LuaScripts& LuaScripts::self(lua_State* lua) {
  return *static_cast<LuaScripts*>(lua_touserdata(lua, lua_upvalueindex(1)));
}

int LuaScripts::call(lua_State* lua) {
  const bool is_error = self(lua).push_reply_of_command();
  return is_error ? lua_error(lua) : 1;
}

int LuaScripts::pcall(lua_State* lua) {
  self(lua).push_reply_of_command();
  return 1;
}

// Called by Lua where an error is raised that the script does not catch: adds the script and the line.
int LuaScripts::describe_error(lua_State* lua) {
  if (lua_istable(lua, 1)) {
    lua_getfield(lua, 1, "err");
  } else {
    lua_pushfstring(lua, "ERR %s", lua_tostring(lua, 1));
  }
  lua_Debug where{};
  where.currentline = -1;
  for (int level = 1; where.currentline < 0 && lua_getstack(lua, level, &where) != 0; ++level) {
    lua_getinfo(lua, "l", &where);
  }
  const char* const what = lua_tostring(lua, -1);
  lua_pushfstring(lua, "%s script: %s, on @user_script:%d.", what, self(lua).script_->sha1.c_str(), where.currentline);
  return 1;
}

// Returns true if it is an error. Raises none.
bool LuaScripts::push_reply_of_command() {
  LuaValue reply(lua_);
  execute_command(reply);
  return reply.is_error();
}

void LuaScripts::execute_command(ReplySink& reply) {
  command_.clear();
  for (int i = 1; i <= lua_gettop(lua_); ++i) {
    if (lua_type(lua_, i) == LUA_TNUMBER) {
      push(lua_, number_text(lua_tonumber(lua_, i)));
      lua_replace(lua_, i);
    }
    if (lua_type(lua_, i) != LUA_TSTRING) {
      return reply.error("ERR Lua redis lib command arguments must be strings or integers");
    }
    command_.push_back(text_at(lua_, i));
  }
  if (command_.empty()) return reply.error("ERR Please specify at least one argument for this redis.call() call");
  target_->call(command_, reply);
}

std::variant<const LuaScripts::Script*, std::string> LuaScripts::load(std::string_view source) {
  const auto known = compiled_.find(source);
  if (known != compiled_.end()) return &known->second;
  if (luaL_loadbuffer(lua_, source.data(), source.size(), "@user_script") != 0) {
    const std::string error(text_at(lua_, -1));
    lua_pop(lua_, 1);
    return "ERR Error compiling script (new function): " + error;
  }
  return &compiled_.emplace(source, Script{sha1_of(source), luaL_ref(lua_, LUA_REGISTRYINDEX)}).first->second;
}

void LuaScripts::run(const Script& script, Arguments keys, Arguments arguments, CommandTarget& target,
                     ReplySink& reply) {
  script_ = &script;
  target_ = &target;
  set_global("KEYS", keys);
  set_global("ARGV", arguments);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, script.reference);
  if (lua_pcall(lua_, 0, 1, error_handler) == 0) return pop_reply(lua_, reply);
  reply.error(text_at(lua_, -1));
  lua_pop(lua_, 1);
}

// Sets it directly: protect_globals is for scripts.
void LuaScripts::set_global(const char* name, Arguments values) {
  lua_pushstring(lua_, name);
  lua_createtable(lua_, static_cast<int>(values.size()), 0);
  int at = 0;
  for (const std::string_view value : values) {
    push(lua_, value);
    lua_rawseti(lua_, -2, ++at);
  }
  lua_rawset(lua_, LUA_GLOBALSINDEX);
}

}  // namespace simulation
