
----------------------------------------------------------------------- one run: what others wrote, the event, the reply

-- The public keys are the truth: what others wrote there since our last script is honoured as a transition, and ends an
-- override that says otherwise.
local function follow(state, cause)
  s.mode, s.mode_until, s.actor, s.reason = 'auto', 0, '', ''
  if state == 'open' then open(cause) elseif state == 'closed' then close(cause) else enter(state, cause) end
end

local function honour(state)
  local first_time = s.generation == 0
  local rolled_back = s.generation < seen_generation
  s.generation = math.max(s.generation, seen_generation)
  if nonsense then
    redis.call('DEL', unpack(KEYS))
    last_failure = ''
    follow('closed', 'mended: ' .. nonsense)
  elseif first_time and not state and seen_generation > 0 then
    s.state = seen_state
    follow('closed', 'state gone: flushed, deleted or expired')
  elseif first_time and not state and operation == 'look' then
    return  -- nobody has used it; a look leaves nothing behind
  elseif first_time then
    s.generation, changed = math.min(math.max(s.generation + 1, now), never), true
    if seen_generation > 0 then s.state = seen_state end
    if state and (state ~= 'closed' or s.state ~= 'closed') then follow(state, 'written from outside') end
  elseif not state then
    follow('closed', 'state deleted from outside')
  elseif state ~= s.state then
    follow(state, 'written from outside')
  elseif rolled_back and s.mode ~= 'auto' then
    enter(state, 'state went back to an older one')
  elseif rolled_back then
    follow(state, 'state went back to an older one')
  elseif state == 'open' and s.mode == 'auto' and last_failure ~= s.last_failure and now >= s.open_until then
    follow('open', 'written from outside')  -- the break was over, another program probed, and its probe failed
  end
  if last_failure ~= s.last_failure then changed = true end
end

-- No break and no lease is longer than it was made: one that seems so began before Redis's clock was set back.
local function shorten_what_is_too_long()
  s.break_length = math.min(s.break_length, math.max(policy.recovery_timeout, policy.recovery_timeout_maximum))
  local longest = s.mode == 'auto' and math.max(s.break_length, policy.recovery_timeout) or never
  if s.state == 'open' and s.open_until > now + longest then s.open_until, changed = now + longest, true end
  local stray = '(' .. text(now + policy.probe_timeout)
  if redis.call('ZREMRANGEBYSCORE', PROBES, stray, '+inf') > 0 then changed = true end
end

-- Long after the last use; an order until further notice outlives a fleet that sleeps for a month.
local function lifetime_ms()
  local day = 24 * 60 * 60 * 1000
  if s.mode ~= 'auto' and s.mode_until == 0 then return 30 * day + day end
  if s.mode ~= 'auto' then return (s.mode_until - now) / 1000 + day end
  return day + (math.max(s.break_length, policy.recovery_timeout) + policy.probe_timeout) / 1000
end

local function keep_alive()
  local lifetime = lifetime_ms()
  if not changed and redis.call('PTTL', STATE) >= lifetime / 2 then return end
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, text(lifetime)) end
end

local function wait()
  if s.state == 'open' and s.open_until == never then return policy.recovery_timeout end
  return math.max(0, admits_from() - now)
end

honour(read_snapshot())
if s.state ~= 'closed' then shorten_what_is_too_long() end
local answer, probe = 'settled', 0
if operation == 'impose' then
  impose(ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]))
else
  look()
end
if operation == 'acquire' then
  answer, probe = admit()
elseif operation == 'settle' then
  answer = settle(tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8]), ARGV[9])
elseif operation == 'hear' then
  hear(ARGV[5])
end
if changed then write_snapshot() end
keep_alive()
if operation == 'look' and policy.keeps_window then move_window_to(bucket_now()) end
local calls, failures, slow = total()
return {answer, probe, wait(), text(now), s.state, text(s.generation), s.failures, transitions, would_have_tripped,
        {s.mode, s.actor, s.reason, text(s.mode_until)}, {calls, failures, slow}}
