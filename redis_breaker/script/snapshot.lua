-- The shared breaker's script. The build joins six files, snapshot, failure_counts, break_length, state_machine,
-- reconcile and main, into one script. One run applies one event; Redis runs one script at a time, so no instance can see or interrupt
-- half a transition. The clock is Redis's, never an instance's. A run that changes nothing writes nothing.
--
-- KEYS  state, failures, last_failure: the three public keys. breaker: a hash with the rest of the snapshot; a field
--       that is 0 or empty is left out. probes: a sorted set of leases, number by deadline. window: the sliding window,
--       newest bucket first: "17324460001 12/7/0 9/0/1" (bucket number, then calls/failures/slow of each bucket).
--       reporters: a sorted set of instances by the time of their last failure, at most minimum_reporting_instances.
-- ARGV  1 operation: acquire | settle | tick | poll | reconnect | apply_override | report_health
--       2 the policy, as JSON, and its fingerprint; durations in microseconds
--       3-7 what the caller saw last: generation, state, epoch, the server's run, and for how much longer it is open
--       8 how many successes of that generation the caller has not reported yet
--       9 how many details of what it saw follow: 0, or, after the reply 'more', 8: Redis's time then, how many keys the
--         server had evicted and how often it was flushed by then, failures, mode, for how much longer that lasts (0:
--         until further notice), actor, reason
--       then, for settle: the permit's generation and probe, the outcome, the call's duration, the reporting instance;
--         for apply_override: mode, actor, reason, duration; for report_health: up | down
--       poll is a tick that also counts what the server has removed. reconnect is one that always writes: it proves that this Redis
--       accepts writes.
--
-- This file: the arguments, and reading and writing the snapshot. Nothing that is read is trusted; changed fields are
-- written together.

local STATE, FAILURES, LAST_FAILURE, BREAKER, PROBES, WINDOW, REPORTERS = unpack(KEYS)
local operation = ARGV[1]
local policy = cjson.decode(ARGV[2])
local known_generation, known_state, known_epoch = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local known_run, known_open_for = ARGV[6], tonumber(ARGV[7])
local unreported_successes = tonumber(ARGV[8])
local before_arguments = 9 + tonumber(ARGV[9])  -- the operation's own ones come after it

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local never = 8999999999999999  -- open_until of a circuit forced open until further notice; also the largest number

local is_state = {closed = true, open = true, half_open = true}
local is_mode = {auto = true, forced_open = true, forced_closed = true, disabled = true, metrics_only = true}
local s = {}                        -- the snapshot
local stored, stored_failures = {}  -- the hash and the failure count, as read
local stored_numbers = {}           -- the numbers of the hash, as read
local changed = false               -- true if the snapshot must be written back
local new_generation = false        -- true after a transition: only then is the state key written
local last_failure                  -- as its key holds it now; s.last_failure is what our last script saw there
local invalid_value                 -- the first impossible value: its key and text

-- epoch: the generation with which this line of generations begins. run: the server on which this generation began.
-- lost: what callers know of another line counts only above this generation. found_empty_at: when a caller from
-- another server found nothing here. counted, held: the failures and the leases as our last
-- script left them.
local numbers = {'generation', 'epoch', 'lost', 'open_until', 'break_length', 'half_open_until', 'successes',
                 'probes_granted', 'lease_length', 'timed_out_generation', 'timed_out_probe', 'mode_until',
                 'mode_length', 'clear_at', 'failing_since', 'found_empty_at', 'counted', 'held', 'settings_at'}
local texts = {'state', 'mode', 'last_failure', 'actor', 'reason', 'run', 'settings'}

-- One function encloses everything from here to the end of main.lua: Lua then resolves the variables above once, which
-- makes creating the functions a third cheaper.
local function event()

local function text(number) return string.format('%.0f', number) end

local function mark_invalid(key, value)
  local printable = string.gsub(string.sub(value, 1, 64), '[^\32-\126]', '?')  -- it goes into logs and JSON
  invalid_value = invalid_value or (key .. ' held "' .. printable .. '"')
end

-- A key of another type is an invalid value, to be repaired. Another error, such as a missing permission, is not.
local function is_of_another_type(reply) return string.find(reply.err, 'WRONGTYPE', 1, true) end

local function read(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then
    if not is_of_another_type(value) then redis.call('GET', key) end  -- ends the run
    mark_invalid(key, 'not a string')
    return nil
  end
  return value or nil
end

local function to_integer(key, value, max_digits)
  if not value then return 0 end
  local number = #value <= max_digits and string.match(value, '^%d+$') and tonumber(value)
  if number and number < 9e15 then return number end  -- a Lua number is exact up to 2^53
  mark_invalid(key, value)
  return 0
end

local function read_breaker()
  local fields = redis.pcall('HGETALL', BREAKER)
  if fields.err then
    if not is_of_another_type(fields) then redis.call('HGETALL', BREAKER) end  -- ends the run
    mark_invalid(BREAKER, 'not a hash')
    fields = {}
  end
  for i = 1, #fields, 2 do stored[fields[i]] = fields[i + 1] end
  for _, name in ipairs(numbers) do
    stored_numbers[name] = stored[name] and to_integer(BREAKER, stored[name], 16) or 0
    s[name] = stored_numbers[name]
  end
  for _, name in ipairs(texts) do
    s[name] = stored[name] or ''
    if #s[name] > 256 then mark_invalid(BREAKER, s[name]) end
  end
  s.state = is_state[s.state] and s.state or 'closed'  -- as our last script left it
  s.mode = is_mode[s.mode] and s.mode or 'auto'
end

-- The window as a list of buckets, newest first, each {calls, failures, slow}.
local function read_window()
  s.window, s.newest_bucket = {}, 0
  local value = read(WINDOW)
  if not value then return end
  if #value > 512 then return mark_invalid(WINDOW, value) end  -- before the pattern: it would take minutes for 1 MB
  local newest, buckets = string.match(value, '^(%d+)([ /%d]*)$')
  if not newest then return mark_invalid(WINDOW, value) end
  s.newest_bucket = to_integer(WINDOW, newest, 16)
  local function count(digits) return to_integer(WINDOW, digits, 16) end
  for calls, failures, slow in string.gmatch(buckets, ' (%d+)/(%d+)/(%d+)') do
    table.insert(s.window, {count(calls), count(failures), count(slow)})
  end
  if #s.window > 10 then mark_invalid(WINDOW, value) end
end

-- At most as many leases as permitted_calls_in_half_open may be.
local function read_leases()
  local held = redis.pcall('ZRANGE', PROBES, 0, 999, 'WITHSCORES')
  if held.err then return mark_invalid(PROBES, 'not a sorted set') end
  for i = 1, #held, 2 do
    table.insert(s.leases, {probe = tonumber(held[i]) or 0, deadline = tonumber(held[i + 1])})
  end
end

local function require_sorted_set(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= 'zset' then mark_invalid(key, 'not a sorted set') end
end

-- Returns the public state, which another program may have written; nil if the key is missing. MGET returns nil for a
-- key of another type too, so read() looks at those again.
local function read_snapshot()
  local public = redis.call('MGET', STATE, FAILURES, LAST_FAILURE)
  local state = public[1] or read(STATE)
  if state and not is_state[state] then mark_invalid(STATE, state) end
  stored_failures = public[2] or read(FAILURES)
  s.failures = to_integer(FAILURES, stored_failures, 9)
  last_failure = public[3] or read(LAST_FAILURE) or ''
  if #last_failure > 32 or not string.match(last_failure, '^%d*%.?%d*$') then mark_invalid(LAST_FAILURE, last_failure) end
  read_breaker()
  s.window, s.newest_bucket = {}, 0
  if policy.keeps_window then read_window() end
  s.leases = {}
  if state ~= 'closed' then read_leases() end
  if policy.minimum_reporting_instances > 1 then require_sorted_set(REPORTERS) end
  return state
end

-- A day after the last use; an override until further notice outlives a fleet that is down for a month.
local function lifetime_ms()
  local day = 24 * 60 * 60 * 1000
  if s.mode ~= 'auto' and s.mode_until == 0 then return 30 * day + day end
  if s.mode ~= 'auto' then return (s.mode_until - now) / 1000 + day end
  return day + (math.max(s.break_length, policy.recovery_timeout) + policy.probe_timeout) / 1000
end

-- Writes the fields that changed, and no others: Redis pushes each written key to every instance that tracks it.
local function write_breaker()
  s.last_failure = last_failure
  local set, removed = {}, {}
  local function put(name, value)
    if value == '' then return table.insert(removed, name) end
    table.insert(set, name)
    table.insert(set, value)
  end
  for _, name in ipairs(numbers) do
    if s[name] ~= (stored_numbers[name] or 0) then put(name, s[name] ~= 0 and text(s[name]) or '') end
  end
  for _, name in ipairs(texts) do
    local value = s[name] ~= 'auto' and s[name] or ''
    if value ~= (stored[name] or '') then put(name, value) end
  end
  if #set > 0 then redis.call('HSET', BREAKER, unpack(set)) end
  if #removed > 0 then redis.call('HDEL', BREAKER, unpack(removed)) end
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
  if stored_failures ~= text(s.failures) or operation == 'reconnect' then
    redis.call('SET', FAILURES, text(s.failures), 'PX', lifetime)
  end
  write_breaker()
  if policy.keeps_window then write_window() end
  if new_generation then redis.call('SET', STATE, s.state, 'PX', lifetime) end
end

-- All keys are renewed together; between two transitions the state key's remaining time says when that is due.
local function renew_expiry()
  local lifetime = lifetime_ms()
  if not new_generation and redis.call('PTTL', STATE) >= lifetime / 2 then return end
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, text(lifetime)) end
end
