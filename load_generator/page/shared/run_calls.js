// The calls of a finished run with the moment from which their outcome is known, so that all that is shown of one moment
// follows from the same events. A call is sent at at_ms_since_start; its outcome is known when it is over, took_ms later.
// Two clocks date an outcome and the transition that it causes, and the instance knows it before the caller: an outcome
// that comes just after a transition is known at that transition. Pure.
import { at } from './text.js';

const clockSlack = 5; // ms

export const isUnanswered = ({ status }) => status === 'exception' || status === 'unreachable';
const isWorthAMark = (call) => call.status === 'failure' || isUnanswered(call) || call.probe === true || call.late === true;

const total = (numbers) => numbers.reduce((sum, each) => sum + each, 0);

// A long run's file may list only some of its calls.
const listsAllCalls = ({ calls, traffic }) => Array.isArray(calls) &&
  total(calls.map((call) => call.upstream_calls ?? 0)) === total(traffic.upstream_calls) &&
  calls.filter(({ status }) => status === 'blocked').length === total(traffic.blocked);

// The first of the sorted numbers that is at least `least`.
const firstFrom = (sorted, least) => {
  let low = 0;
  for (let high = sorted.length; low < high;) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < least) low = middle + 1;
    else high = middle;
  }
  return sorted[low] ?? Infinity;
};

const knownAt = (call, transitionTimes) => {
  const end = at(call) + (call.took_ms ?? 0);
  return Math.min(end, firstFrom(transitionTimes, Math.max(at(call), end - clockSlack)));
};

// Which mark of the file is which call: both say when it was sent, in fractions of a millisecond.
const markKey = (event) => `${event.instance} ${at(event).toFixed(2)}`;

// { calls, marks }, each in order of time and with known_at_ms; calls is null if the file does not list them all.
export const callsOf = (run) => {
  const inOrder = (events) => [...events].sort((a, b) => at(a) - at(b));
  const marks = inOrder(run.marks ?? []).map((mark) => ({ ...mark, known_at_ms: at(mark) }));
  if (!listsAllCalls(run)) return { calls: null, marks };
  const times = run.transitions.map(at).sort((a, b) => a - b);
  const calls = inOrder(run.calls).map((call) => ({ ...call, known_at_ms: knownAt(call, times) }));
  const marked = calls.filter(isWorthAMark);
  const wasted = new Set(marks.filter((mark) => mark.wasted).map(markKey));
  for (const call of marked) if (wasted.has(markKey(call))) call.wasted = true;
  return { calls, marks: marked };
};
