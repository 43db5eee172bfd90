
------------------------------------------------ one run: reconcile with what others wrote, apply the event, build the reply

-- The public keys are the truth: a state that another program wrote there becomes a transition, and ends an override
-- that contradicts it.
local function take_over_state(state, cause)
  s.mode, s.mode_until, s.mode_length, s.actor, s.reason = 'auto', 0, 0, '', ''
  if state == 'open' then open(cause) elseif state == 'closed' then close(cause) else enter(state, cause) end
end

-- Keys that are missing on the same server were flushed, deleted or have expired: a reset. On another server, because
-- Redis was restarted or a replica took over, they were lost. Asked only in doubt, as INFO is not cheap.
local function is_another_server()
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)')
  return run and known_run ~= '' and string.sub(run, 1, #known_run) ~= known_run
end

-- What the caller saw is newer than what is stored here, or nothing is stored here.
local function restore(cause)
  if known_state == 'closed' then return close(cause) end
  enter(known_state, cause)
  s.break_length = math.max(s.break_length, policy.recovery_timeout, known_open_for)  -- it may have grown
  s.open_until = now + known_open_for
end

local function initialize(state)
  s.generation, changed, new_generation = math.min(math.max(s.generation + 1, now), never), true, true
  if known_generation > 0 then s.state = known_state end
  if state and (state ~= 'closed' or s.state ~= 'closed') then take_over_state(state, 'written from outside') end
end

local function reconcile_missing_state()
  s.state = known_state
  if is_another_server() then
    s.lost = known_generation
    return restore('state lost: this server did not have it')
  end
  take_over_state('closed', 'state gone: flushed, deleted or expired')
end

-- An instance that did not know that the circuit was open has started a fresh one on a server that had lost the state.
-- Anything that happened to the fresh one since then, such as an override, is newer than what the caller saw.
local function lost_before_this_epoch(untouched)
  return untouched and known_generation > s.lost and known_epoch > 0 and s.epoch ~= known_epoch and
         known_state == 'open' and known_open_for > 0 and s.state == 'closed' and s.mode == 'auto' and
         is_another_server()
end

local function reconcile(state)
  local first_time = s.generation == 0
  local rolled_back = s.generation < known_generation
  local untouched = s.generation == s.epoch
  s.generation = math.max(s.generation, known_generation)
  if invalid_value then
    redis.call('DEL', unpack(KEYS))
    last_failure, stored, stored_numbers, stored_failures = '', {}, {}, nil
    take_over_state('closed', 'repaired: ' .. invalid_value)
  elseif first_time and not state and known_generation > 0 then
    reconcile_missing_state()
  elseif first_time and not state and operation == 'tick' then
    return  -- no call has used it yet; a tick leaves nothing behind
  elseif first_time then
    initialize(state)
  elseif not state then
    take_over_state('closed', 'state deleted from outside')
  elseif state ~= s.state then
    take_over_state(state, 'written from outside')
  elseif rolled_back and s.mode ~= 'auto' then
    enter(state, 'state lost: it went back to an older one')
  elseif rolled_back then
    restore('state lost: it went back to an older one')
  elseif lost_before_this_epoch(untouched) then
    restore('state lost: this server did not have it')
  elseif state == 'open' and s.mode == 'auto' and last_failure ~= s.last_failure and now >= s.open_until then
    take_over_state('open', 'written from outside')  -- after the break, another program probed, and its probe failed
  end
  if s.epoch == 0 then s.epoch = s.generation end  -- the generation with which this snapshot began
  if last_failure ~= s.last_failure then changed = true end
end

local function retry_after()
  if s.state == 'open' and s.open_until == never then return policy.recovery_timeout end
  return math.max(0, admits_from() - now)
end

reconcile(read_snapshot())
tick()
local result, probe, late_successes = 'settled', 0, 0
if unreported_successes > 0 then late_successes = settle_successes(unreported_successes) end
if operation == 'acquire' then
  result, probe = admit()
elseif operation == 'settle' then
  result = settle(tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11], tonumber(ARGV[12]), ARGV[13])
elseif operation == 'apply_override' then
  apply_override(ARGV[9], ARGV[10], ARGV[11], tonumber(ARGV[12]))
elseif operation == 'report_health' then
  report_health(ARGV[9])
end
if changed or operation == 'reconnect' then write_snapshot() end
renew_expiry()
if operation == 'tick' and policy.keeps_window then move_to(bucket_at(now)) end
local calls, failures, slow = total()
return {result, probe, retry_after(), now, s.state, s.generation, s.failures, transitions, would_have_tripped,
        s.mode ~= 'auto' and {s.mode, s.actor, s.reason, s.mode_until}, calls > 0 and {calls, failures, slow}, s.epoch,
        late_successes}

end

return event()
