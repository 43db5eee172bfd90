// A race with real programs, as the server reports it while it runs: what is new since the last answer is added to the
// calls and transitions that are known. Resolves when the race is over, with the names of its runs.

import { fetchJson } from '../shared/api.js';

const pause = 100; // ms between two questions
const mostMisses = 20; // two seconds without an answer

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export const emptyRuns = (fleets) => fleets.map(({ variant, instances }) =>
  ({ variant, instances, shared_breaker: variant === 'redis', calls: [], transitions: [] }));

// Adds an answer's news to the runs. Pure, but for the runs themselves.
export const addNews = (runs, fleets) => {
  fleets.forEach(({ variant, instances, calls, transitions }) => {
    const run = runs.find((each) => each.variant === variant);
    if (run.instances.length < instances.length) run.instances = instances;
    run.calls.push(...calls);
    run.transitions.push(...transitions);
  });
};

// Follows the race `number`; `show(runs, answer)` is called after each answer.
export const followRace = async (number, show) => {
  let from = '';
  let runs = null;
  let misses = 0;
  while (true) {
    const answer = await fetchJson(from === '' ? '/race' : `/race?from=${encodeURIComponent(from)}`);
    misses = answer === null ? misses + 1 : 0;
    if (misses > mostMisses) throw new Error('The server no longer answers.');
    if (answer !== null) {
      if (answer.number !== number) throw new Error('Another race has begun.');
      if (answer.fleets?.length > 0) {
        runs ??= emptyRuns(answer.fleets);
        addNews(runs, answer.fleets);
        from = answer.next;
      }
      show(runs, answer);
      if (answer.phase === 'failed') throw new Error(answer.error || 'The race failed.');
      if (answer.phase === 'over') return answer;
    }
    await wait(pause);
  }
};
