
---------------------------------------------- the transition table: simple_breaker/state_machine.cpp, function by function

local transitions = {}
local would_have_tripped = ''

local in_words = {auto = 'automatic again', forced_open = 'forced open', forced_closed = 'forced closed',
                  disabled = 'disabled', metrics_only = 'metrics only', reset = 'reset'}

local function enter(to, cause)
  local from = s.state
  s.state = to
  s.generation = math.min(math.max(s.generation + 1, now), never)  -- another program may have written a huge number
  local has_limit = to == 'half_open' and policy.half_open_timeout > 0
  s.half_open_until = has_limit and now + policy.half_open_timeout or 0
  s.probes_granted, s.leases, s.lease_length = 0, {}, 0
  redis.call('DEL', PROBES)
  local ends_break = from == 'open' and to == 'half_open'
  if not ends_break then  -- a break is all that a probe that timed out survives
    s.successes, s.timed_out_generation, s.timed_out_probe = 0, 0, 0
  end
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

local function is_too_slow_for_a_probe(took) return policy.slow_call_rate_threshold > 0 and is_slow(took) end

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

-- True if that probe held a lease.
local function remove_lease(probe)
  for i, lease in ipairs(s.leases) do
    if lease.probe == probe then
      table.remove(s.leases, i)
      redis.call('ZREM', PROBES, text(probe))
      changed = true
      return true
    end
  end
end

local function settle_probe(probe, outcome, took)
  if not remove_lease(probe) then return outcome == 'ignored' and 'settled' or 'late' end
  if outcome == 'failure' then
    record_last_failure()
    open('probe failed')
  elseif outcome == 'success' and is_too_slow_for_a_probe(took) then
    open('probe was slow')
  elseif outcome == 'success' then
    s.successes = s.successes + 1
    if s.successes >= policy.success_threshold then close(plural(s.successes, 'successful probe')) end
  end
  return 'settled'
end

-- The probe that opened the circuit by its timeout has a result after all; a success is newer than the trip.
local function settle_timed_out(outcome, took)
  s.timed_out_generation, s.timed_out_probe, changed = 0, 0, true
  if outcome ~= 'success' or is_too_slow_for_a_probe(took) then
    s.successes = 0
    return outcome == 'ignored' and 'settled' or 'late'
  end
  s.successes = s.successes + 1
  if s.successes >= policy.success_threshold then close('a probe succeeded after its timeout') end
  return 'settled'
end

-- An override ends: a circuit that was forced open continues with a probe, any other one starts fresh.
local function resume(cause)
  local was_open = s.mode == 'forced_open'
  s.mode, s.mode_until, s.mode_length, s.actor, s.reason = 'auto', 0, 0, '', ''
  if was_open then enter('half_open', cause) else close(cause) end
end

-- The lease that runs out first; of several at once that of the oldest probe.
local function first_to_end()
  local first = s.leases[1]
  for _, lease in ipairs(s.leases) do
    local same = lease.deadline == first.deadline
    if lease.deadline < first.deadline or (same and lease.probe < first.probe) then first = lease end
  end
  return first
end

local function half_open_ends()
  local lease = first_to_end()
  local limit = s.half_open_until == 0 and never or s.half_open_until
  return lease and math.min(limit, lease.deadline) or limit
end

-- A probe without an answer is a failed one. The break starts when the answer was due.
local function time_out()
  if s.state ~= 'half_open' then return end
  local ends = half_open_ends()
  if now < ends then return end
  local lease, generation, successes = first_to_end(), s.generation, s.successes
  open(lease and lease.deadline == ends and 'probe timed out' or 'half-open timeout over')
  s.open_until = s.open_until - (now - ends)
  if lease then s.timed_out_generation, s.timed_out_probe, s.successes = generation, lease.probe, successes end
end

local function cut(deadline, longest)
  if longest == 0 or deadline <= now + longest then return deadline end
  changed = true
  return now + longest
end

-- No deadline is further away than when it was set. One that seems to be was set before Redis's clock was set back. A
-- lease keeps the length that the instance which granted it had given it: the settings of another may differ.
local function clamp_deadlines()
  local ends_with_override = s.mode == 'forced_open'
  s.mode_until = cut(s.mode_until, s.mode_length)
  if s.state == 'open' then s.open_until = cut(s.open_until, ends_with_override and s.mode_length or s.break_length) end
  s.half_open_until = cut(s.half_open_until, policy.half_open_timeout)
  for _, lease in ipairs(s.leases) do
    local deadline = cut(lease.deadline, s.lease_length > 0 and s.lease_length or policy.probe_timeout)
    if deadline ~= lease.deadline then redis.call('ZADD', PROBES, text(deadline), text(lease.probe)) end
    lease.deadline = deadline
  end
  s.clear_at = cut(s.clear_at, policy.clear_interval)
  if policy.keeps_window then set_back_to(bucket_at(now)) end
end

local function admits_from()
  if s.state == 'open' then return s.open_until end
  if s.state == 'closed' or #s.leases < policy.permitted_calls_in_half_open then return 0 end
  return half_open_ends()
end

local function grant_probe()
  if s.timed_out_generation ~= 0 then  -- still without an answer: from now on only this probe counts
    s.timed_out_generation, s.timed_out_probe, s.successes = 0, 0, 0
  end
  local deadline = now + policy.probe_timeout
  s.probes_granted = s.probes_granted + 1
  table.insert(s.leases, {probe = s.probes_granted, deadline = deadline})
  s.lease_length = math.max(s.lease_length, policy.probe_timeout)
  redis.call('ZADD', PROBES, text(deadline), text(s.probes_granted))
  redis.call('PEXPIRE', PROBES, text(lifetime_ms()))
  changed = true
  return s.probes_granted
end

local function admit()
  if s.state == 'closed' then return 'permit', 0 end
  if now < admits_from() then return 'rejected', 0 end
  if s.state == 'open' then enter('half_open', 'recovery timeout over') end
  return 'permit', grant_probe()
end

local function settle(generation, probe, outcome, took, instance)
  local is_timed_out = probe ~= 0 and generation == s.timed_out_generation and probe == s.timed_out_probe
  if is_timed_out then return settle_timed_out(outcome, took) end
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
  s.mode_length = lasting and lasts or 0
  s.mode_until = s.mode_length > 0 and now + lasts or 0
  if mode ~= 'forced_open' then return close(cause) end
  s.open_until = lasts > 0 and s.mode_until or never
  enter('open', cause)
end

local function report_health(health)
  if s.state ~= 'open' or s.mode ~= 'auto' then return end
  if health == 'up' then return enter('half_open', 'health check passed') end
  s.open_until, changed = now + s.break_length, true
end

local function tick()
  clamp_deadlines()
  if s.mode_until ~= 0 and now >= s.mode_until then resume(in_words[s.mode] .. ': expired') end
  time_out()
end
