
---------------------------------------------- the transition table: simple_breaker/state_machine.cpp, function by function

local transitions = {}
local would_have_tripped = ''

local in_words = {auto = 'automatic again', forced_open = 'forced open', forced_closed = 'forced closed',
                  disabled = 'disabled', metrics_only = 'metrics only', reset = 'reset'}

local function enter(to, cause)
  local from = s.state
  s.state = to
  s.generation = math.min(math.max(s.generation + 1, now), never)  -- another program may have written a huge number
  s.successes, s.probes_granted = 0, 0
  redis.call('DEL', PROBES)
  changed, new_generation = true, true
  table.insert(transitions, {from, to, text(s.generation), cause})
end

local function open(cause)
  enter('open', cause)
  s.break_length = next_break(s.break_length)
  s.open_until = now + jittered(s.break_length, s.generation)
end

local function close(cause)
  clear_counts()
  s.break_length = 0
  enter('closed', cause)
end

local function record_last_failure()
  last_failure = string.format('%d.%06d', time[1], time[2])
  redis.call('SET', LAST_FAILURE, last_failure, 'PX', text(lifetime_ms()))
  changed = true
end

local function settle_call(outcome, took, instance)
  if outcome == 'ignored' or s.mode == 'disabled' then return 'settled' end
  record(outcome, took, 1)
  if outcome == 'success' and not is_slow(took) then return 'settled' end
  if outcome == 'failure' then record_last_failure() end
  if outcome == 'failure' or policy.slow_call_rate_threshold > 0 then record_reporter(instance) end
  local cause = cause_to_open()
  if cause and s.mode == 'auto' then
    open(cause)
  elseif cause and s.mode == 'metrics_only' then
    would_have_tripped = cause
    clear_counts()
  end
  return 'settled'
end

local function settle_probe(probe, outcome, took)
  local deadline = redis.call('ZSCORE', PROBES, text(probe))
  if not deadline or tonumber(deadline) <= now then return outcome == 'ignored' and 'settled' or 'late' end
  redis.call('ZREM', PROBES, text(probe))
  changed = true
  if outcome == 'failure' then
    record_last_failure()
    open('probe failed')
  elseif outcome == 'success' and policy.slow_call_rate_threshold > 0 and is_slow(took) then
    open('probe was slow')
  elseif outcome == 'success' then
    s.successes = s.successes + 1
    if s.successes >= policy.success_threshold then close(plural(s.successes, 'successful probe')) end
  end
  return 'settled'
end

-- An override ends: a circuit that was forced open continues with a probe, any other one starts fresh.
local function resume(cause)
  local was_open = s.mode == 'forced_open'
  s.mode, s.mode_until, s.actor, s.reason = 'auto', 0, '', ''
  if was_open then enter('half_open', cause) else close(cause) end
end

local function admits_from()
  if s.state == 'open' then return s.open_until end
  if s.state == 'closed' or redis.call('ZCARD', PROBES) < policy.permitted_calls_in_half_open then return 0 end
  return tonumber(redis.call('ZRANGE', PROBES, 0, 0, 'WITHSCORES')[2])
end

local function admit()
  if s.state == 'closed' then return 'permit', 0 end
  if now < admits_from() then return 'rejected', 0 end
  if s.state == 'open' then enter('half_open', 'recovery timeout over') end
  redis.call('ZREMRANGEBYSCORE', PROBES, '-inf', text(now))
  s.probes_granted = s.probes_granted + 1
  redis.call('ZADD', PROBES, text(now + policy.probe_timeout), text(s.probes_granted))
  redis.call('PEXPIRE', PROBES, text(lifetime_ms()))
  changed = true
  return 'permit', s.probes_granted
end

local function settle(generation, probe, outcome, took, instance)
  if generation ~= s.generation then return outcome == 'ignored' and 'settled' or 'late' end
  if probe == 0 then return settle_call(outcome, took, instance) end
  return settle_probe(probe, outcome, took)
end

-- Successes that an instance counted locally until it had something to send. They never open a circuit. Returns how
-- many of them are late.
local function settle_successes(times)
  if times == 0 then return 0 end
  if known_generation ~= s.generation then return times end
  if s.mode ~= 'disabled' then record('success', 0, times) end
  return 0
end

local function apply_override(mode, actor, reason, lasts)
  local cause = in_words[mode] .. ' by ' .. actor .. (reason ~= '' and ': ' .. reason or '')
  if mode == 'auto' and s.mode == 'auto' then return end
  if mode == 'auto' then return resume(cause) end
  local lasting = mode ~= 'reset'
  s.mode = lasting and mode or 'auto'
  s.actor, s.reason = lasting and actor or '', lasting and reason or ''
  s.mode_until = lasting and lasts > 0 and now + lasts or 0
  if mode ~= 'forced_open' then return close(cause) end
  s.open_until = lasts > 0 and s.mode_until or never
  enter('open', cause)
end

local function report_health(health)
  if #transitions > 0 or s.state ~= 'open' or s.mode ~= 'auto' then return end
  if health == 'up' then return enter('half_open', 'health check passed') end
  s.open_until, changed = now + s.break_length, true
end

local function tick()
  if s.mode_until ~= 0 and now >= s.mode_until then resume(in_words[s.mode] .. ': expired') end
end
