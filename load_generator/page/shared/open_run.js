// A run that the address names: `#/run/outage-10-redis?t=1234`. Pages that link to a run need to know no more than this.

import { parseRoute } from './route.js';

// { name, time } of a run's address; time is NaN where none is given. Null for another address.
export const runInAddress = (fragment) => {
  const route = parseRoute(fragment);
  if (route === null || route.view !== 'run' || route.name === '') return null;
  return { name: route.name, time: route.query.has('t') ? Number(route.query.get('t')) : NaN };
};

export const runAddress = (name, time) => `lab#/run/${encodeURIComponent(name)}${time === null ? '' : `?t=${time}`}`;

// Calls open(name, time) for the run that the address names, now and whenever it names another one.
export const followAddress = (open) => {
  const look = () => {
    const run = runInAddress(location.hash);
    if (run !== null) open(run.name, run.time);
  };
  addEventListener('hashchange', look);
  look();
};
