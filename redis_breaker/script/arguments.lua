-- The shared breaker's script. The build joins eight files, arguments, quick_result, snapshot, failure_counts,
-- break_length, state_machine, reconcile and main, into one script. One run applies a list of events, in order; Redis
-- runs one script at a time, so no instance can see or interrupt half a transition. The clock is Redis's, never an
-- instance's. A run that changes nothing writes nothing.
--
-- KEYS  state, failures, last_failure: the three public keys. breaker: a hash with the rest of the snapshot; a field
--       that is 0 or empty is left out. probes: a sorted set of leases, number by deadline. window: the sliding window,
--       newest bucket first: "17324460001 12/7/0 9/0/1" (bucket number, then calls/failures/slow of each bucket).
--       reporters: a sorted set of instances by the time of their last failure, at most minimum_reporting_instances.
-- ARGV  1 the settings, as little-endian doubles in the order below; durations in microseconds
--       2 their fingerprint, 3 the name of the instance, 4 the channel for news, 5 the name of the breaker
--       6 call | poll | reconnect. poll: count what the server has removed. reconnect: write in any case, which proves
--         that this Redis accepts writes
--       7-11 what the caller saw last: generation, state, epoch (0: it knows the generation only by the news of an
--         override), the server's run, and for how much longer it is open
--       12 how many details of what it saw follow after the events: 0, or, after the reply 'more', 8: Redis's time then,
--         how many keys the server had evicted and how often it was flushed by then, failures, mode, for how much longer
--         that lasts (0: until further notice), actor, reason
--       13 how many events follow; each is one of
--            acquire | tick | report_health up | report_health down | apply_override MODE ACTOR REASON DURATION
--            settle GENERATION PROBE OUTCOME DURATION TIMES (so many calls with this permit and this result)
--
-- This file: the arguments, and what is stored, as text.

local STATE, FAILURES, LAST_FAILURE, BREAKER, PROBES, WINDOW, REPORTERS = unpack(KEYS)

local failure_threshold, failure_rate_threshold, slow_call_rate_threshold, slow_call_duration_threshold,
      sliding_window_size, minimum_number_of_calls, minimum_reporting_instances, clear_interval, recovery_timeout,
      recovery_timeout_multiplier, recovery_timeout_maximum, recovery_timeout_jitter, _, permitted_calls_in_half_open,
      success_threshold, probe_timeout, half_open_timeout = struct.unpack('<ddddddddddddddddd', ARGV[1])
local keeps_window = failure_rate_threshold > 0 or slow_call_rate_threshold > 0

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now_in_seconds = time[1] .. '.' .. string.sub('00000' .. time[2], -6)
local never = 8999999999999999  -- open_until of a circuit forced open until further notice; also the largest number

-- MGET returns false for a key of another type too; HGETALL an error. ttl: how long the state key has left.
local public = redis.call('MGET', STATE, FAILURES, LAST_FAILURE)
local fields = redis.pcall('HGETALL', BREAKER)
local ttl = redis.call('PTTL', STATE)
local stored = {}
for i = 1, #fields, 2 do stored[fields[i]] = fields[i + 1] end

-- Of all keys, in milliseconds: a day after the last use.
local day = 24 * 60 * 60 * 1000
local function usual_lifetime(break_length)
  return day + math.ceil((math.max(break_length, recovery_timeout) + probe_timeout) / 1000)
end
