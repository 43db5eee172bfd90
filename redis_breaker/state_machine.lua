-- The transition table of simple_breaker/state_machine.cpp, for a snapshot that lives in Redis. One call of this script
-- is one event, and Redis runs scripts one at a time: no other instance ever sees, or interrupts, half a transition.
-- The time is Redis's: no instance's clock counts. A call that changes nothing writes nothing.
--
-- KEYS  state, failures, last_failure: the public three. breaker: a hash of what else there is to know. probes: a sorted
--       set of leases, number by deadline.
-- ARGV  operation (acquire | settle | look), the policy (times in microseconds), the generation and state that the caller
--       saw last, and for settle: generation, probe and outcome of the permit.
-- Reply {answer, probe, wait, now, state, generation, failures, transitions}; answer: permit | rejected | settled | late

local STATE, FAILURES, LAST_FAILURE, BREAKER, PROBES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local operation = ARGV[1]
local failure_threshold, recovery_timeout = tonumber(ARGV[2]), tonumber(ARGV[3])
local permitted_calls, success_threshold = tonumber(ARGV[4]), tonumber(ARGV[5])
local probe_timeout = tonumber(ARGV[6])
local seen_generation, seen_state = tonumber(ARGV[7]), ARGV[8]

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local lifetime_ms = 24 * 60 * 60 * 1000 + (recovery_timeout + probe_timeout) / 1000

local is_state = {closed = true, open = true, half_open = true}
local s = {}            -- the snapshot
local changed = false   -- whether it must be written back
local transitions = {}
local last_failure      -- as it stands in its key; s.last_failure is how we have seen it before
local nonsense          -- the first value that cannot be ours: which key, and what it held

local function text(number) return string.format('%.0f', number) end

local function enter(to, cause)
  local from = s.state
  s.state = to
  s.generation = math.max(s.generation + 1, now)
  s.successes, s.probes_granted = 0, 0
  redis.call('DEL', PROBES)
  if to == 'closed' then s.failures = 0 end
  if to == 'open' then s.open_until = now + recovery_timeout end
  changed = true
  table.insert(transitions, {from, to, text(s.generation), cause})
end

local function counted(count, thing)
  return text(count) .. ' ' .. thing .. (count == 1 and '' or 's')
end

---------------------------------------------------------------------------------------------------------- the table

local function admits_from()
  if s.state == 'open' then return s.open_until end
  if s.state == 'closed' or redis.call('ZCARD', PROBES) < permitted_calls then return 0 end
  return tonumber(redis.call('ZRANGE', PROBES, 0, 0, 'WITHSCORES')[2])
end

local function admit()
  if s.state == 'closed' then return 'permit', 0 end
  if now < admits_from() then return 'rejected', 0 end
  if s.state == 'open' then enter('half_open', 'recovery timeout over') end
  redis.call('ZREMRANGEBYSCORE', PROBES, '-inf', text(now))
  s.probes_granted = s.probes_granted + 1
  redis.call('ZADD', PROBES, text(now + probe_timeout), text(s.probes_granted))
  changed = true
  return 'permit', s.probes_granted
end

local function note_failure()
  last_failure = string.format('%d.%06d', time[1], time[2])
  redis.call('SET', LAST_FAILURE, last_failure)
  changed = true
end

local function settle_call(outcome)
  if outcome == 'success' and s.failures > 0 then
    s.failures, changed = 0, true
  elseif outcome == 'failure' then
    note_failure()
    s.failures = math.min(s.failures + 1, 999999999)  -- what whole() reads back
    if s.failures >= failure_threshold then enter('open', counted(s.failures, 'consecutive failure')) end
  end
  return 'settled'
end

local function settle_probe(probe, outcome)
  local deadline = redis.call('ZSCORE', PROBES, text(probe))
  if not deadline or tonumber(deadline) <= now then return outcome == 'ignored' and 'settled' or 'late' end
  redis.call('ZREM', PROBES, text(probe))
  changed = true
  if outcome == 'failure' then
    note_failure()
    enter('open', 'probe failed')
  elseif outcome == 'success' then
    s.successes = s.successes + 1
    if s.successes >= success_threshold then enter('closed', counted(s.successes, 'successful probe')) end
  end
  return 'settled'
end

local function settle(generation, probe, outcome)
  if generation ~= s.generation then return outcome == 'ignored' and 'settled' or 'late' end
  if probe == 0 then return settle_call(outcome) end
  return settle_probe(probe, outcome)
end

------------------------------------------------------------------------------------------- reading, mending, writing

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
  local number = string.match(value, '^%d+$') and #value <= most_digits and tonumber(value)
  if number and number < 9e15 then return number end  -- beyond 2^53 a Lua number skips some
  blame(key, value)
  return 0
end

local function read_snapshot()
  local state = read(STATE)
  if state and not is_state[state] then blame(STATE, state) end
  s.failures = whole(FAILURES, read(FAILURES), 9)
  last_failure = read(LAST_FAILURE) or ''
  if not string.match(last_failure, '^%d*%.?%d*$') then blame(LAST_FAILURE, last_failure) end
  local held = redis.pcall('HMGET', BREAKER, 'state', 'generation', 'open_until', 'successes', 'probes_granted',
                           'last_failure')
  if held.err then
    blame(BREAKER, 'no hash')
    held = {}
  end
  s.state = is_state[held[1]] and held[1] or 'closed'  -- as this script left it
  s.generation = whole(BREAKER, held[2], 16)
  s.open_until = whole(BREAKER, held[3], 16)
  s.successes = whole(BREAKER, held[4], 9)
  s.probes_granted = whole(BREAKER, held[5], 16)
  s.last_failure = held[6] or ''
  local kind = redis.call('TYPE', PROBES).ok
  if kind ~= 'none' and kind ~= 'zset' then blame(PROBES, 'no sorted set') end
  return state
end

-- The public keys are the truth: what others wrote there since our last script is honoured as a transition.
local function honour(state)
  local first_time = s.generation == 0
  local rolled_back = s.generation < seen_generation
  s.generation = math.max(s.generation, seen_generation)
  if nonsense then
    redis.call('DEL', unpack(KEYS))
    last_failure = ''
    enter('closed', 'mended: ' .. nonsense)
  elseif first_time and not state and seen_generation > 0 then
    s.state = seen_state
    enter('closed', 'state gone: flushed, deleted or expired')
  elseif first_time then
    s.generation, changed = math.max(s.generation + 1, now), true
    if seen_generation > 0 then s.state = seen_state end
    if state and (state ~= 'closed' or s.state ~= 'closed') then enter(state, 'written from outside') end
  elseif not state then
    enter('closed', 'state deleted from outside')
  elseif state ~= s.state then
    enter(state, 'written from outside')
  elseif rolled_back then
    enter(state, 'state went back to an older one')
  elseif state == 'open' and last_failure ~= s.last_failure and now >= s.open_until then
    enter('open', 'written from outside')  -- the break was over, another program probed, and its probe failed
  end
  if last_failure ~= s.last_failure then changed = true end
end

-- No break and no lease is longer than its setting: one that seems so began before Redis's clock was set back.
local function shorten_what_is_too_long()
  if s.state == 'open' and s.open_until > now + recovery_timeout then
    s.open_until, changed = now + recovery_timeout, true
  end
  if redis.call('ZREMRANGEBYSCORE', PROBES, '(' .. text(now + probe_timeout), '+inf') > 0 then changed = true end
end

local function write_snapshot()
  redis.call('SET', STATE, s.state)
  redis.call('SET', FAILURES, text(s.failures))
  redis.call('HSET', BREAKER, 'state', s.state, 'generation', text(s.generation), 'open_until', text(s.open_until),
             'successes', text(s.successes), 'probes_granted', text(s.probes_granted), 'last_failure', last_failure)
end

honour(read_snapshot())
if s.state ~= 'closed' then shorten_what_is_too_long() end
local answer, probe = 'settled', 0
if operation == 'acquire' then
  answer, probe = admit()
elseif operation == 'settle' then
  answer = settle(tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11])
end
if changed then write_snapshot() end
if changed or redis.call('PTTL', STATE) < lifetime_ms / 2 then
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, text(lifetime_ms)) end
end
return {answer, probe, math.max(0, admits_from() - now), text(now), s.state, text(s.generation), s.failures, transitions}
