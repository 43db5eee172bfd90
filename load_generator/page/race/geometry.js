// Where things are in a fleet's picture, in px. Nothing here touches the document.

const narrow = 440; // px; below, the picture has less air
const tallest = 34; // px between two instances
const shortest = 14;
const picture = 310; // px that ten instances take
const margin = 6; // px around where the centres of dots are
const lift = 5; // px by which answers fly below, at most

export const layout = (width, instances, threshold) => {
  const isNarrow = width < narrow;
  const row = Math.min(tallest, Math.max(shortest, picture / instances));
  const square = Math.min(9, row - 5, (isNarrow ? 70 : 130) / (threshold + 1) - 2);
  const upstreamWidth = Math.max(isNarrow ? 50 : 66, (threshold + 1) * (square + 2) + 10);
  const top = 28;
  const caller = isNarrow ? 14 : 26;
  const switchAt = Math.round(width * (isNarrow ? 0.34 : 0.4));
  const upstream = width - upstreamWidth - 2;
  const rows = Array.from({ length: instances }, (_, i) => top + row * (i + 0.5));
  const bottom = top + row * instances;
  const pip = Math.min(4, row / 4);
  const highest = Math.floor(rows[0]) - margin;
  const flight = { left: caller - margin, top: highest, width: Math.ceil(upstream - caller) + 2 * margin, height: Math.ceil(rows.at(-1)) + margin + lift - highest };
  return { width, height: bottom + 6, row, rows, top, bottom, middle: (top + bottom) / 2, caller, switchAt, blade: isNarrow ? 22 : 30,
    name: switchAt - (isNarrow ? 44 : 62), upstream, upstreamWidth, square, pip,
    redis: { x: Math.round((switchAt + upstream) / 2) + 8, width: isNarrow ? 74 : 104 },
    flight };
};

// The way of a call: a bend from the caller to its instance's row, then straight on.
const bend = (from, to, t) => {
  const eased = t * t * (3 - 2 * t);
  return from + (to - from) * eased;
};

// x and y at `along` 0..1 of the way from the caller to the switch.
export const onTheWayIn = (place, instance, along) => {
  const straight = place.name - 12; // where the bend ends
  const x = place.caller + (place.switchAt - place.caller) * along;
  return { x, y: bend(place.middle, place.rows[instance], Math.min(1, (x - place.caller) / (straight - place.caller))) };
};

const beyond = (place, instance, along) =>
  ({ x: place.switchAt + place.blade + (place.upstream - place.switchAt - place.blade) * along, y: place.rows[instance] });

export const dotPlace = (place, { instance, leg, progress }) => {
  if (leg === 'in') return onTheWayIn(place, instance, progress);
  if (leg === 'through') return beyond(place, instance, progress);
  if (leg === 'bounce') return onTheWayIn(place, instance, 1 - progress);
  return beyond(place, instance, 1 - progress); // an answer
};

export const wirePath = (place, instance) => {
  const points = Array.from({ length: 13 }, (_, i) => onTheWayIn(place, instance, (i / 12) * ((place.name - 12 - place.caller) / (place.switchAt - place.caller))));
  const line = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  const y = place.rows[instance];
  return `${line}H${place.switchAt}M${place.switchAt + place.blade} ${y}H${place.upstream}`;
};
