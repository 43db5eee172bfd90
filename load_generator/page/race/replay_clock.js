// How fast a replay runs: a tenth of the speed where something happens, fast elsewhere. Nothing here touches the document.

export const slow = 0.1;
export const fast = 1;
const before = 60; // ms of the run around what happens
const after = 100;

// From just before the fault until all switches are open.
export const interestingPart = (fault, allOpen, length) => ({ from: Math.max(0, fault - before), to: Math.min(length, allOpen + after) });

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

export const speedText = (speed) => (speed === 1 ? 'full speed' : `1/${Math.round(1 / speed)} speed`);
