
-------------------------------------------------------------------- the tally: simple_breaker/policies/failure_counts.cpp, line for line

local function counted(count, thing)
  return text(count) .. ' ' .. thing .. (count == 1 and '' or 's')
end

local function forget_counts()
  s.failures, s.failing_since, s.clear_at = 0, 0, 0
  s.window, s.newest_bucket = {}, 0
  redis.call('DEL', WINDOW, REPORTERS)
end

local function move_window_to(bucket)
  local steps = bucket - s.newest_bucket
  if steps >= 10 or steps <= -10 then
    s.window, s.newest_bucket = {}, bucket
  else
    for _ = 1, steps do table.insert(s.window, 1, {0, 0, 0}) end
    while #s.window > 10 do table.remove(s.window) end
    s.newest_bucket = math.max(s.newest_bucket, bucket)
  end
end

local function bucket_now()
  local width = policy.sliding_window_size / 10
  return (now - math.fmod(now, width)) / width
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

local function count(outcome, took, times)
  local failed = outcome == 'failure'
  if not failed and s.failures == 0 and not policy.keeps_window then return end
  changed = true
  if s.clear_at ~= 0 and now >= s.clear_at then forget_counts() end
  if failed then
    if s.failures == 0 then s.failing_since = now end
    s.failures = math.min(s.failures + 1, 999999999)
  else
    s.failures, s.failing_since = 0, 0
    if not policy.keeps_window then s.clear_at = 0 end  -- nothing is left to forget
  end
  if policy.keeps_window then
    move_window_to(bucket_now())
    s.window[1] = s.window[1] or {0, 0, 0}
    local newest = s.window[1]
    newest[1] = newest[1] + times
    newest[2] = newest[2] + (failed and times or 0)
    newest[3] = newest[3] + (is_slow(took) and times or 0)
  end
  if policy.clear_interval > 0 and s.clear_at == 0 and (failed or policy.keeps_window) then
    s.clear_at = now + policy.clear_interval
  end
end

-- One instance with a broken network does not speak for the upstream: others must have seen failures too, since then.
local function enough_reporters(since)
  local wanted = policy.minimum_reporting_instances
  return wanted <= 1 or redis.call('ZCOUNT', REPORTERS, text(since), '+inf') >= wanted
end

local function note_reporter(instance)
  local wanted = policy.minimum_reporting_instances
  if wanted <= 1 then return end
  changed = true
  s.failing_since = math.min(s.failing_since, now)
  redis.call('ZREMRANGEBYSCORE', REPORTERS, '(' .. text(now), '+inf')  -- from before Redis's clock was set back
  redis.call('ZADD', REPORTERS, text(now), instance)
  redis.call('ZREMRANGEBYRANK', REPORTERS, 0, -wanted - 1)
  redis.call('PEXPIRE', REPORTERS, text(lifetime_ms()))
end

local function reached(part, of, threshold) return threshold > 0 and part / of >= threshold end

local function cause_to_open()
  if policy.failure_threshold > 0 and s.failures >= policy.failure_threshold and enough_reporters(s.failing_since) then
    return counted(s.failures, 'consecutive failure')
  end
  local calls, failures, slow = total()
  if calls < policy.minimum_number_of_calls then return nil end
  if not enough_reporters(now - policy.sliding_window_size) then return nil end
  if reached(failures, calls, policy.failure_rate_threshold) then
    return text(failures) .. ' of ' .. counted(calls, 'call') .. ' failed'
  elseif reached(slow, calls, policy.slow_call_rate_threshold) then
    return text(slow) .. ' of ' .. counted(calls, 'call') .. ' were slow'
  end
end
