// The history of a shared breaker from those of its instances: one lane for all, in which each transition has the instance
// that reported it. An instance that was for some time on its local breaker, dead, or in another state than most has a
// lane besides. Pure.
import { stateAt } from '../shared/fleet_history.js';
import { at } from '../shared/text.js';

const longestLag = 200; // ms for which an instance may not know yet: two polls
const localCause = 'local: ';

const isOnShared = (point) => point !== undefined && point.store !== 'local' && point.state !== 'unknown';

const statesThat = (points) => {
  const votes = new Map();
  for (const { state } of points.filter(isOnShared)) votes.set(state, (votes.get(state) ?? 0) + 1);
  return [...votes].reduce((most, vote) => (vote[1] > most[1] ? vote : most), ['unknown', 0])[0];
};

// The state that most instances on the shared breaker are in. Points of one time are taken in order, the first of each
// instance, then the second: a half-open period of no length remains.
const majority = (lists) => {
  const times = [...new Set(lists.flatMap((points) => points.map(at)))].sort((a, b) => a - b);
  const next = lists.map(() => 0);
  const now = lists.map(() => undefined);
  const states = [];
  for (const time of times) {
    for (let moved = true; moved;) {
      moved = false;
      lists.forEach((points, i) => {
        if (next[i] === points.length || at(points[next[i]]) > time) return;
        now[i] = points[next[i]];
        next[i] += 1;
        moved = true;
      });
      const state = statesThat(now);
      if (moved && states.at(-1)?.state !== state) states.push({ at_ms_since_start: time, since: time, state });
    }
  }
  return states;
};

// The longest time for which an instance's state is not that of the shared breaker.
const longestDeviation = ({ states: own, end }, shared) => {
  const times = [...new Set([...own, ...shared].map(at))].sort((a, b) => a - b);
  let since = Infinity;
  let longest = 0;
  for (const time of [...times, end]) {
    longest = Math.max(longest, time - since);
    const differs = own.length > 0 && time >= at(own[0]) && stateAt({ states: own }, time).state !== stateAt({ states: shared }, time).state;
    since = differs ? Math.min(since, time) : Infinity;
  }
  return longest;
};

const needsLane = (history, shared) => history.states.some((point, i) => !isOnShared(point) && (i > 0 || point.store === 'local')) ||
  longestDeviation(history, shared.states) > longestLag;

const byTime = (a, b) => at(a) - at(b);

// Instance-C is C, others are known by their place in the list.
export const shortName = (name, place) => /^Instance-(\S{1,3})$/.exec(name)?.[1] ?? `#${place + 1}`;

const freeName = (wanted, names) => (names.includes(wanted) ? freeName(`${wanted} `, names) : wanted);

// Map of lanes, the shared one first: { ...history, isShared, reporters of transitions }, then those of instances.
export const lanesOfShared = (run, histories) => {
  const names = [...histories.keys()];
  const states = majority([...histories.values()].map((history) => history.states));
  const shared = { states, transitions: [], marks: [], version: 0, end: run.length_ms, isShared: true };
  const apart = names.filter((name) => needsLane(histories.get(name), shared));
  names.forEach((name, i) => {
    const { transitions, marks } = histories.get(name);
    shared.transitions.push(...transitions.filter(({ cause }) => !cause.startsWith(localCause))
      .map((each) => ({ ...each, reporter: shortName(name, i), cause: `${each.cause || 'no cause given'} (reported by ${name})` })));
    if (!apart.includes(name)) shared.marks.push(...marks);
  });
  shared.transitions.sort(byTime);
  shared.marks.sort(byTime);
  const lanes = new Map([[freeName('shared breaker', names), shared]]);
  for (const name of apart) lanes.set(name, histories.get(name));
  return lanes;
};

const letterWidth = 8;
const letterGap = 4;

// [{ x, text, from }]: a tick at x for each transition, and the letters of its instance, from their left edge on. Where
// there is no room for them the text is empty.
export const reporterTicks = (transitions, x) => {
  let edge = -Infinity;
  return transitions.map((transition) => {
    const place = x(at(transition));
    const width = transition.reporter.length * letterWidth;
    const from = place - width / 2;
    if (from < edge) return { x: place, from, text: '' };
    edge = from + width + letterGap;
    return { x: place, from, text: transition.reporter };
  });
};
