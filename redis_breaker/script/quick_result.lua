
---------------------------------------------- the quick way: a failure below the threshold, and a result that is late

-- In an outage almost every run counts one failure, or drops one. It ends here, before the rest of the script is defined,
-- which would take longer than all else. The rest gives the same answer and writes the same values: so what is in any way
-- unusual goes on to there.

local is_one_result = ARGV[6] == 'call' and ARGV[13] == '1' and ARGV[14] == 'settle' and ARGV[16] == '0'
local is_as_left = public[1] == stored.state and public[2] == (stored.counted or '0') and
                   public[3] == stored.last_failure and stored.settings == ARGV[2] and
                   not (stored.mode or stored.clear_at or stored.found_empty_at)
local counts_in_a_row = not keeps_window and minimum_reporting_instances <= 1 and clear_interval == 0

if is_one_result and is_as_left and counts_in_a_row then
  local generation, epoch, failures = stored.generation or '-', stored.epoch or '-', public[2]
  local open_until, break_length = stored.open_until or '0', stored.break_length or '0'
  local are_numbers = #generation <= 16 and #epoch <= 16 and #failures <= 9 and
                      string.find(generation .. epoch .. failures .. open_until .. break_length, '^%d+$')
  local is_late = ARGV[15] ~= generation
  local kind = is_late and ARGV[17] ~= 'ignored' and 'late' or 'settled'
  local lifetime = are_numbers and usual_lifetime(tonumber(break_length))
  local is_known = are_numbers and (ARGV[7] == '0' or (ARGV[9] == epoch and tonumber(ARGV[7]) <= tonumber(generation)))

  if not is_known or ttl < lifetime / 2 then
    -- goes on
  elseif stored.state == 'closed' and is_late then
    return {now, 'closed', generation, epoch, tonumber(failures), {{kind, 'closed'}}}
  elseif stored.state == 'open' and is_late and tonumber(open_until) <= now + tonumber(break_length) then
    return {now, 'open', generation, epoch, tonumber(failures), {{kind, 'open'}}, 'wait', math.max(0, open_until - now)}
  elseif stored.state == 'closed' and ARGV[17] == 'failure' then
    local count = failures + ARGV[19]
    if count < failure_threshold or (failure_threshold == 0 and count <= 999999999) then
      redis.call('SET', LAST_FAILURE, now_in_seconds, 'PX', lifetime)
      redis.call('SET', FAILURES, count, 'PX', lifetime)
      redis.call('HSET', BREAKER, 'last_failure', now_in_seconds, 'counted', count)
      if failures == '0' then redis.call('HSET', BREAKER, 'failing_since', now) end
      return {now, 'closed', generation, epoch, count, {{kind, 'closed'}}}
    end
  end
end
