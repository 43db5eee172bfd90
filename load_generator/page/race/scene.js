// What one fleet of the race looks like at a moment. Everything is counted from the run's calls and transitions up to
// that moment, so live, in a replay and at the end the picture and its figures agree with the run file.
// Times are ms since the start of the load. Nothing here touches the document.

const hasReachedUpstream = (call) => call.upstream_calls > 0;
const isFailure = ({ status }) => status === 'failure' || status === 'exception';
const byEnd = (a, b) => a.end - b.end;

// How a call's dot moves: it approaches the switch for this long before the call is due; the answer flies back to the
// instance as long. The flight to the upstream takes as long as the call, but not less than a frame of a slow replay.
export const approach = 350;
export const shortestFlight = 16;
const bounce = 200;

// Whose failures a breaker counts in a row: one instance's own, or, with a shared breaker, those of all.
const breakerOf = (scene, instance) => (scene.isShared ? 0 : instance);

// The failures in a row of each breaker, after each answer: [{ end, breaker, failures }], in order of time.
const countFailures = (scene) => {
  const inARow = scene.names.map(() => 0);
  return scene.calls.filter((call) => hasReachedUpstream(call) && !call.late).map(({ end, instance, isFailed }) => {
    const breaker = breakerOf(scene, instance);
    inARow[breaker] = isFailed ? inARow[breaker] + 1 : 0;
    return { end, breaker, failures: inARow[breaker] };
  });
};

const dating = 20; // ms by which the breaker's date of a failure and its caller's may differ

// A breaker opens when it has counted the failure; its caller has the answer a moment before or after, by another clock.
// The picture shows both at once.
const endWithTheirTransitions = (scene) => {
  for (const transition of scene.transitions) {
    if (transition.to !== 'open') continue;
    const isCause = (call) => call.isFailed && breakerOf(scene, call.instance) === transition.breaker && Math.abs(call.end - transition.at) <= dating;
    const cause = scene.calls.filter(isCause).at(-1);
    if (cause) cause.end = transition.at = Math.min(cause.end, transition.at);
  }
  scene.calls.sort(byEnd);
};

// Of a run of thousands of calls its file lists some, from shortly before the fault on, and counts those before. An older
// file lists none.
const callsOf = (run) => run.calls ?? run.some_calls?.calls ?? [];
const all = { from_ms: -Infinity, to_ms: Infinity, earlier: {} };
const listedIn = (run) => (run.calls ? all : run.some_calls ?? all);

// A fleet's run, made ready to be asked for any moment. `run` is a run's document, or the part of it that is known yet.
export const makeScene = (run, threshold) => {
  const index = new Map(run.instances.map((name, i) => [name, i]));
  const { from_ms: from, to_ms: to, earlier } = listedIn(run);
  const scene = { names: run.instances, isShared: run.shared_breaker, threshold, listed: { from, to, earlier } };
  scene.calls = callsOf(run).filter(({ instance }) => index.has(instance)).map((call) => ({
    at: call.at_ms_since_start,
    end: call.at_ms_since_start + call.took_ms,
    instance: index.get(call.instance),
    status: call.status,
    upstream_calls: call.upstream_calls,
    late: call.late === true,
    isFailed: isFailure(call),
  })).sort(byEnd);
  scene.transitions = run.transitions.filter(({ instance }) => index.has(instance)).map((transition) => ({
    at: transition.at_ms_since_start,
    breaker: breakerOf(scene, index.get(transition.instance)),
    to: transition.to,
    cause: transition.cause,
  })).sort((a, b) => a.at - b.at);
  endWithTheirTransitions(scene);
  scene.hits = scene.calls.filter((call) => call.isFailed && hasReachedUpstream(call));
  scene.counts = countFailures(scene);
  return scene;
};

// The first index of an event that is later than `time`.
const firstAfter = (events, time, when) => {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (when(events[middle]) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
};

const ended = (events, time) => events.slice(0, firstAfter(events, time, ({ end }) => end));

const statesAt = (scene, time) => {
  const breakers = scene.names.map(() => 'closed');
  for (const { at, breaker, to } of scene.transitions) {
    if (at > time) break;
    breakers[breaker] = to;
  }
  return scene.names.map((_, instance) => breakers[breakerOf(scene, instance)]);
};

const failuresAt = (scene, time) => {
  const failures = scene.names.map(() => 0);
  for (const { breaker, failures: inARow } of ended(scene.counts, time)) failures[breaker] = inARow;
  return failures.map((inARow) => Math.min(inARow, scene.threshold));
};

// When its last event is over, which on a busy machine may be after the load has ended.
export const endOf = (scene) => Math.max(0, ...[...scene.calls.slice(-1).map(({ end }) => end), ...scene.transitions.map(({ at }) => at)]);

// How many events are over. At two moments with as many, sceneAt() is the same.
export const passedBy = (scene, time) =>
  firstAfter(scene.calls, time, ({ end }) => end) + firstAfter(scene.transitions, time, ({ at }) => at) +
  Number(time >= scene.listed.from) + Number(time > scene.listed.to);

// The calls of a status that are over, or null where the file does not say.
const countOf = ({ listed: { from, to, earlier } }, over, time, wanted) =>
  (time < from || time > to ? null : (earlier[wanted] ?? 0) + over.filter(({ status }) => status === wanted).length);

// { states: by instance, pips: failures in a row by breaker, hits: by instance, hitCount, openCount, blocked, answered (null where it is not known) }
export const sceneAt = (scene, time) => {
  const hits = scene.names.map(() => 0);
  for (const { instance } of ended(scene.hits, time)) hits[instance] += 1;
  const over = ended(scene.calls, time);
  const states = statesAt(scene, time);
  return {
    states,
    pips: failuresAt(scene, time),
    hits,
    hitCount: hits.reduce((sum, count) => sum + count, 0),
    openCount: states.filter((state) => state === 'open').length,
    blocked: countOf(scene, over, time, 'blocked'),
    answered: countOf(scene, over, time, 'success'),
  };
};

// Where a call's dot is: { instance, leg, progress 0..1, kind }, or null before and after its flight.
// leg 'in': from the caller to the switch; 'through': to the upstream; 'back': the answer; 'bounce': turned away.
const dotOf = (call, time) => {
  const { instance, at, end } = call;
  if (time < at - approach) return null;
  if (time < at) return { instance, leg: 'in', progress: 1 - (at - time) / approach, kind: 'request' };
  if (!hasReachedUpstream(call)) {
    const progress = (time - at) / bounce;
    return progress < 1 ? { instance, leg: 'bounce', progress, kind: 'blocked' } : null;
  }
  const arrives = Math.max(end, at + shortestFlight);
  const kind = call.isFailed ? 'failed' : 'answered';
  if (time < arrives) return { instance, leg: 'through', progress: (time - at) / (arrives - at), kind: 'request' };
  const progress = (time - arrives) / approach;
  return progress < 1 ? { instance, leg: 'back', progress, kind } : null;
};

// The dots that are under way. Calls that ended longer ago than an answer flies are skipped.
export const dotsAt = (scene, time) => {
  const dots = [];
  for (const call of scene.calls.slice(firstAfter(scene.calls, time - approach - shortestFlight, ({ end }) => end))) {
    const dot = dotOf(call, time);
    if (dot !== null) dots.push(dot);
  }
  return dots;
};

// The moments at which a breaker changed, in order, each once; the fault is one of them.
export const changesOf = (scenes, fault) => {
  const times = scenes.flatMap(({ transitions }) => transitions.map(({ at }) => at));
  return [...new Set([fault, ...times])].sort((a, b) => a - b);
};

// When the last instance had opened; the end of the run if one never did.
export const allOpenAt = (scene, length) => {
  const opened = new Map();
  for (const { breaker, to, at } of scene.transitions) if (to === 'open' && !opened.has(breaker)) opened.set(breaker, at);
  const breakers = scene.isShared ? 1 : scene.names.length;
  return opened.size < breakers ? length : Math.max(...opened.values());
};

// How many instances saw the failures that opened a shared breaker.
export const instancesThatSaw = (scene, opened) =>
  new Set(ended(scene.hits, opened).map(({ instance }) => instance)).size;
