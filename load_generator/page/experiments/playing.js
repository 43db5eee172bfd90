// An experiment that is being played: its designs one after the other. It decides from the server's updates what comes
// next. Nothing here touches the document or the network.

import { playTime } from './givens.js';

const enoughMissed = 12; // updates without it, about three seconds: the first ones may be from before the request

// What the server is asked to play, one after the other: every variant by itself.
// Where a server plays all variants of { name, variant: 'all' }, that one request is enough.
export const requestsFor = ({ name, variants }) => variants.map((variant) => ({ name, variant: variant.name }));

export class Playing {
  constructor(scenario) {
    this.scenario = scenario;
    this.requests = requestsFor(scenario);
    this.position = 0;
    this.number = 0; // the server's, of the request under way
    this.finished = []; // names of runs
    this.current = null; // the update's scenario while it is this one
    this.isStopping = false;
    this.missed = 0;
    this.error = '';
  }

  get request() {
    return this.requests[this.position];
  }

  started(number) {
    this.number = number;
    this.missed = 0;
    this.current = null;
  }

  // With `shown`, the scenario of an update, or null: what to do now. '' is to wait; 'next' is to send the next request.
  apply(shown) {
    if (shown?.number !== this.number) {
      this.missed += 1;
      return this.missed < enoughMissed ? '' : this.fail('This page missed the end of the experiment: another one was started, or the server was.');
    }
    this.missed = 0;
    this.current = shown;
    if (shown.phase === 'failed') return this.fail(shown.error || 'the experiment failed for an unknown reason');
    if (shown.phase !== 'over') return '';
    this.finished.push(...(shown.finished ?? [shown.run]));
    this.current = null;
    this.position += 1;
    if (this.position === this.requests.length) return 'over';
    return this.isStopping ? this.fail('It was stopped; the designs after this one were not played.') : 'next';
  }

  fail(error) {
    this.error = error;
    return 'failed';
  }

  // { variant: the one that runs now, phase, elapsed, total: ms of all designs, finished: names of runs }
  progress() {
    const { scenario, current } = this;
    const finished = [...this.finished, ...(current?.finished ?? [])];
    const over = scenario.variants.filter(({ run }) => finished.includes(run)).reduce((sum, each) => sum + playTime(scenario, each), 0);
    const total = scenario.variants.reduce((sum, each) => sum + playTime(scenario, each), 0);
    const now = scenario.variants.find(({ name }) => name === (current?.variant ?? this.request?.variant)) ?? scenario.variants.find(({ run }) => !finished.includes(run));
    const elapsed = current?.phase === 'running' ? Math.min(current.elapsed_ms, current.duration_ms) : 0;
    return { variant: now?.name ?? '', phase: current?.phase ?? 'starting', elapsed: Math.min(total, over + elapsed), total, finished };
  }

  // To go on after the page was loaded again.
  toStore() {
    return { name: this.scenario.name, position: this.position, number: this.number, finished: this.finished };
  }

  static isStored(stored) {
    return typeof stored?.name === 'string' && Number.isInteger(stored.position) && Number.isInteger(stored.number) && Array.isArray(stored.finished);
  }

  resume({ position, number, finished }) {
    this.position = Math.min(position, this.requests.length - 1);
    this.finished = finished;
    this.started(number);
    return this;
  }
}
