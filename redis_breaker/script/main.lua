
----------------------------------------------------------------------- one run: what others wrote, the event, the reply

-- The public keys are the truth: what others wrote there since our last script is honoured as a transition, and ends an
-- override that says otherwise.
local function follow(state, cause)
  s.mode, s.mode_until, s.actor, s.reason = 'auto', 0, '', ''
  if state == 'open' then open(cause) elseif state == 'closed' then close(cause) else enter(state, cause) end
end

-- Keys that are gone on the same server were flushed, deleted or have expired: a reset. On another server, one that was
-- started again or has taken the other's place, they were lost; asked only then, as INFO is not cheap.
local function is_another_server()
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
  return run and seen_run ~= '' and string.sub(run, 1, #seen_run) ~= seen_run
end

-- What the caller saw is newer than what is here, or all that there is.
local function restore(cause)
  if seen_state == 'closed' then return close(cause) end
  enter(seen_state, cause)
  s.break_length = math.max(s.break_length, policy.recovery_timeout, seen_open_for)  -- it may have grown
  s.open_until = now + seen_open_for
end

local function begin_anew(state)
  s.generation, changed, new_stay = math.min(math.max(s.generation + 1, now), never), true, true
  if seen_generation > 0 then s.state = seen_state end
  if state and (state ~= 'closed' or s.state ~= 'closed') then follow(state, 'written from outside') end
end

local function honour_loss()
  s.state = seen_state
  if is_another_server() then
    s.lost = seen_generation
    return restore('state lost: this server did not have it')
  end
  follow('closed', 'state gone: flushed, deleted or expired')
end

-- Somebody who did not know that it was open has begun anew on a server that had lost it. What happened to it since
-- then, a person's order for one, is newer than what the caller saw.
local function was_lost_before(untouched)
  return untouched and seen_generation > s.lost and seen_epoch > 0 and s.epoch ~= seen_epoch and
         seen_state == 'open' and seen_open_for > 0 and s.state == 'closed' and s.mode == 'auto' and
         is_another_server()
end

local function honour(state)
  local first_time = s.generation == 0
  local rolled_back = s.generation < seen_generation
  local untouched = s.generation == s.epoch
  s.generation = math.max(s.generation, seen_generation)
  if nonsense then
    redis.call('DEL', unpack(KEYS))
    last_failure, held, was, held_failures = '', {}, {}, nil
    follow('closed', 'mended: ' .. nonsense)
  elseif first_time and not state and seen_generation > 0 then
    honour_loss()
  elseif first_time and not state and operation == 'look' then
    return  -- nobody has used it; a look leaves nothing behind
  elseif first_time then
    begin_anew(state)
  elseif not state then
    follow('closed', 'state deleted from outside')
  elseif state ~= s.state then
    follow(state, 'written from outside')
  elseif rolled_back and s.mode ~= 'auto' then
    enter(state, 'state lost: it went back to an older one')
  elseif rolled_back then
    restore('state lost: it went back to an older one')
  elseif was_lost_before(untouched) then
    restore('state lost: this server did not have it')
  elseif state == 'open' and s.mode == 'auto' and last_failure ~= s.last_failure and now >= s.open_until then
    follow('open', 'written from outside')  -- the break was over, another program probed, and its probe failed
  end
  if s.epoch == 0 then s.epoch = s.generation end  -- the stay with which this snapshot began
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

local function wait()
  if s.state == 'open' and s.open_until == never then return policy.recovery_timeout end
  return math.max(0, admits_from() - now)
end

honour(read_snapshot())
if s.state ~= 'closed' then shorten_what_is_too_long() end
local answer, probe, late_successes = 'settled', 0, 0
if operation ~= 'impose' then look() end
if unreported_successes > 0 then late_successes = settle_successes(unreported_successes) end
if operation == 'acquire' then
  answer, probe = admit()
elseif operation == 'settle' then
  answer = settle(tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11], tonumber(ARGV[12]), ARGV[13])
elseif operation == 'impose' then
  impose(ARGV[9], ARGV[10], ARGV[11], tonumber(ARGV[12]))
elseif operation == 'hear' then
  hear(ARGV[9])
end
if changed or operation == 'join' then write_snapshot() end
keep_alive()
if operation == 'look' and policy.keeps_window then move_window_to(bucket_now()) end
local calls, failures, slow = total()
return {answer, probe, wait(), now, s.state, s.generation, s.failures, transitions, would_have_tripped,
        s.mode ~= 'auto' and {s.mode, s.actor, s.reason, s.mode_until}, calls > 0 and {calls, failures, slow}, s.epoch,
        late_successes}

end

return event()
