
------------------------------------------- reconcile what is stored with what other programs and losses have made of it

-- A key that is gone was either deleted, which is a reset, or removed by the server itself: evicted, expired because
-- Redis's clock was set forward, lost in a restart or a failover. Then it is restored from what the caller saw. A
-- deletion while the server evicts keys looks like an eviction; it is restored too.

local removals = {}  -- by this server, once they have been counted

-- What INFO says of this server; asked only when needed, as it is not cheap.
local server = module(function(server)
  -- Empty if the user may not ask.
  function server.info(section)
    local info = redis.pcall('INFO', section)
    return type(info) == 'string' and info or ''
  end

  function server.run()
    server.run_id = server.run_id or string.match(server.info('server'), '\nrun_id:(%x+)') or ''
    return string.sub(server.run_id, 1, 16)
  end

  -- How many keys this server has evicted since it started, and how often it was flushed.
  function server.count_removals()
    if removals.evicted then return end
    local calls = server.info('commandstats')
    local function count(command) return tonumber(string.match(calls, command .. ':calls=(%d+)')) or 0 end
    removals.evicted = tonumber(string.match(server.info('stats'), '\nevicted_keys:(%d+)')) or 0
    removals.flushes = count('cmdstat_flushall') + count('cmdstat_flushdb')
  end
end)

local reconcile = module(function(reconcile)
  -- what this server may have lost

  function reconcile.is_another_server() return known.run ~= '' and server.run() ~= '' and server.run() ~= known.run end

  -- Since the caller saw this server; if it has not, since the server started. (A count falls after CONFIG RESETSTAT.)
  function reconcile.since(before, count)
    return (reconcile.is_another_server() or count < before) and count or count - before
  end

  -- True if the server may have removed `missing` keys since the caller saw them. All keys live for half of their lifetime
  -- at least after a run of the script.
  function reconcile.removed(missing)
    server.count_removals()
    local has_expired = known.at > 0 and now - known.at >= lifetime_ms() * 1000 / 2
    return has_expired or reconcile.since(known.evicted, removals.evicted) >= missing
  end

  function reconcile.was_flushed()
    server.count_removals()
    return reconcile.since(known.flushes, removals.flushes) > 0
  end

  -- The number of a line of generations that begins here, above `generation`. If the data is lost again before all
  -- callers know of this line, another server continues from the same number, or this one does; if its clock is behind,
  -- only its run, and how often it has lost something, make the next number another one.
  function reconcile.first_of_line(generation)
    local of_this_run = tonumber(string.sub(server.run(), 1, 5), 16) or 0  -- up to a second
    server.count_removals()
    local of_this_loss = math.fmod(removals.evicted + removals.flushes, 1000000)  -- up to another one
    return math.min(math.max(generation + 1, now) + of_this_run + of_this_loss, never)
  end

  -- what is stored, and what the caller knows

  -- The instances of a fleet should have the same settings. One that finds the fingerprint of others leaves its own, at
  -- most every ten seconds, so that these find it too. Returns the other fingerprint, or nil.
  function reconcile.other_settings()
    local other, age = s.settings, now - s.settings_at
    if s.generation == 0 then return nil end
    if other == '' or age < 0 or age >= 10000000 then
      s.settings, s.settings_at, run.changed = ARGV[2], now, true
    end
    return other ~= '' and other or nil
  end

  function reconcile.read_details()
    known.is_complete = ARGV[12] ~= '0' or known.generation == 0
    local first = ARGV[12] ~= '0' and #ARGV - 7
    known.at = first and tonumber(ARGV[first]) or 0
    known.evicted, known.flushes = tonumber(first and ARGV[first + 1]) or 0, tonumber(first and ARGV[first + 2]) or 0
    known.failures = tonumber(first and ARGV[first + 3]) or 0
    known.mode, known.mode_for = first and ARGV[first + 4] or 'auto', tonumber(first and ARGV[first + 5]) or 0
    known.actor, known.reason = first and ARGV[first + 6] or '', first and ARGV[first + 7] or ''
  end

  -- The public keys are the truth: a state that another program wrote there becomes a transition, and ends an override
  -- that contradicts it. A line that begins so is final: what callers know of another line does not count.
  function reconcile.take_over(state, cause)
    s.generation = math.max(s.generation, known.generation)
    if s.epoch == 0 and (known.generation > 0 or state == 'closed') then s.lost = never end
    s.mode, s.mode_until, s.mode_length, s.actor, s.reason = 'auto', 0, 0, '', ''
    if state == 'open' then
      step.open(cause)
    elseif state == 'closed' then
      step.close(cause)
    else
      step.enter(state, cause)
    end
  end

  -- Half-open continues as open: which calls hold the probes is unknown, only until when.
  function reconcile.restored_open_until()
    if known.mode == 'forced_open' then return known.mode_for > 0 and now + known.mode_for or never end
    return known.state == 'closed' and 0 or now + known.open_for
  end

  -- Continues with what the caller saw. With a cause this is a transition, and begins another line of generations: so no
  -- number repeats if the state is lost again, and a caller that saw a later number of the old line may follow. Without a
  -- cause the generation stays the same.
  function reconcile.restore(cause)
    if known.state == 'half_open' then cause = cause or 'state lost: the server removed it' end
    local from = s.generation == 0 and known.state or s.state
    s.generation = math.max(s.generation, known.generation)
    s.state, s.epoch = known.state == 'half_open' and 'open' or known.state, known.epoch
    s.mode, s.actor, s.reason = known.mode, known.actor, known.reason
    s.mode_length, s.mode_until = known.mode_for, known.mode_for > 0 and now + known.mode_for or 0
    s.open_until = reconcile.restored_open_until()
    s.break_length = s.state == 'open' and math.max(s.break_length, policy.recovery_timeout, known.open_for) or 0
    if cause or not run.stored_failures then s.failures = known.failures end
    s.failing_since = s.failures > 0 and now or 0
    s.successes, s.probes_granted, s.lease_length, s.leases = 0, 0, 0, {}
    s.timed_out_generation, s.timed_out_probe, s.half_open_until = 0, 0, 0
    run.changed, run.new_generation = true, true
    if cause then
      s.generation = reconcile.first_of_line(s.generation)
      s.epoch, s.lost = s.generation, known.epoch == 0 and known.generation - 1 or known.generation
      redis.call('DEL', PROBES)
      table.insert(run.transitions, {from, s.state, text(s.generation), cause})
    end
    s.run, run.restored_generation = known.run, s.generation
  end

  -- A healthy circuit need not be stored before its next failure: so a Redis that keeps evicting it costs nothing.
  function reconcile.show_without_storing()
    run.may_store, run.new_generation, run.forgotten = false, false, false
    run.counts_removals, removals.evicted = false, nil  -- for the caller, the keys are still to be missed
  end

  -- Keeps what is stored, under a number above everything that the caller knows.
  function reconcile.outrank()
    local untouched = s.generation == s.epoch
    s.generation = reconcile.first_of_line(known.generation)
    if untouched then s.epoch = s.generation end
    run.changed, run.new_generation = true, true
  end

  -- Everything is gone, or all but the public state.
  function reconcile.restore_all(state)
    local elsewhere = reconcile.is_another_server()
    run.forgotten = not elsewhere
    reconcile.restore(elsewhere and 'state lost: this server did not have it')
    if elsewhere and not state then s.found_empty_at, s.found_empty_on = now, server.run() end
    local is_healthy = s.state == 'closed' and s.mode == 'auto' and s.failures == 0
    if is_healthy and not elsewhere and run.only_looks then reconcile.show_without_storing() end
  end

  -- The hash is there, and some other key is not. The window and the reporters are not missed: counting starts again.
  function reconcile.restore_missing(missing)
    run.changed, run.forgotten = true, reconcile.removed(missing.count)
    if missing.failures then s.failures = run.forgotten and s.counted or 0 end
    if not run.forgotten then return missing.state end
    if missing.state then run.new_generation = true end  -- writes the key
    if missing.last_failure then run.last_failure, run.last_failure_changed = s.last_failure, true end
    if not missing.leases then return end
    -- Their deadlines are gone: the newest probes may need as long as one that begins now.
    local length = s.lease_length > 0 and s.lease_length or policy.probe_timeout
    for probe = math.max(1, s.probes_granted - s.held + 1), s.probes_granted do
      table.insert(s.leases, {probe = probe, deadline = now + length})
      redis.call('ZADD', PROBES, now + length, probe)
    end
  end

  -- Which keys are gone beside the hash?
  function reconcile.missing(state)
    local missing = {state = not state, failures = not run.stored_failures,
                     last_failure = run.last_failure == '' and s.last_failure ~= '',
                     leases = s.state == 'half_open' and #s.leases < s.held}
    missing.count = (missing.state and 1 or 0) + (missing.failures and 1 or 0) + (missing.last_failure and 1 or 0) +
                    (missing.leases and 1 or 0)
    return missing.count > 0 and missing or nil
  end

  function reconcile.is_another_line() return known.epoch > 0 and known.epoch ~= s.epoch end

  -- The rules, in order, as in README.md. Each has what was found, and what follows; the first one that fits applies.
  -- `state`: the public one; nil: there is none.
  function reconcile.rules(state)
    local is_empty, knows = s.generation == 0, known.generation > 0
    local may_continue = s.generation == s.epoch and known.generation > s.lost
    return {
      {'an impossible value', function() return run.invalid end, function()
        redis.call('DEL', unpack(KEYS))
        run.last_failure, run.stored_failures, stored = '', nil, {}
        reconcile.take_over('closed', 'repaired: ' .. run.invalid)
      end},
      {'nothing, which the caller knows better', function()
        local missing = 1 + (state and 0 or 1) + (run.stored_failures and 0 or 1)
        return is_empty and knows and (not state or state == known.state) and not reconcile.was_flushed() and
               (reconcile.is_another_server() or reconcile.removed(missing))
      end, function() reconcile.restore_all(state) end},
      {'nothing, though the caller has seen a state', function() return is_empty and knows and not state end, function()
        s.state, known.generation = known.state, reconcile.first_of_line(known.generation) - 1
        reconcile.take_over('closed', 'state gone: flushed or deleted')
      end},
      {'a state without a hash', function() return is_empty and state and (state ~= 'closed' or known.state ~= 'closed') end,
       function()
        if knows then s.state = known.state end
        reconcile.take_over(state, 'written from outside')
      end},
      {'nothing', function() return is_empty end, function()
        if state or knows then s.lost = never end
        s.generation = math.min(math.max(known.generation + 1, now), never)
        run.changed, run.new_generation = true, true
      end},
      {'another state than the hash has', function() return state ~= s.state end, function()
        reconcile.take_over(state or 'closed', state and 'written from outside' or 'state deleted from outside')
      end},
      -- An instance that came from another server found nothing here and restored what it knew. But the caller had seen a
      -- state on this very server: it was deleted in between.
      {'a state that was restored after a deletion', function()
        return known.run == server.run() and known.run == s.found_empty_on and known.at > 0 and known.at < s.found_empty_at and
               (reconcile.was_flushed() or not reconcile.removed(1))
      end, function()
        s.epoch, s.found_empty_at, s.found_empty_on = 0, 0, ''
        reconcile.take_over('closed', 'state gone: flushed or deleted')
      end},
      -- An instance that knew nothing may have begun this line because the caller's was lost; anything that happened to it
      -- since then is newer than what the caller saw.
      {'a fresh circuit, and the caller knows better', function()
        local is_worth_it = known.state ~= 'closed' or known.mode ~= 'auto'
        if not (knows and reconcile.is_another_line() and may_continue and is_worth_it) then return false end
        run.forgotten = not reconcile.is_another_server() and reconcile.removed(1)
        return (state == 'closed' or state == known.state) and (reconcile.is_another_server() or run.forgotten) and
               not reconcile.was_flushed()
      end, function()
        reconcile.restore(run.forgotten and 'state lost: the server removed it' or 'state lost: this server did not have it')
      end},
      {'another line of generations', function() return knows and reconcile.is_another_line() end, function()
        if may_continue then s.lost, run.changed = known.generation, true end
        if s.generation <= known.generation then reconcile.outrank() end
      end},
      -- What happened here after a failover is newer than anything that the previous server did, whatever the two clocks
      -- say.
      {'an older generation, which began here after a failover', function()
        return s.generation < known.generation and s.run ~= '' and s.run ~= known.run and s.run == server.run()
      end, reconcile.outrank},
      {'an older generation', function() return s.generation < known.generation end, function()
        reconcile.restore('state lost: it went back to an older one')
      end},
      {'open, the break over, and another last failure: a probe of another program has failed', function()
        return state == 'open' and s.mode == 'auto' and run.last_failure ~= '' and run.last_failure ~= s.last_failure and
               now >= s.open_until
      end, function() reconcile.take_over('open', 'written from outside') end},
    }
  end

  -- A caller that last saw another line may have seen this server's state before it was deleted; later than a minute after
  -- the keys were found gone, every caller has been here.
  function reconcile.may_know_of_a_deletion()
    return known.epoch ~= s.epoch and now - s.found_empty_at < 60000000
  end

  function reconcile.needs_details(state)
    if run.invalid or known.is_complete then return false end
    if s.generation == 0 or reconcile.missing(state) then return true end
    if s.found_empty_at > 0 and reconcile.may_know_of_a_deletion() then return true end
    if reconcile.is_another_line() then return s.generation == s.epoch and known.generation > s.lost end
    return s.generation < known.generation
  end

  -- Returns false if the caller must send all that it knows.
  function reconcile.apply(state)
    if s.found_empty_at > now then s.found_empty_at, s.found_empty_on, run.changed = 0, '', true end  -- the clock was set back
    if s.generation > 0 and s.generation == s.epoch and ttl == -1 then s.lost, run.changed = never, true end
    reconcile.read_details()
    local is_untouched = known.generation == 0 and s.generation == 0 and not state
    if is_untouched and run.only_looks and not run.invalid then return true end  -- a look leaves nothing behind
    if reconcile.needs_details(state) then return false end
    local missing = not run.invalid and s.generation > 0 and reconcile.missing(state)
    if missing and not reconcile.restore_missing(missing) then state = state or s.state end
    for _, rule in ipairs(reconcile.rules(state)) do
      if rule[2]() then
        rule[3]()
        break
      end
    end
    if s.epoch == 0 then s.epoch = s.generation end  -- the generation with which this line begins
    if run.last_failure ~= s.last_failure then run.changed = true end
    return true
  end
end)

-- Nothing to reconcile: what our last script left is there, and the caller knows nothing newer.
local function is_as_expected(state)
  if run.invalid or state ~= s.state or not run.stored_failures or run.last_failure ~= s.last_failure then return false end
  if s.state == 'half_open' and #s.leases < s.held then return false end
  if s.found_empty_at > 0 and reconcile.may_know_of_a_deletion() then return false end
  if known.generation > 0 and (known.epoch ~= s.epoch or known.generation > s.generation) then return false end
  local is_written_again = ttl == -1  -- our scripts give every key an expiry; SET takes it away
  return not (is_written_again and s.generation == s.epoch and s.lost ~= never)
end
