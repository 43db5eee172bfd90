-- The shared breaker's script, in five rooms that are run as one: snapshot, tally, recovery, state_machine and run. One
-- call of it is one event, and Redis runs scripts one at a time: no other instance ever sees, or interrupts, half a
-- transition. The time is Redis's: no instance's clock counts. A call that changes nothing writes nothing.
--
-- KEYS  state, failures, last_failure: the public three. breaker: a hash of what else there is to know; a field that is
--       0 or empty is left out. probes: a sorted set of leases, number by deadline. window: the sliding window, newest
--       bucket first: "17324460001 12/7/0 9/0/1" (number, then calls/failures/slow of each). reporters: a sorted set of
--       instances by the time of their last failure, the newest minimum_reporting_instances of them.
-- ARGV  operation (acquire | settle | look | join | impose | hear), the policy (JSON, times in microseconds); what the
--       caller saw last: generation, state, epoch, on which run of which server, and for how long it is still open;
--       how many successes of that generation it has not yet reported; for settle generation, probe and outcome of the
--       permit, how long the call took and which instance made it; for impose mode, actor, reason and for how long; for
--       hear well | ill. A join is a look that writes: it proves that this Redis takes writes.
--
-- This room: the arguments, and the snapshot in Redis: read with suspicion, written as a whole.

local STATE, FAILURES, LAST_FAILURE, BREAKER, PROBES, WINDOW, REPORTERS = unpack(KEYS)
local operation = ARGV[1]
local policy = cjson.decode(ARGV[2])
local seen_generation, seen_state, seen_epoch = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local seen_run, seen_open_for = ARGV[6], tonumber(ARGV[7])
local unreported_successes = tonumber(ARGV[8])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local never = 8999999999999999  -- when a circuit ends that was forced open until further notice; the largest number

local is_state = {closed = true, open = true, half_open = true}
local is_mode = {auto = true, forced_open = true, forced_closed = true, disabled = true, metrics_only = true}
local s = {}                    -- the snapshot
local held, held_failures = {}  -- the hash, and the count, as they were read
local was = {}                  -- the numbers of the hash, likewise
local changed = false           -- whether the snapshot must be written back
local new_stay = false          -- whether it is another stay: only then is the key of the state written
local last_failure              -- as it stands in its key; s.last_failure is how we have seen it before
local nonsense                  -- the first value that cannot be ours: which key, and what it held

-- lost: the newest stay of the server before this one from which this line of stays goes on.
local numbers = {'generation', 'epoch', 'lost', 'open_until', 'break_length', 'successes', 'probes_granted',
                 'mode_until', 'clear_at', 'failing_since'}
local texts = {'state', 'mode', 'last_failure', 'actor', 'reason'}

-- From here to the end of run.lua it is one function: Lua then finds what the functions in it share of the above at
-- once, and making them takes a third less.
local function event()

local function text(number) return string.format('%.0f', number) end

local function blame(key, value)
  local printable = string.gsub(string.sub(value, 1, 64), '[^\32-\126]', '?')  -- it goes into logs and JSON
  nonsense = nonsense or (key .. ' held "' .. printable .. '"')
end

local function read(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then
    blame(key, 'no string')
    return nil
  end
  return value or nil
end

local function whole(key, value, most_digits)
  if not value then return 0 end
  local number = #value <= most_digits and string.match(value, '^%d+$') and tonumber(value)
  if number and number < 9e15 then return number end  -- beyond 2^53 a Lua number skips some
  blame(key, value)
  return 0
end

local function read_breaker()
  local fields = redis.pcall('HGETALL', BREAKER)
  if fields.err then
    blame(BREAKER, 'no hash')
    fields = {}
  end
  for i = 1, #fields, 2 do held[fields[i]] = fields[i + 1] end
  for _, name in ipairs(numbers) do
    was[name] = whole(BREAKER, held[name], 16)
    s[name] = was[name]
  end
  for _, name in ipairs(texts) do
    s[name] = held[name] or ''
    if #s[name] > 256 then blame(BREAKER, s[name]) end
  end
  s.state = is_state[s.state] and s.state or 'closed'  -- as this script left it
  s.mode = is_mode[s.mode] and s.mode or 'auto'
end

-- The window as a list of buckets, newest first, each {calls, failures, slow}.
local function read_window()
  s.window, s.newest_bucket = {}, 0
  local held = read(WINDOW)
  if not held then return end
  if #held > 512 then return blame(WINDOW, held) end  -- before the pattern, which would take minutes for a megabyte
  local newest, buckets = string.match(held, '^(%d+)([ /%d]*)$')
  if not newest then return blame(WINDOW, held) end
  s.newest_bucket = whole(WINDOW, newest, 16)
  for calls, failures, slow in string.gmatch(buckets, ' (%d+)/(%d+)/(%d+)') do
    table.insert(s.window, {tonumber(calls), tonumber(failures), tonumber(slow)})
  end
  if #s.window > 10 then blame(WINDOW, held) end
end

local function require_sorted_set(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= 'zset' then blame(key, 'no sorted set') end
end

-- Returns the public state, which somebody else may have written: nil where there is none. (What MGET does not find may
-- be there, and be no string.)
local function read_snapshot()
  local public = redis.call('MGET', STATE, FAILURES, LAST_FAILURE)
  local state = public[1] or read(STATE)
  if state and not is_state[state] then blame(STATE, state) end
  held_failures = public[2] or read(FAILURES)
  s.failures = whole(FAILURES, held_failures, 9)
  last_failure = public[3] or read(LAST_FAILURE) or ''
  if #last_failure > 32 or not string.match(last_failure, '^%d*%.?%d*$') then blame(LAST_FAILURE, last_failure) end
  read_breaker()
  s.window, s.newest_bucket = {}, 0
  if policy.keeps_window then read_window() end
  if state ~= 'closed' then require_sorted_set(PROBES) end
  if policy.minimum_reporting_instances > 1 then require_sorted_set(REPORTERS) end
  return state
end

-- Long after the last use; an order until further notice outlives a fleet that sleeps for a month.
local function lifetime_ms()
  local day = 24 * 60 * 60 * 1000
  if s.mode ~= 'auto' and s.mode_until == 0 then return 30 * day + day end
  if s.mode ~= 'auto' then return (s.mode_until - now) / 1000 + day end
  return day + (math.max(s.break_length, policy.recovery_timeout) + policy.probe_timeout) / 1000
end

-- Only what is another than it was: each written key is pushed to every instance that watches it.
local function write_breaker()
  s.last_failure = last_failure
  local set, gone = {}, {}
  local function put(name, value)
    if value == '' then return table.insert(gone, name) end
    table.insert(set, name)
    table.insert(set, value)
  end
  for _, name in ipairs(numbers) do
    if s[name] ~= (was[name] or 0) then put(name, s[name] ~= 0 and text(s[name]) or '') end
  end
  for _, name in ipairs(texts) do
    local value = s[name] ~= 'auto' and s[name] or ''
    if value ~= (held[name] or '') then put(name, value) end
  end
  if #set > 0 then redis.call('HSET', BREAKER, unpack(set)) end
  if #gone > 0 then redis.call('HDEL', BREAKER, unpack(gone)) end
end

local function write_window()
  while #s.window > 0 and s.window[#s.window][1] == 0 do table.remove(s.window) end
  if #s.window == 0 then return redis.call('DEL', WINDOW) end
  local parts = {text(s.newest_bucket)}
  for _, bucket in ipairs(s.window) do
    table.insert(parts, text(bucket[1]) .. '/' .. text(bucket[2]) .. '/' .. text(bucket[3]))
  end
  redis.call('SET', WINDOW, table.concat(parts, ' '), 'PX', text(lifetime_ms()))
end

local function write_snapshot()
  local lifetime = text(lifetime_ms())
  if held_failures ~= text(s.failures) or operation == 'join' then
    redis.call('SET', FAILURES, text(s.failures), 'PX', lifetime)
  end
  write_breaker()
  if policy.keeps_window then write_window() end
  if new_stay then redis.call('SET', STATE, s.state, 'PX', lifetime) end
end

-- All keys get their time together; between two stays the key of the state tells when it is due.
local function keep_alive()
  local lifetime = lifetime_ms()
  if not new_stay and redis.call('PTTL', STATE) >= lifetime / 2 then return end
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, text(lifetime)) end
end
