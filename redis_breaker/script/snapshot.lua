
------------------------------------------------------------------------------------ reading and writing the snapshot

-- Nothing that is read is trusted; changed fields are written together. A run has to create every function that it may
-- call, and most runs call few; so what only some runs need is in modules, whose functions are created at their first
-- use.

local policy = {
  failure_threshold = failure_threshold, failure_rate_threshold = failure_rate_threshold,
  slow_call_rate_threshold = slow_call_rate_threshold, slow_call_duration_threshold = slow_call_duration_threshold,
  sliding_window_size = sliding_window_size, minimum_number_of_calls = minimum_number_of_calls,
  minimum_reporting_instances = minimum_reporting_instances, clear_interval = clear_interval,
  recovery_timeout = recovery_timeout, recovery_timeout_multiplier = recovery_timeout_multiplier,
  recovery_timeout_maximum = recovery_timeout_maximum, recovery_timeout_jitter = recovery_timeout_jitter,
  permitted_calls_in_half_open = permitted_calls_in_half_open, success_threshold = success_threshold,
  probe_timeout = probe_timeout, half_open_timeout = half_open_timeout}
local known = {generation = tonumber(ARGV[7]), state = ARGV[8], epoch = tonumber(ARGV[9]), run = ARGV[10],
               open_for = tonumber(ARGV[11])}

-- The fields of the hash. epoch: the generation with which this line of generations begins. run: the server on which
-- this generation began. lost: what callers know of another line counts only above this generation. found_empty_at: when
-- a caller from another server found nothing here, by the clock of the server found_empty_on. state, last_failure,
-- counted, held: the public keys and the number of leases as our last script left them.
local numbers = {'generation', 'epoch', 'lost', 'open_until', 'break_length', 'half_open_until', 'successes',
                 'probes_granted', 'lease_length', 'timed_out_generation', 'timed_out_probe', 'mode_until',
                 'mode_length', 'clear_at', 'failing_since', 'found_empty_at', 'counted', 'held', 'settings_at'}
local texts = {'state', 'mode', 'last_failure', 'actor', 'reason', 'run', 'found_empty_on', 'settings'}

-- The snapshot, as of a breaker that was never used.
local s = {generation = 0, epoch = 0, lost = 0, open_until = 0, break_length = 0, half_open_until = 0, successes = 0,
           probes_granted = 0, lease_length = 0, timed_out_generation = 0, timed_out_probe = 0, mode_until = 0,
           mode_length = 0, clear_at = 0, failing_since = 0, found_empty_at = 0, counted = 0, held = 0, settings_at = 0,
           state = 'closed', mode = 'auto', last_failure = '', actor = '', reason = '', run = '', found_empty_on = '',
           settings = '', failures = 0, window = 0, newest_bucket = 0, leases = 0}

-- This run. stored_failures: the failure count as read. changed: the snapshot must be written back; new_generation: the
-- state key too; may_store: nothing at all if false. lease_ended: a probe has ended. last_failure: as its key holds it
-- now. invalid: the first impossible value. transitions: since the last event. forgotten: the server has removed keys by
-- itself, and this run restored them. only_looks: the only event is a tick.
local run = {changed = false, new_generation = false, transitions = {}, may_store = true, lease_ended = false,
             last_failure = '', stored_failures = false, invalid = false, forgotten = false}

-- A table whose functions `define` creates when one of them is called for the first time.
local on_first_use = {__index = function(self, name)
  local define = rawget(self, 'define')
  setmetatable(self, nil)
  define(self)
  return self[name]
end}
local function module(define) return setmetatable({define = define}, on_first_use) end

local function text(number_) return string.format('%.0f', number_) end

local keys

-- A number of at most `most_digits` digits; 0 for none, and for an invalid one.
local function to_number(key, value, most_digits)
  if not value then return 0 end
  local number_ = #value <= most_digits and string.find(value, '^%d+$') and tonumber(value)
  if number_ and number_ < 9e15 then return number_ end  -- a Lua number is exact up to 2^53
  keys.mark_invalid(key, value)
  return 0
end

-- An override until further notice outlives a fleet that is down for a month.
local function lifetime_ms()
  if s.mode ~= 'auto' and s.mode_until == 0 then return 30 * day + day end
  if s.mode ~= 'auto' then return math.ceil((s.mode_until - now) / 1000) + day end
  return usual_lifetime(s.break_length)
end

-- Keys that most runs have no need to read or write, and values that are impossible.
keys = module(function(keys)
  function keys.mark_invalid(key, value)
    local printable = string.gsub(string.sub(value, 1, 64), '[^\32-\126]', '?')  -- it goes into logs and JSON
    run.invalid = run.invalid or (key .. ' held "' .. printable .. '"')
  end

  -- A key of another type is an invalid value, to be repaired. Another error, such as a missing permission, is not.
  function keys.is_of_another_type(reply_) return string.find(reply_.err, 'WRONGTYPE', 1, true) end

  local is_state = {closed = true, open = true, half_open = true}
  local is_mode = {auto = true, forced_open = true, forced_closed = true, disabled = true, metrics_only = true}
  function keys.valid_state(state) return is_state[state] and state or 'closed' end
  function keys.check_state(state)
    if not is_state[state] then keys.mark_invalid(STATE, state) end
  end
  function keys.valid_mode(mode) return is_mode[mode] and mode or 'auto' end

  -- nil: there is no such key.
  function keys.read(key)
    local value = redis.pcall('GET', key)
    if type(value) ~= 'table' then return value or nil end
    if not keys.is_of_another_type(value) then redis.call('GET', key) end  -- ends the run
    keys.mark_invalid(key, 'not a string')
  end

  -- The window as a list of buckets, newest first, each {calls, failures, slow}.
  function keys.read_window()
    local value = keys.read(WINDOW)
    if not value then return end
    if #value > 512 then return keys.mark_invalid(WINDOW, value) end  -- before the pattern: it would take minutes for 1 MB
    local newest, buckets = string.match(value, '^(%d+)([ /%d]*)$')
    local is_huge = string.find(value, string.rep('%d', 15))  -- Lua writes 14 digits of a number
    if not newest or is_huge then return keys.mark_invalid(WINDOW, value) end
    s.newest_bucket = tonumber(newest)
    for calls, failures, slow in string.gmatch(buckets, ' (%d+)/(%d+)/(%d+)') do
      s.window[#s.window + 1] = {tonumber(calls), tonumber(failures), tonumber(slow)}
    end
    if #s.window > 10 then keys.mark_invalid(WINDOW, value) end
  end

  -- At most as many leases as permitted_calls_in_half_open may be.
  function keys.read_leases()
    local held = redis.pcall('ZRANGE', PROBES, 0, 999, 'WITHSCORES')
    if held.err then
      if not keys.is_of_another_type(held) then redis.call('ZRANGE', PROBES, 0, 0) end  -- ends the run
      return keys.mark_invalid(PROBES, 'not a sorted set')
    end
    for i = 1, #held, 2 do
      table.insert(s.leases, {probe = tonumber(held[i]) or 0, deadline = tonumber(held[i + 1])})
    end
  end

  function keys.renew(lifetime)
    for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, lifetime) end
  end

  function keys.require_sorted_set(key)
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'none' and kind ~= 'zset' then keys.mark_invalid(key, 'not a sorted set') end
  end

  function keys.write_window()
    while #s.window > 0 and s.window[#s.window][1] == 0 do table.remove(s.window) end
    if #s.window == 0 then return redis.call('DEL', WINDOW) end
    local parts = {text(s.newest_bucket)}
    for i, bucket in ipairs(s.window) do parts[i + 1] = table.concat(bucket, '/') end
    redis.call('SET', WINDOW, table.concat(parts, ' '), 'PX', lifetime_ms())
  end
end)

local function read_breaker()
  if fields.err then
    if not keys.is_of_another_type(fields) then redis.call('HGETALL', BREAKER) end  -- ends the run
    keys.mark_invalid(BREAKER, 'not a hash')
  end
  for i = 1, #fields, 2 do  -- in their order: of several impossible values the first is reported
    local name, value = fields[i], fields[i + 1]
    local is_number = type(s[name]) == 'number'
    if is_number then value = to_number(BREAKER, value, 16) end
    if not is_number and #value > 256 then keys.mark_invalid(BREAKER, value) end
    stored[name], s[name] = value, value
  end
  if s.state ~= 'closed' and s.state ~= 'open' then s.state = keys.valid_state(s.state) end
  if s.mode ~= 'auto' then s.mode = keys.valid_mode(s.mode) end
end

-- Returns the public state, which another program may have written; nil if the key is missing.
local function read_snapshot()
  local state = public[1] or keys.read(STATE)
  if state and state ~= 'closed' and state ~= 'open' then keys.check_state(state) end
  run.stored_failures = public[2] or keys.read(FAILURES)
  run.last_failure = public[3] or keys.read(LAST_FAILURE) or ''
  if #run.last_failure > 32 or not string.find(run.last_failure, '^%d*%.?%d*$') then
    keys.mark_invalid(LAST_FAILURE, run.last_failure)
  end
  read_breaker()
  s.failures, s.window, s.newest_bucket, s.leases = to_number(FAILURES, run.stored_failures, 9), {}, 0, {}
  run.read_failures = run.stored_failures and s.failures
  if keeps_window then keys.read_window() end
  if state ~= 'closed' then keys.read_leases() end
  if policy.minimum_reporting_instances > 1 then keys.require_sorted_set(REPORTERS) end
  return state
end

-- Writes the fields that changed, and no others: Redis pushes each written key to every instance that tracks it.
local function write_breaker()
  local set, removed = {}, {}
  s.last_failure, s.counted, s.held = run.last_failure, s.failures, s.state == 'half_open' and #s.leases or 0
  for _, name in ipairs(numbers) do
    local value = s[name]
    if value ~= (stored[name] or 0) then
      if value == 0 then removed[#removed + 1] = name else set[#set + 1], set[#set + 2] = name, value end
    end
  end
  for _, name in ipairs(texts) do
    local value = s[name] ~= 'auto' and s[name] or ''
    if value ~= (stored[name] or '') then
      if value == '' then removed[#removed + 1] = name else set[#set + 1], set[#set + 2] = name, value end
    end
  end
  if #set > 0 then redis.call('HSET', BREAKER, unpack(set)) end
  if #removed > 0 then redis.call('HDEL', BREAKER, unpack(removed)) end
end

-- All keys are renewed together; between two transitions the state key's remaining time says when that is due.
local function write_snapshot()
  local lifetime = lifetime_ms()
  if run.may_store and run.changed then
    if run.last_failure_changed then redis.call('SET', LAST_FAILURE, run.last_failure, 'PX', lifetime) end
    if s.failures ~= run.read_failures then redis.call('SET', FAILURES, s.failures, 'PX', lifetime) end
    write_breaker()
    if keeps_window then keys.write_window() end
    if run.new_generation then redis.call('SET', STATE, s.state, 'PX', lifetime) end
  end
  -- By a key that no instance tracks: a fleet that comes back does not wake all of itself with each attempt.
  local proves_writable = ARGV[6] == 'reconnect'
  if proves_writable and #s.window > 0 then keys.write_window() end
  if proves_writable and #s.window == 0 then redis.call('SET', WINDOW, '0', 'PX', lifetime) end  -- without buckets
  if run.new_generation or ttl < lifetime / 2 then keys.renew(lifetime) end
end
