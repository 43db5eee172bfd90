// The history of each instance: { states, transitions, marks, version, end }, each list in order of time; only a finished
// run has an end, and marks whose outcome is known later than they were sent. historiesOf() reads a finished run. A FleetHistory follows a live fleet frame by frame: a frame replaces
// all events at or after its from_ms, events older than the window are dropped, and a new fleet starts a new history.
import { callsOf } from './run_calls.js';
import { at } from './text.js';

const trafficKinds = ['upstream_calls', 'upstream_failures', 'upstream_unanswered', 'unanswered', 'blocked'];
const emptyHistory = () => ({ states: [], transitions: [], marks: [], version: 0 });
const sameState = (a, b) => a.state === b.state && a.store === b.store;

// The first index whose event is at `time` or later.
export const firstAt = (events, time) => {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(events[middle]) < time) low = middle + 1;
    else high = middle;
  }
  return low;
};

// The first index whose event is after `time`.
export const firstAfter = (events, time) => {
  let index = firstAt(events, time);
  while (index < events.length && at(events[index]) === time) index += 1;
  return index;
};

// Those whose outcome is known by a time.
export const knownMarks = ({ marks }, time) => marks.slice(0, firstAfter(marks, time)).filter((mark) => !(mark.known_at_ms > time));

// The state at a time; before the first one it is unknown.
export const stateAt = (history, time) => {
  const index = firstAfter(history.states, time) - 1;
  return index < 0 ? { since: 0, state: 'unknown' } : history.states[index];
};

// Appends a state and the time since which it holds: a change of the store does not change the state. A state that
// is_cut held even earlier, before the time that the page knows.
const append = (states, state) => {
  const before = states.at(-1);
  const continues = before?.state === state.state;
  states.push({ ...state, since: continues ? before.since : at(state), is_cut: continues ? before.is_cut : state.is_cut });
  return states;
};

// The first poll of an instance comes shortly after the start. Without a transition before it, its state was the same
// at the start.
const sinceStart = (states, transitions) => {
  if (states.length === 0 || at(states[0]) <= 0 || at(states[0]) > 500) return states;
  if (transitions.some((transition) => at(transition) >= 0 && at(transition) <= at(states[0]))) return states;
  return [{ ...states[0], at_ms_since_start: 0 }, ...states.slice(1)];
};

export const historiesOf = (run) => {
  const histories = new Map(run.instances.map((name) => [name, { ...emptyHistory(), end: run.length_ms }]));
  for (const [name, states] of Object.entries(run.states)) {
    if (histories.has(name)) histories.get(name).states = sinceStart(states, run.transitions).reduce(append, []);
  }
  for (const transition of run.transitions) histories.get(transition.instance)?.transitions.push(transition);
  for (const mark of callsOf(run).marks) histories.get(mark.instance)?.marks.push(mark);
  for (const history of histories.values()) {
    history.transitions.sort((a, b) => at(a) - at(b));
  }
  return histories;
};

// Not only times are compared: a call may prove wasted later.
const compared = ['at_ms_since_start', 'status', 'probe', 'late', 'wasted', 'from', 'to', 'cause', 'state', 'store'];
const sameEvents = (events, first, news) =>
  events.length - first === news.length && news.every((event, i) => compared.every((field) => event[field] === events[first + i][field]));

export class FleetHistory {
  constructor() {
    this.reset();
  }

  reset() {
    this.fleet = null;
    this.histories = new Map();
    /** @type {any} */
    this.traffic = { step_ms: 500, first_step: 0, ...Object.fromEntries(trafficKinds.map((kind) => [kind, []])) };
    this.latest = 0;
    this.received = 0;
  }

  // Returns what changed: 'fleet', 'state', 'mark' or ''.
  apply(frame) {
    let news = '';
    const hasGap = frame.from_ms > this.latest; // what happened before from_ms is too old to be shown
    if (frame.fleet !== this.fleet || hasGap) {
      this.reset();
      this.fleet = frame.fleet;
      news = 'fleet';
    }
    this.latest = frame.now_ms;
    this.received = performance.now();
    for (const { name } of frame.instances) {
      if (!this.histories.has(name)) this.histories.set(name, emptyHistory());
    }
    const changed = [this.applyStates(frame), this.applyEvents(frame, 'transitions')].includes(true); // always both
    const marked = this.applyEvents(frame, 'marks');
    this.applyTraffic(frame);
    this.prune(frame.now_ms - frame.window_ms);
    return news || (changed && 'state') || (marked && 'mark') || '';
  }

  applyStates(frame) {
    let changed = false;
    for (const [name, news] of Object.entries(frame.states)) {
      const history = this.histories.get(name);
      if (!history || news.length === 0) continue;
      const { states } = history;
      const first = firstAt(states, Math.min(frame.from_ms, at(news[0])));
      const before = states.splice(first);
      if (first === 0 && at(news[0]) === frame.from_ms) news[0].is_cut = frame.from_ms > 0;
      for (const state of news) {
        if (states.length === 0 || !sameState(states[states.length - 1], state)) append(states, state);
      }
      if (sameEvents(states, first, before)) continue;
      history.version += 1;
      changed = true;
    }
    return changed;
  }

  applyEvents(frame, kind) {
    const byName = new Map();
    for (const event of frame[kind]) {
      if (!byName.has(event.instance)) byName.set(event.instance, []);
      byName.get(event.instance).push(event);
    }
    let changed = false;
    for (const [name, history] of this.histories) {
      const news = byName.get(name) || [];
      const events = history[kind];
      const first = firstAt(events, frame.from_ms);
      if (sameEvents(events, first, news)) continue;
      events.length = first;
      events.push(...news);
      history.version += 1;
      changed = true;
    }
    return changed;
  }

  applyTraffic({ traffic }) {
    const kept = this.traffic;
    if (traffic.step_ms !== kept.step_ms || kept.upstream_calls.length === 0) {
      kept.step_ms = traffic.step_ms;
      kept.first_step = traffic.first_step;
    }
    for (const kind of trafficKinds) {
      const steps = kept[kind];
      const keep = Math.max(0, traffic.first_step - kept.first_step);
      while (steps.length < keep) steps.push(0);
      steps.length = keep;
      steps.push(...(traffic[kind] ?? traffic.upstream_calls.map(() => 0)));
    }
  }

  prune(oldest) {
    for (const history of this.histories.values()) {
      const { states, transitions, marks } = history;
      let old = 0;
      while (old + 1 < states.length && at(states[old + 1]) < oldest) old += 1;
      if (old > 0) states.splice(0, old);
      if (transitions.length > 0 && at(transitions[0]) < oldest) transitions.splice(0, firstAt(transitions, oldest));
      // In batches, as there may be many of them.
      if (marks.length > 0 && at(marks[0]) < oldest - 5000) marks.splice(0, firstAt(marks, oldest));
    }
    const { traffic } = this;
    const steps = Math.floor(oldest / traffic.step_ms) - traffic.first_step;
    if (steps < 20) return;
    for (const kind of trafficKinds) traffic[kind].splice(0, steps);
    traffic.first_step += steps;
  }

  // The current time, also between two frames. Without frames, time stops on the page.
  now() {
    return this.latest + Math.min(performance.now() - this.received, 1000);
  }
}
