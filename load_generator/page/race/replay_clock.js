// How the time of a picture passes: a replay runs at a tenth of the speed where something happens, and fast elsewhere.
// The page and the worker that draws the dots have one clock, so both show one moment. Nothing here touches the document.

export const slow = 0.1;
export const fast = 1;
const before = 60; // ms of the run around what happens
const after = 100;

// From just before the fault until all switches are open.
export const interestingPart = (fault, allOpen, length) => ({ from: Math.max(0, fault - before), to: Math.min(length, allOpen + after) });

// Nothing is slow.
export const atFullSpeed = { from: 0, to: 0 };

export const speedAt = (part, time) => (time >= part.from && time < part.to ? slow : fast);

// The moment that a replay shows `elapsed` ms of the watcher's time after `time`.
export const advance = (part, time, elapsed, length) => {
  let now = time;
  let left = elapsed;
  for (const [end, speed] of [[part.from, fast], [part.to, slow], [length, fast]]) {
    if (now >= end) continue;
    const needed = (end - now) / speed;
    if (needed > left) return now + left * speed;
    left -= needed;
    now = end;
  }
  return length;
};

// The watcher's time in ms, the same in the page and in a worker.
export const watchTime = () => performance.timeOrigin + performance.now();

// A clock that shows `time` now; its time passes unless `part` is null.
export const clockFrom = (time, part, length) => ({ time, part, length, since: watchTime() });

// What a clock shows: 0 to length.
export const timeOn = ({ time, part, length, since }, now = watchTime()) =>
  Math.max(0, part === null ? Math.min(time, length) : advance(part, time, Math.max(0, now - since), length));

export const speedText = (speed) => (speed === 1 ? 'full speed' : `1/${Math.round(1 / speed)} speed`);
