
------------------------------------------ counting calls: simple_breaker/policies/failure_counts.cpp, function by function

local function plural(count, thing)
  return text(count) .. ' ' .. thing .. (count == 1 and '' or 's')
end

local function clear_counts()
  s.failures, s.failing_since, s.clear_at = 0, 0, 0
  s.window, s.newest_bucket = {}, 0
  redis.call('DEL', WINDOW, REPORTERS)
end

local function bucket_at(at)
  local width = policy.sliding_window_size / 10
  return (at - math.fmod(at, width)) / width
end

local function move_to(bucket)
  local steps = bucket - s.newest_bucket
  if steps >= 10 then
    s.window, s.newest_bucket = {}, bucket
  else
    for _ = 1, steps do table.insert(s.window, 1, {0, 0, 0}) end
    while #s.window > 10 do table.remove(s.window) end
    s.newest_bucket = bucket
  end
end

local function set_back_to(bucket)
  if s.newest_bucket > bucket then s.newest_bucket, changed = bucket, true end
end

local function add(calls, failures, slow)
  s.window[1] = s.window[1] or {0, 0, 0}
  local newest = s.window[1]
  newest[1], newest[2], newest[3] = newest[1] + calls, newest[2] + failures, newest[3] + slow
end

local function total()
  local calls, failures, slow = 0, 0, 0
  for _, bucket in ipairs(s.window) do
    calls, failures, slow = calls + bucket[1], failures + bucket[2], slow + bucket[3]
  end
  return calls, failures, slow
end

local function is_slow(took)
  return policy.slow_call_duration_threshold > 0 and took >= policy.slow_call_duration_threshold
end

-- `times`: an instance reports its successes in batches.
local function record(outcome, took, times)
  local failed = outcome == 'failure'
  if not failed and s.failures == 0 and not policy.keeps_window then return end  -- nothing to count, nothing to forget
  changed = true
  if s.clear_at ~= 0 and now >= s.clear_at then clear_counts() end
  if failed and s.failures == 0 then s.failing_since = now end
  if not failed then s.failing_since = 0 end
  s.failures = failed and math.min(s.failures + 1, 999999999) or 0
  if not failed and not policy.keeps_window then s.clear_at = 0 end  -- nothing is left to forget
  if policy.keeps_window then
    move_to(bucket_at(now))
    add(times, failed and times or 0, is_slow(took) and times or 0)
  end
  if policy.clear_interval > 0 and s.clear_at == 0 and (failed or policy.keeps_window) then
    s.clear_at = now + policy.clear_interval
  end
end

-- A quorum: one instance with a broken network must not open the circuit for all, so enough others must have seen a
-- failure since then.
local function has_quorum(since)
  local minimum = policy.minimum_reporting_instances
  return minimum <= 1 or redis.call('ZCOUNT', REPORTERS, text(since), '+inf') >= minimum
end

local function record_reporter(instance)
  local minimum = policy.minimum_reporting_instances
  if minimum <= 1 then return end
  changed = true
  s.failing_since = math.min(s.failing_since, now)
  redis.call('ZREMRANGEBYSCORE', REPORTERS, '(' .. text(now), '+inf')  -- from before Redis's clock was set back
  redis.call('ZADD', REPORTERS, text(now), instance)
  redis.call('ZREMRANGEBYRANK', REPORTERS, 0, -minimum - 1)
  redis.call('PEXPIRE', REPORTERS, text(lifetime_ms()))
end

local function reached(part, of, threshold) return threshold > 0 and part / of >= threshold end

local function share(part, of, what) return text(part) .. ' of ' .. plural(of, 'call') .. ' ' .. what end

local function cause_to_open()
  if policy.failure_threshold > 0 and s.failures >= policy.failure_threshold and has_quorum(s.failing_since) then
    return plural(s.failures, 'consecutive failure')
  end
  local calls, failures, slow = total()
  if calls < policy.minimum_number_of_calls then return nil end
  if not has_quorum(now - policy.sliding_window_size) then return nil end
  if reached(failures, calls, policy.failure_rate_threshold) then return share(failures, calls, 'failed') end
  if reached(slow, calls, policy.slow_call_rate_threshold) then return share(slow, calls, 'were slow') end
end
