
------------------------------------------ counting calls: simple_breaker/policies/failure_counts.cpp, function by function

local function is_slow(took)
  return policy.slow_call_duration_threshold > 0 and took >= policy.slow_call_duration_threshold
end

local counts = module(function(counts)
  function counts.plural(count, thing) return text(count) .. ' ' .. thing .. (count == 1 and '' or 's') end

  function counts.clear()
    s.failures, s.failing_since, s.clear_at = 0, 0, 0
    s.window, s.newest_bucket = {}, 0
    redis.call('DEL', WINDOW, REPORTERS)
  end

  function counts.bucket_at(at)
    local width = policy.sliding_window_size / 10
    return (at - math.fmod(at, width)) / width
  end

  function counts.move_to(bucket)
    local steps = bucket - s.newest_bucket
    if steps >= 10 then
      s.window, s.newest_bucket = {}, bucket
    else
      for _ = 1, steps do table.insert(s.window, 1, {0, 0, 0}) end
      while #s.window > 10 do table.remove(s.window) end
      s.newest_bucket = bucket
    end
  end

  function counts.set_back_to(bucket)
    if s.newest_bucket > bucket then s.newest_bucket, run.changed = bucket, true end
  end

  function counts.count_in_window(outcome, took, times)
    counts.move_to(counts.bucket_at(now))
    local newest = s.window[1] or {0, 0, 0}
    newest[1] = newest[1] + times
    newest[2] = newest[2] + (outcome == 'failure' and times or 0)
    newest[3] = newest[3] + (is_slow(took) and times or 0)
    s.window[1] = newest
  end

  function counts.total()
    local calls, failures, slow = 0, 0, 0
    for _, bucket in ipairs(s.window) do
      calls, failures, slow = calls + bucket[1], failures + bucket[2], slow + bucket[3]
    end
    return calls, failures, slow
  end

  -- A quorum: one instance with a broken network must not open the circuit for all, so enough others must have seen a
  -- failure since then.
  function counts.has_quorum(since)
    local minimum = policy.minimum_reporting_instances
    return minimum <= 1 or redis.call('ZCOUNT', REPORTERS, since, '+inf') >= minimum
  end

  function counts.record_reporter()
    run.changed = true
    s.failing_since = math.min(s.failing_since, now)
    redis.call('ZREMRANGEBYSCORE', REPORTERS, '(' .. text(now), '+inf')  -- from before Redis's clock was set back
    redis.call('ZADD', REPORTERS, now, ARGV[3])
    redis.call('ZREMRANGEBYRANK', REPORTERS, 0, -policy.minimum_reporting_instances - 1)
    redis.call('PEXPIRE', REPORTERS, lifetime_ms())
  end

  function counts.share(part, of, threshold, what)
    if threshold == 0 or part / of < threshold then return nil end
    return text(part) .. ' of ' .. counts.plural(of, 'call') .. ' ' .. what
  end

  function counts.cause_to_open()
    local are_enough = policy.failure_threshold > 0 and s.failures >= policy.failure_threshold
    if are_enough and counts.has_quorum(s.failing_since) then return counts.plural(s.failures, 'consecutive failure') end
    local calls, failures, slow = counts.total()
    if calls < policy.minimum_number_of_calls then return nil end
    if not counts.has_quorum(now - policy.sliding_window_size) then return nil end
    return counts.share(failures, calls, policy.failure_rate_threshold, 'failed') or
           counts.share(slow, calls, policy.slow_call_rate_threshold, 'were slow')
  end
end)

local function record(outcome, took, times)
  local failed = outcome == 'failure'
  if not failed and s.failures == 0 and not keeps_window then return end  -- nothing to count, nothing to reset
  run.changed = true
  if s.clear_at ~= 0 and now >= s.clear_at then counts.clear() end
  if failed and s.failures == 0 then s.failing_since = now end
  if not failed then s.failing_since = 0 end
  s.failures = failed and math.min(s.failures + times, 999999999) or 0
  if not failed and not keeps_window then s.clear_at = 0 end  -- nothing is left to clear
  if keeps_window then counts.count_in_window(outcome, took, times) end
  if policy.clear_interval > 0 and s.clear_at == 0 and (failed or keeps_window) then
    s.clear_at = now + policy.clear_interval
  end
end
