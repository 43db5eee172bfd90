
---------------------------------------------------------------- one run: reconcile, apply the event, build the reply

-- The instances of a fleet should have the same settings. One that finds the fingerprint of others leaves its own, at
-- most every ten seconds, so that these find it too. Returns the other fingerprint, or ''.
local function other_settings()
  local other, age = s.settings, now - s.settings_at
  if s.generation == 0 or other == policy.fingerprint then return '' end
  if other == '' or age < 0 or age >= 10000000 then
    s.settings, s.settings_at, changed = policy.fingerprint, now, true
  end
  return other
end

local function retry_after()
  if s.state == 'open' and s.open_until == never then return policy.recovery_timeout end
  return math.max(0, admits_from() - now)
end

if not reconcile(read_snapshot()) then return {'more'} end
tick()
local result, probe, late_successes = 'settled', 0, 0
if unreported_successes > 0 then late_successes = settle_successes(unreported_successes) end
if operation == 'acquire' then
  result, probe = admit()
elseif operation == 'settle' then
  local generation, probe_number, outcome, took, instance = unpack(ARGV, before_arguments + 1)
  result = settle(tonumber(generation), tonumber(probe_number), outcome, tonumber(took), instance)
elseif operation == 'apply_override' then
  local mode, actor, reason, lasts = unpack(ARGV, before_arguments + 1)
  apply_override(mode, actor, reason, tonumber(lasts))
elseif operation == 'report_health' then
  report_health(ARGV[before_arguments + 1])
end
if is_count_due then count_removals() end
local has_begun_here = s.generation ~= stored_numbers.generation and s.generation ~= restored_generation
if has_begun_here then s.run = run_of_server() end
s.counted, s.held = s.failures, s.state == 'half_open' and #s.leases or 0
local other = other_settings()
if is_stored and (changed or operation == 'reconnect') then write_snapshot() end
renew_expiry()
if operation == 'tick' and policy.keeps_window then move_to(bucket_at(now)) end
local calls, failures, slow = total()
return {result, probe, retry_after(), now, s.state, s.generation, s.failures, transitions, would_have_tripped,
        s.mode ~= 'auto' and {s.mode, s.actor, s.reason, s.mode_until}, calls > 0 and {calls, failures, slow}, s.epoch,
        late_successes, evicted and {evicted, flushes} or false, forgotten and 1 or 0, other}

end

return event()
