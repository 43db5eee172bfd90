
---------------------------------------------------------------- one run: reconcile, apply the events, build the reply

-- The instances of a fleet should have the same settings. One that finds the fingerprint of others leaves its own, at
-- most every ten seconds, so that these find it too. Returns the other fingerprint, or nil.
local function other_settings()
  local other, age = s.settings, now - s.settings_at
  if s.generation == 0 or other == policy.fingerprint then return nil end
  if other == '' or age < 0 or age >= 10000000 then
    s.settings, s.settings_at, run.changed = policy.fingerprint, now, true
  end
  return other ~= '' and other or nil
end

local function wait()
  if s.state == 'closed' then return 0 end
  if s.state == 'open' and s.open_until == never then return policy.recovery_timeout end
  return math.max(0, step.admits_from() - now)
end

local function add(list, name, value) list[#list + 1], list[#list + 2] = name, value end

-- Applies the event at ARGV[at]. Returns its reply, and where the next event begins. What reconciling has changed
-- belongs to the first reply.
local arguments_of = {settle = 5, apply_override = 4, report_health = 1}
local function apply(at)
  local name = ARGV[at]
  local next_at = at + 1 + (arguments_of[name] or 0)
  reply = {kind = 'noted'}
  pass_time()
  if name == 'acquire' then
    acquire()
  elseif name == 'settle' then
    settle(unpack(ARGV, at + 1, next_at - 1))
  elseif name ~= 'tick' then
    step[name](unpack(ARGV, at + 1, next_at - 1))
  end
  local transitions = run.transitions
  run.transitions = {}
  local answer = {'kind', reply.kind, 'state', s.state, 'generation', s.generation}
  if reply.probe then add(answer, 'probe', reply.probe) end
  if reply.kind == 'rejected' then add(answer, 'wait', wait()) end
  if reply.would_have_tripped then add(answer, 'would_have_tripped', reply.would_have_tripped) end
  if #transitions > 0 then add(answer, 'transitions', transitions) end
  return answer, next_at
end

-- Other instances learn of a transition at once, by a push that says what it is. (pcall: the user may not publish.)
local function announce()
  local news = {s.state, text(s.generation), text(wait()), text(s.epoch), text(s.failures), s.mode, text(now), ARGV[5]}
  redis.pcall('PUBLISH', ARGV[4], table.concat(news, ' '))
end

run.only_looks = ARGV[6] ~= 'reconnect' and ARGV[13] == '1' and ARGV[14] == 'tick'
run.counts_removals = ARGV[6] ~= 'call'
local state = read_snapshot()
if not is_as_expected(state) and not reconcile.apply(state) then return {'more', 1} end
local replies, at = {}, 14
for i = 1, tonumber(ARGV[13]) do replies[i], at = apply(at) end

if run.counts_removals then server.count_removals() end
local has_begun_here = s.generation ~= (run.stored.generation or 0) and s.generation ~= run.restored_generation
if has_begun_here then s.run = server.run() end
local other = other_settings()
write_snapshot()
if run.new_generation then announce() end
if run.only_looks and policy.keeps_window then counts.move_to(counts.bucket_at(now)) end
local calls, failures, slow = 0, 0, 0
if policy.keeps_window then calls, failures, slow = counts.total() end
local answer = {'now', now, 'state', s.state, 'generation', s.generation, 'epoch', s.epoch, 'failures', s.failures,
                'wait', wait(), 'replies', replies}
if s.mode ~= 'auto' then add(answer, 'override', {s.mode, s.actor, s.reason, s.mode_until}) end
if calls > 0 then add(answer, 'recent', {calls, failures, slow}) end
if removals.evicted then add(answer, 'removals', {removals.evicted, removals.flushes}) end
if run.forgotten then add(answer, 'forgotten', 1) end
if other then add(answer, 'other_settings', other) end
return answer
