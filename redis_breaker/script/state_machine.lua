
---------------------------------------------- the transition table: simple_breaker/state_machine.cpp, function by function

local reply  -- to the event that is being applied

local function drop(outcome)
  if outcome ~= 'ignored' then reply.kind = 'late' end
end

local function record_last_failure()
  run.last_failure, run.last_failure_changed, run.changed = now_in_seconds, true, true
end

local step = module(function(step)
  step.in_words = {auto = 'automatic again', forced_open = 'forced open', forced_closed = 'forced closed',
                   disabled = 'disabled', metrics_only = 'metrics only', reset = 'reset'}

  -- transitions

  function step.enter(to, cause)
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
    run.changed, run.new_generation = true, true
    table.insert(run.transitions, {from, to, text(s.generation), cause})
  end

  function step.open(cause)
    step.enter('open', cause)
    s.break_length = breaks.next(s.break_length)
    s.open_until = now + breaks.jittered(s.break_length, s.generation)
  end

  function step.close(cause)
    counts.clear()
    s.break_length = 0
    step.enter('closed', cause)
  end

  -- An override ends: a circuit that was forced open continues with a probe, any other one starts again, closed.
  function step.resume(cause)
    local was_open = s.mode == 'forced_open'
    s.mode, s.mode_until, s.mode_length, s.actor, s.reason = 'auto', 0, 0, '', ''
    if was_open then step.enter('half_open', cause) else step.close(cause) end
  end

  -- results

  function step.is_too_slow_for_a_probe(took) return policy.slow_call_rate_threshold > 0 and is_slow(took) end

  -- True if that probe held a lease.
  function step.remove_lease(probe)
    for i, lease in ipairs(s.leases) do
      if lease.probe == probe then
        table.remove(s.leases, i)
        redis.call('ZREM', PROBES, probe)
        run.changed, run.lease_ended = true, true
        return true
      end
    end
  end

  function step.settle_probe(probe, outcome, took)
    if not step.remove_lease(probe) then return drop(outcome) end
    if outcome == 'failure' then
      record_last_failure()
      step.open('probe failed')
    elseif outcome == 'success' and step.is_too_slow_for_a_probe(took) then
      step.open('probe was slow')
    elseif outcome == 'success' then
      s.successes = s.successes + 1
      if s.successes >= policy.success_threshold then step.close(counts.plural(s.successes, 'successful probe')) end
    end
  end

  -- The probe that opened the circuit by its timeout has a result after all; a success is newer than the trip.
  function step.settle_timed_out(outcome, took)
    s.timed_out_generation, s.timed_out_probe, run.changed = 0, 0, true
    if outcome ~= 'success' or step.is_too_slow_for_a_probe(took) then
      s.successes = 0
      return drop(outcome)
    end
    s.successes = s.successes + 1
    if s.successes >= policy.success_threshold then step.close('a probe succeeded after its timeout') end
  end

  function step.grant_probe()
    if s.timed_out_generation ~= 0 then  -- still without an answer: from now on only this probe counts
      s.timed_out_generation, s.timed_out_probe, s.successes = 0, 0, 0
    end
    local deadline = now + policy.probe_timeout
    s.probes_granted = s.probes_granted + 1
    table.insert(s.leases, {probe = s.probes_granted, deadline = deadline})
    s.lease_length = math.max(s.lease_length, policy.probe_timeout)
    redis.call('ZADD', PROBES, deadline, s.probes_granted)
    redis.call('PEXPIRE', PROBES, lifetime_ms())
    run.changed = true
    return s.probes_granted
  end

  -- time

  -- The lease that runs out first; of several at once that of the oldest probe.
  function step.first_to_end()
    local first = s.leases[1]
    for _, lease in ipairs(s.leases) do
      local same = lease.deadline == first.deadline
      if lease.deadline < first.deadline or (same and lease.probe < first.probe) then first = lease end
    end
    return first
  end

  function step.half_open_ends()
    local lease = step.first_to_end()
    local limit = s.half_open_until == 0 and never or s.half_open_until
    return lease and math.min(limit, lease.deadline) or limit
  end

  function step.admits_from()
    if s.state == 'open' then return s.open_until end
    if s.state == 'closed' or #s.leases < policy.permitted_calls_in_half_open then return 0 end
    return step.half_open_ends()
  end

  function step.cut(deadline, longest)
    if longest == 0 or deadline <= now + longest then return deadline end
    run.changed = true
    return now + longest
  end

  -- No deadline is further away than when it was set. One that seems to be was set before Redis's clock was set back. A
  -- lease keeps the length that the instance which granted it had given it: the settings of another may differ.
  function step.clamp_deadlines()
    local ends_with_override = s.mode == 'forced_open'
    s.mode_until = step.cut(s.mode_until, s.mode_length)
    if s.state == 'open' then
      s.open_until = step.cut(s.open_until, ends_with_override and s.mode_length or s.break_length)
    end
    s.half_open_until = step.cut(s.half_open_until, policy.half_open_timeout)
    for _, lease in ipairs(s.leases) do
      local deadline = step.cut(lease.deadline, s.lease_length > 0 and s.lease_length or policy.probe_timeout)
      if deadline ~= lease.deadline then redis.call('ZADD', PROBES, deadline, lease.probe) end
      lease.deadline = deadline
    end
    s.clear_at = step.cut(s.clear_at, policy.clear_interval)
    if keeps_window then counts.set_back_to(counts.bucket_at(now)) end
  end

  -- A probe without an answer is a failed one. The break starts when the answer was due.
  function step.time_out()
    local ends = step.half_open_ends()
    if now < ends then return end
    local lease, generation, successes = step.first_to_end(), s.generation, s.successes
    step.open(lease and lease.deadline == ends and 'probe timed out' or 'half-open timeout over')
    s.open_until = s.open_until - (now - ends)
    if lease then s.timed_out_generation, s.timed_out_probe, s.successes = generation, lease.probe, successes end
  end

  function step.pass_time()
    step.clamp_deadlines()
    if s.mode_until ~= 0 and now >= s.mode_until then step.resume(step.in_words[s.mode] .. ': expired') end
    if s.state == 'half_open' then step.time_out() end
  end

  -- events

  function step.acquire()
    if now < step.admits_from() then
      reply.kind = 'rejected'
      return
    end
    if s.state == 'open' then step.enter('half_open', 'recovery timeout over') end
    reply.kind, reply.probe = 'admitted', step.grant_probe()
  end

  function step.apply_override(mode, actor, reason, lasts)
    local cause = step.in_words[mode] .. ' by ' .. actor .. (reason ~= '' and ': ' .. reason or '')
    if mode == 'auto' then return s.mode ~= 'auto' and step.resume(cause) end
    local lasting = mode ~= 'reset'
    s.mode = lasting and mode or 'auto'
    s.actor, s.reason = lasting and actor or '', lasting and reason or ''
    s.mode_length = lasting and tonumber(lasts) or 0
    s.mode_until = s.mode_length > 0 and now + s.mode_length or 0
    if mode ~= 'forced_open' then return step.close(cause) end
    s.open_until = s.mode_until > 0 and s.mode_until or never
    step.enter('open', cause)
  end

  function step.report_health(health)
    if s.state ~= 'open' or s.mode ~= 'auto' then return end
    if health == 'up' then return step.enter('half_open', 'health check passed') end
    s.open_until, run.changed = now + s.break_length, true
  end
end)

-- What every call needs, and most calls need no more.

local function wait()
  if s.state == 'closed' then return 0 end
  if s.state == 'open' and s.open_until == never then return policy.recovery_timeout end
  return math.max(0, (s.state == 'open' and s.open_until or step.admits_from()) - now)
end

local function settle_call(outcome, took, times)
  if outcome == 'ignored' or s.mode == 'disabled' then return end
  record(outcome, took, times)
  if outcome == 'success' and not is_slow(took) then return end
  if outcome == 'failure' then record_last_failure() end
  local is_evidence = outcome == 'failure' or policy.slow_call_rate_threshold > 0
  if is_evidence and policy.minimum_reporting_instances > 1 then counts.record_reporter() end
  local are_enough = policy.failure_threshold > 0 and s.failures >= policy.failure_threshold
  local cause = (are_enough or keeps_window) and counts.cause_to_open()
  if cause and s.mode == 'auto' then
    step.open(cause)
  elseif cause and s.mode == 'metrics_only' then
    counts.clear()
    reply.would_have_tripped = cause
  end
end

-- The result of an older generation says nothing about this one, unless it is the answer that time did not wait for.
local function settle(generation, probe, outcome, took, times)
  generation, probe, took = tonumber(generation), tonumber(probe), tonumber(took)
  reply.kind = 'settled'
  if probe ~= 0 and generation == s.timed_out_generation and probe == s.timed_out_probe then
    step.settle_timed_out(outcome, took)
  elseif generation ~= s.generation then
    drop(outcome)
  elseif probe == 0 then
    settle_call(outcome, took, tonumber(times))
  else
    step.settle_probe(probe, outcome, took)
  end
end
