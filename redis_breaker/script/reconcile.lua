
------------------------------------------- reconcile what is stored with what other programs and losses have made of it

-- A key that is gone was either deleted, which is a reset, or removed by the server itself: evicted, expired because
-- Redis's clock was set forward, lost in a restart or a failover. Then it is restored from what the caller saw. A
-- deletion while the server evicts keys looks like an eviction; it is restored too.

-- Sent only if the script has asked for it, with the reply 'more'.
local is_complete = ARGV[9] ~= '0'
local known = is_complete and
              {at = tonumber(ARGV[10]), evicted = tonumber(ARGV[11]), flushes = tonumber(ARGV[12]),
               failures = tonumber(ARGV[13]), mode = ARGV[14], mode_for = tonumber(ARGV[15]), actor = ARGV[16],
               reason = ARGV[17]} or
              {at = 0, evicted = 0, flushes = 0, failures = 0, mode = 'auto', mode_for = 0, actor = '', reason = ''}

local is_count_due = known_generation == 0 or operation == 'poll' or operation == 'reconnect'
if operation == 'poll' then operation = 'tick' end
local forgotten = false  -- true if the server has removed keys by itself and this run restored them
local is_stored = true  -- false if this run only shows what the caller knows
local restored_generation  -- it has not begun on this server
local run, evicted, flushes  -- of this server; asked only when needed, as INFO is not cheap

-- Empty if the user may not ask.
local function info(section)
  local text = redis.pcall('INFO', section)
  return type(text) == 'string' and text or ''
end

local function run_of_server()
  run = run or string.match(info('server'), '\nrun_id:(%x+)') or ''
  return string.sub(run, 1, 16)
end

-- How many keys this server has evicted since it started, and how often it was flushed.
local function count_removals()
  if evicted then return end
  local calls = info('commandstats')
  local function count(command) return tonumber(string.match(calls, command .. ':calls=(%d+)')) or 0 end
  evicted = tonumber(string.match(info('stats'), '\nevicted_keys:(%d+)')) or 0
  flushes = count('cmdstat_flushall') + count('cmdstat_flushdb')
end

local function since(before, count) return count < before and count or count - before end  -- CONFIG RESETSTAT

local function is_another_server() return known_run ~= '' and run_of_server() ~= '' and run_of_server() ~= known_run end

-- True if the server may have removed `missing` keys since the caller saw them. All keys live for half of their lifetime
-- at least after a run of the script.
local function removed_by_server(missing)
  count_removals()
  local has_expired = known.at > 0 and now - known.at >= lifetime_ms() * 1000 / 2
  return has_expired or since(known.evicted, evicted) >= missing
end

-- On a server that the caller has not seen, any flush is newer than what it saw.
local function was_flushed()
  count_removals()
  return since(is_another_server() and 0 or known.flushes, flushes) > 0
end

-- The public keys are the truth: a state that another program wrote there becomes a transition, and ends an override
-- that contradicts it. A line that begins so is final: what callers know of another line does not count.
local function take_over_state(state, cause)
  s.generation = math.max(s.generation, known_generation)
  if s.epoch == 0 and (known_generation > 0 or state == 'closed') then s.lost = never end
  s.mode, s.mode_until, s.mode_length, s.actor, s.reason = 'auto', 0, 0, '', ''
  if state == 'open' then open(cause) elseif state == 'closed' then close(cause) else enter(state, cause) end
end

-- Half-open continues as open: which calls hold the probes is unknown, only until when.
local function restored_open_until()
  if known.mode == 'forced_open' then return known.mode_for > 0 and now + known.mode_for or never end
  return known_state == 'closed' and 0 or now + known_open_for
end

-- Continues with what the caller saw. With a cause this is a transition, and begins another line of generations: so no
-- number repeats if the state is lost again, and a caller that saw a later number of the old line may follow. Without a
-- cause the generation stays the same.
local function restore(cause)
  if known_state == 'half_open' then cause = cause or 'state lost: the server removed it' end
  local from = s.generation == 0 and known_state or s.state
  s.generation = math.max(s.generation, known_generation)
  s.state, s.epoch = known_state == 'half_open' and 'open' or known_state, known_epoch
  s.mode, s.actor, s.reason = is_mode[known.mode] and known.mode or 'auto', known.actor, known.reason
  s.mode_length, s.mode_until = known.mode_for, known.mode_for > 0 and now + known.mode_for or 0
  s.open_until = restored_open_until()
  s.break_length = s.state == 'open' and math.max(s.break_length, policy.recovery_timeout, known_open_for) or 0
  if cause or not stored_failures then s.failures = known.failures end
  s.failing_since = s.failures > 0 and now or 0
  s.successes, s.probes_granted, s.lease_length, s.leases = 0, 0, 0, {}
  s.timed_out_generation, s.timed_out_probe, s.half_open_until = 0, 0, 0
  changed, new_generation = true, true
  if cause then
    s.generation = math.min(math.max(s.generation + 1, now), never)
    s.epoch, s.lost = s.generation, known_generation
    redis.call('DEL', PROBES)
    table.insert(transitions, {from, s.state, text(s.generation), cause})
  end
  s.run, restored_generation = known_run, s.generation
end

-- A healthy circuit need not be stored before its next failure: so a Redis that keeps evicting it costs nothing.
local function show_without_storing()
  is_stored, new_generation, forgotten = false, false, false
  is_count_due, evicted = false, nil  -- for the caller, the keys are still to be missed
end

-- There is no hash; perhaps the public state.
local function begin(state)
  local missing = 1 + (state and 0 or 1) + (stored_failures and 0 or 1)
  local elsewhere = known_generation > 0 and is_another_server()
  local lost = known_generation > 0 and not was_flushed() and (elsewhere or removed_by_server(missing))
  if lost and (not state or state == known_state) then
    forgotten = not elsewhere
    restore(elsewhere and 'state lost: this server did not have it')
    if elsewhere and not state then s.found_empty_at = now end
    local is_healthy = s.state == 'closed' and s.mode == 'auto' and s.failures == 0
    if is_healthy and not elsewhere and operation == 'tick' and unreported_successes == 0 then show_without_storing() end
    return
  end
  if known_generation > 0 then s.state = known_state end
  if known_generation > 0 and not state then return take_over_state('closed', 'state gone: flushed or deleted') end
  if state and (state ~= 'closed' or s.state ~= 'closed') then return take_over_state(state, 'written from outside') end
  if state or known_generation > 0 then s.lost = never end
  s.generation = math.min(math.max(s.generation + 1, known_generation + 1, now), never)
  changed, new_generation = true, true
end

-- There is a hash: which of the other keys are gone? The window and the reporters are not missed: counting starts again.
local function restore_missing(state)
  local has_last_failure = last_failure ~= '' or s.last_failure == ''
  local has_leases = s.state ~= 'half_open' or #s.leases >= s.held
  local missing = (state and 0 or 1) + (stored_failures and 0 or 1) + (has_last_failure and 0 or 1) +
                  (has_leases and 0 or 1)
  if missing == 0 then return state end
  changed = true
  forgotten = removed_by_server(missing)
  if not stored_failures then s.failures = forgotten and s.counted or 0 end
  if not forgotten then return state end
  if not state then new_generation = true end  -- writes the key
  if not has_last_failure then
    last_failure = s.last_failure
    redis.call('SET', LAST_FAILURE, last_failure, 'PX', text(lifetime_ms()))
  end
  -- Their deadlines are gone: the newest probes may need as long as one that begins now.
  local length = s.lease_length > 0 and s.lease_length or policy.probe_timeout
  for probe = math.max(1, s.probes_granted - s.held + 1), has_leases and 0 or s.probes_granted do
    table.insert(s.leases, {probe = probe, deadline = now + length})
    redis.call('ZADD', PROBES, text(now + length), text(probe))
  end
  return state or s.state
end

-- Keeps what is stored, under a number above everything that the caller knows.
local function outrank()
  local untouched = s.generation == s.epoch
  s.generation = math.min(math.max(known_generation + 1, now), never)
  if untouched then s.epoch = s.generation end
  changed, new_generation = true, true
end

-- The same line of generations, and the caller saw a later one. What happened here after a failover is newer than
-- anything that the previous server did, whatever the two clocks say.
local function meet_a_later_generation()
  if s.run ~= '' and s.run ~= known_run and s.run == run_of_server() then return outrank() end
  restore('state lost: it went back to an older one')
end

-- Another line of generations. An instance that knew nothing may have begun it because the caller's was lost; anything
-- that happened to it since then is newer than what the caller saw.
local function meet_another_line(state)
  local is_worth_it = known_state ~= 'closed' or known.mode ~= 'auto'
  local may_continue = s.generation == s.epoch and known_generation > s.lost
  if may_continue and is_worth_it and (state == 'closed' or state == known_state) then
    if is_another_server() then return restore('state lost: this server did not have it') end
    forgotten = removed_by_server(1)
    if forgotten then return restore('state lost: the server removed it') end
  end
  if may_continue then s.lost, changed = known_generation, true end
  if s.generation <= known_generation then outrank() end
end

-- An instance that came from another server found nothing here and restored what it knew. But the caller had seen a state
-- on this very server: it was deleted in between.
local function was_deleted_here()
  return known.at > 0 and known.at < s.found_empty_at and known_run == run_of_server() and
         (was_flushed() or not removed_by_server(1))
end

-- Our scripts give every key an expiry; SET takes it away.
local function is_written_again() return s.lost ~= never and redis.call('PTTL', STATE) == -1 end

local function is_another_line() return known_epoch > 0 and known_epoch ~= s.epoch end

local function compare(state)
  if s.generation == s.epoch and is_written_again() then s.lost, changed = never, true end
  if state ~= s.state then
    take_over_state(state or 'closed', state and 'written from outside' or 'state deleted from outside')
  elseif was_deleted_here() then
    s.epoch, s.found_empty_at = 0, 0
    take_over_state('closed', 'state gone: flushed or deleted')
  elseif known_generation > 0 and is_another_line() then
    meet_another_line(state)
  elseif s.generation < known_generation then
    meet_a_later_generation()
  elseif state == 'open' and s.mode == 'auto' and last_failure ~= '' and last_failure ~= s.last_failure and
         now >= s.open_until then
    take_over_state('open', 'written from outside')  -- after the break, another program probed, and its probe failed
  end
end

local function is_in_doubt(state)
  if s.generation == 0 or not state or not stored_failures then return true end
  if last_failure == '' and s.last_failure ~= '' then return true end
  if s.state == 'half_open' and #s.leases < s.held then return true end
  if s.found_empty_at > 0 and now - s.found_empty_at < 60000000 then return true end  -- later, every caller has been here
  if is_another_line() then return s.generation == s.epoch and known_generation > s.lost end
  return s.generation < known_generation
end

-- Returns false if the caller must send all that it knows.
local function reconcile(state)
  if invalid_value then
    redis.call('DEL', unpack(KEYS))
    last_failure, stored, stored_numbers, stored_failures = '', {}, {}, nil
    take_over_state('closed', 'repaired: ' .. invalid_value)
  elseif known_generation == 0 and s.generation == 0 and not state and operation == 'tick' then
    return true  -- no call has used it yet; a tick leaves nothing behind
  elseif known_generation > 0 and not is_complete and is_in_doubt(state) then
    return false
  elseif s.generation == 0 then
    begin(state)
  else
    compare(restore_missing(state))
  end
  if s.epoch == 0 then s.epoch = s.generation end  -- the generation with which this line begins
  if last_failure ~= s.last_failure then changed = true end
  return true
end
