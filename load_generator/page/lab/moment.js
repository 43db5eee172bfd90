// What is shown of a finished run at a moment: all of it follows from the run's events up to then. Pure.
import { historiesOf, stateAt } from '../shared/fleet_history.js';
import { callsOf, isUnanswered } from '../shared/run_calls.js';
import { at, stateName, states } from '../shared/text.js';
import { judgementAt } from './run_judgement.js';

// On the slider, which begins with the load; an override may have been applied shortly before.
export const shownAt = (transition) => Math.max(0, at(transition));

const prepared = new WeakMap();
const sum = (events, amount) => events.reduce((total, event) => total + amount(event), 0);
const unsuccessful = ({ upstream_calls: calls = 0, status }) => calls - (status === 'success' && calls > 0 ? 1 : 0);

// What does not depend on the moment, once for each run: { calls, marks, histories, transitions }.
export const prepare = (run) => {
  if (!prepared.has(run)) prepared.set(run, { ...callsOf(run), histories: historiesOf(run), transitions: [...run.transitions].sort((a, b) => at(a) - at(b)) });
  return prepared.get(run);
};

// Of a file that lists every call.
const countCalls = (calls, time, isEnd) => {
  const sent = calls.filter((call) => isEnd || at(call) <= time);
  const known = sent.filter((call) => isEnd || call.known_at_ms <= time);
  return {
    upstream_calls: sum(sent, (call) => call.upstream_calls ?? 0),
    upstream_failures: sum(known, unsuccessful),
    unanswered: known.filter(isUnanswered).length,
    blocked: known.filter(({ status }) => status === 'blocked').length,
    counted_to: time,
  };
};

// Of an older file, which has whole steps only: up to the end of the last step that is over.
const countSteps = ({ traffic, length_ms: length }, marks, time, isEnd) => {
  const steps = isEnd ? Infinity : Math.max(0, Math.floor(time / traffic.step_ms));
  const over = (numbers) => numbers.slice(0, steps).reduce((total, each) => total + each, 0);
  const countedTo = Math.min(length, steps * traffic.step_ms);
  return {
    upstream_calls: over(traffic.upstream_calls),
    upstream_failures: over(traffic.upstream_failures),
    unanswered: marks.filter((mark) => isUnanswered(mark) && (isEnd || at(mark) < countedTo)).length,
    blocked: over(traffic.blocked),
    counted_to: countedTo,
  };
};

export const agreementOf = (stateList) => {
  const present = states.filter((state) => stateList.includes(state));
  return { text: present.map((state) => `${stateList.filter((each) => each === state).length} ${stateName(state)}`).join(', '),
    agree: present.filter((state) => state !== 'unknown').length < 2 };
};

// `passed`: how many transitions are over, where several share the moment.
// { time, counts, states: Map of name to { state, since, store }, agreement, judgement (or null), passed,
//   last (transition or undefined) }
export const momentAt = (run, time, passed = passedBy(run, time)) => {
  const { calls, marks, histories, transitions } = prepare(run);
  const isEnd = time >= run.length_ms;
  const known = marks.filter((mark) => isEnd || mark.known_at_ms <= time);
  const stateOf = new Map([...histories].map(([name, history]) => [name, stateAt(history, time)]));
  return {
    time,
    counts: {
      ...(calls ? countCalls(calls, time, isEnd) : countSteps(run, marks, time, isEnd)),
      transitions: passed,
      probes: known.filter((mark) => mark.probe).length,
      late: known.filter((mark) => mark.late).length,
      wasted: known.filter((mark) => mark.wasted).length,
    },
    states: stateOf,
    agreement: agreementOf([...stateOf.values()].map(({ state }) => state)),
    judgement: judgementAt(run, stateOf, time),
    passed,
    last: transitions[passed - 1],
  };
};

export const passedBy = (run, time) => prepare(run).transitions.filter((transition) => shownAt(transition) <= time).length;
