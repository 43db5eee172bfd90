// Which part of a scenario's runs is worth drawing: from a little before the first notable event to a little after the
// last one, the same part of all runs. A change is notable, and so is a mark: a failed call after the last change is not
// cut off. Pure.
import { at, time } from '../shared/text.js';

const step = 100; // ms; the part begins and ends at whole ones
const lead = 0.08; // of what happens, before it
const trail = 0.12; // after it
const shortest = 300; // ms
const leastCut = 0.05; // of the length: less is not worth a cut

// A change of what is known about an instance that no transition reports: it dies, or its breaker becomes a local one.
const changesOfStates = ({ states }) => Object.values(states).flatMap((points) => points.slice(1).filter((point, i) =>
  point.store !== points[i].store || (point.state === 'unknown') !== (points[i].state === 'unknown')).map(at));

const changesOf = (run) => [...run.transitions.map(at), ...changesOfStates(run)];

const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity);
const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);

// { start, end, length } in ms; the whole length if no breaker changed.
export const partOf = (runs) => {
  const length = most(runs.map((run) => run.length_ms));
  const changes = runs.flatMap(changesOf);
  if (changes.length === 0) return { start: 0, end: length, length };
  const notable = [...changes, ...runs.flatMap(({ marks }) => marks.map(at))];
  const first = Math.max(0, least(notable));
  const last = most(notable);
  const span = Math.max(shortest, last - first);
  const start = Math.floor((first - Math.max(step, lead * span)) / step) * step;
  const end = Math.ceil((last + Math.max(2 * step, trail * span)) / step) * step;
  return { start: start < leastCut * length ? 0 : start, end: length - end < leastCut * length ? length : end, length };
};

const nothing = 'in which no call failed and no breaker changed its state';

// What the lanes do not show, as a sentence; '' if they show everything.
export const cutWords = ({ start, end, length }) => {
  const parts = [...(start > 0 ? [`the first ${time(start)}`] : []), ...(end < length ? [`the last ${time(length - end)}`] : [])];
  return parts.length === 0 ? '' : `Drawn from ${time(start)} to ${time(end)} of ${time(length)}. Cut off: ${parts.join(' and ')}, ${nothing}.`;
};
