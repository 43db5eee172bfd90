
---------------------------------------------------------------- one run: reconcile, apply the events, build the reply

local function add(list, name, value) list[#list + 1], list[#list + 2] = name, value end

-- Other instances learn of a transition at once, and of a probe that ended without one: by a push that says what there
-- is to know. (pcall: the user may not publish.)
local news = module(function(news)
  function news.announce()
    local what = {s.state, text(s.generation), text(wait()), text(s.epoch), text(s.failures), s.mode, text(now), ARGV[5]}
    redis.pcall('PUBLISH', ARGV[4], table.concat(what, ' '))
  end
end)

-- Applies the event at ARGV[at]. Returns its reply, and where the next event begins. What reconciling has changed
-- belongs to the first reply.
local arguments_of = {settle = 5, apply_override = 4, report_health = 1}
local function apply(at)
  local name = ARGV[at]
  local next_at = at + 1 + (arguments_of[name] or 0)
  reply = {kind = 'noted'}
  -- Most questions find a circuit that time does not change; they need none of the functions of `step`.
  local has_one_deadline = s.mode_until == 0 and s.clear_at == 0
  local stays_closed = s.state == 'closed' and has_one_deadline
  local is_in_break = s.state == 'open' and s.mode == 'auto' and now < s.open_until and
                      (s.break_length == 0 or s.open_until <= now + s.break_length)
  local stays_open = is_in_break and has_one_deadline
  if not stays_closed and not stays_open then
    step.pass_time()
  elseif keeps_window then
    counts.set_back_to(counts.bucket_at(now))  -- all that pass_time() would do
  end
  if name == 'acquire' and s.state == 'closed' then
    reply.kind = 'admitted'
  elseif name == 'acquire' and stays_open then
    reply.kind = 'rejected'
  elseif name == 'settle' then
    settle(unpack(ARGV, at + 1, next_at - 1))
  elseif name ~= 'tick' then
    step[name](unpack(ARGV, at + 1, next_at - 1))
  end
  local answer = {reply.kind, s.state}
  if reply.kind == 'admitted' then add(answer, 'generation', s.generation) end
  if reply.probe then add(answer, 'probe', reply.probe) end
  if reply.kind == 'rejected' then add(answer, 'wait', wait()) end
  if reply.would_have_tripped then add(answer, 'would_have_tripped', reply.would_have_tripped) end
  if #run.transitions > 0 then
    add(answer, 'transitions', run.transitions)
    run.transitions = {}
  end
  return answer, next_at
end

run.only_looks = ARGV[6] ~= 'reconnect' and ARGV[13] == '1' and ARGV[14] == 'tick'
run.counts_removals = ARGV[6] ~= 'call'
local state = read_snapshot()
if not is_as_expected(state) and not reconcile.apply(state) then return {'more', 1} end
local replies, at = {}, 14
for i = 1, tonumber(ARGV[13]) do replies[i], at = apply(at) end

if run.counts_removals then server.count_removals() end
local has_begun_here = s.generation ~= (stored.generation or 0) and s.generation ~= run.restored_generation
if has_begun_here then s.run = server.run() end
local other = s.settings ~= ARGV[2] and reconcile.other_settings()
write_snapshot()
if run.new_generation or run.lease_ended then news.announce() end
local answer = {now, s.state, s.generation, s.epoch, s.failures, replies}
if s.state ~= 'closed' then add(answer, 'wait', wait()) end
if s.mode ~= 'auto' then add(answer, 'override', {s.mode, s.actor, s.reason, s.mode_until}) end
if keeps_window then
  if run.only_looks then counts.move_to(counts.bucket_at(now)) end
  add(answer, 'recent', {counts.total()})
end
if removals.evicted then add(answer, 'removals', {removals.evicted, removals.flushes}) end
if run.forgotten then add(answer, 'forgotten', 1) end
if other then add(answer, 'other_settings', other) end
return answer
