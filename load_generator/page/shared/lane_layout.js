// Where a lane's spans, marks and flags are drawn, in pixels. Nothing disappears under something else: marks that would
// cover each other become one with a number, flags stand side by side in their order, and a half-open period is never
// too narrow to be seen. `x` turns a time into pixels. Pure.
import { kindOf } from './mark_kinds.js';
import { at } from './text.js';

export const charWidth = 6.5; // of the numbers
const flagWidth = 9;
const mostFlags = 4; // side by side; of more, the first ones and how many follow
export const leastHalfOpen = 6;

const radius = (item) => (item.isWasted ? 7 : 5);
const numberWidth = (item) => (item.count > 1 ? 1 + charWidth * String(item.count).length : 0);

// Sets each item's x and returns the right edge of the last one.
const arrange = (items) => items.reduce((edge, item) => {
  item.x = Math.max(item.wanted, edge + radius(item));
  return item.x + radius(item) + numberWidth(item);
}, -Infinity);

// Marks that would cover each other, together: [{ items: [{ kind, isWasted, count, x }], left, right, from, to }], the last
// two in time. Items are in the order of their first mark.
export const markGroups = (marks, x) => {
  const groups = [];
  for (const mark of marks) {
    const kind = kindOf(mark);
    const isWasted = mark.wasted === true;
    const wanted = x(at(mark));
    let group = groups.at(-1);
    if (!group || wanted - radius({ isWasted }) >= group.right) {
      group = { items: [], left: wanted - radius({ isWasted }), from: at(mark) };
      groups.push(group);
    }
    let item = group.items.find((each) => each.kind === kind && each.isWasted === isWasted);
    if (!item) group.items.push(item = { kind, isWasted, wanted, count: 0 });
    item.count += 1;
    group.right = arrange(group.items);
    group.to = at(mark);
  }
  return groups;
};

// [{ state, x, pennant, more }]: the pole begins at x, the pennant may stand to the right of it. `more` changes follow that
// have no flag; `to` is the state after them.
export const flagsOf = (transitions, x) => {
  const flags = [];
  let together = 0;
  for (const transition of transitions) {
    const place = x(at(transition));
    const before = flags.at(-1);
    const edge = before ? before.pennant + flagWidth + (before.more > 0 ? charWidth * (String(before.more).length + 1) : 0) : -Infinity;
    together = place < edge ? together + 1 : 1;
    if (together > mostFlags) before.more += 1;
    else flags.push({ state: transition.to, x: place, pennant: Math.max(place, edge), more: 0 });
  }
  return flags;
};

// [{ state, from, to }]: a change of the store does not end a state's span. The last one ends at `end`.
export const spansOf = (states, end) => {
  const starts = states.filter((point, i) => i === 0 || states[i - 1].state !== point.state);
  return starts.map((point, i) => ({ state: point.state, from: at(point), to: i + 1 < starts.length ? at(starts[i + 1]) : end }));
};

// [{ from, to }]: while the local breaker was in use.
export const localSpansOf = (states, end) => states.flatMap((point, i) =>
  (point.store === 'local' ? [{ from: at(point), to: i + 1 < states.length ? at(states[i + 1]) : end }] : []));
