// What the lab's map shows, from a frame of the live fleet: callers, instances with their switches and wires, the upstream
// and Redis; and what has happened since the last fault. Nothing here touches the document.

const near = (a, b) => Math.abs(a - b) < 0.005;

// The name of the upstream's fault, as its buttons have it; 'other' if none of them describes it.
export const conditionOf = ({ answers, fault }) => {
  if (!answers) return 'away';
  const { failure_rate: rate, latency_ms: latency, hang_rate: hang, drop_rate: drop } = fault;
  if (hang > 0 || drop > 0) return 'other';
  if (latency > 0) return near(latency, 400) && rate === 0 ? 'slow' : 'other';
  if (rate === 0) return 'healthy';
  if (near(rate, 0.6)) return 'flaky';
  return rate === 1 ? 'down' : 'other';
};

const noCalls = { success: 0, failure: 0, exception: 0, blocked: 0 };

// Redis as the instances see it; null if they keep their breakers' state elsewhere.
const redisOf = ({ instances, redis }) => {
  const stores = instances.filter(({ answers }) => answers).map(({ store }) => store);
  if (redis === undefined || redis === null) {
    if (!stores.includes('redis') && !stores.includes('local')) return null;
  }
  const away = stores.filter((store) => store === 'local').length;
  return { process: redis?.process ?? 'unknown', away, isShared: stores.includes('redis') };
};

// What the last answer said may no longer hold.
const known = (instance) => (instance.answers ? instance : { state: 'unknown', failures: 0, override: '' });

export const mapOf = (frame) => ({
  rate: frame.load.rate,
  condition: conditionOf(frame.upstream),
  instances: frame.instances.map((instance) => ({
    name: instance.name,
    letter: instance.name.replace(/^Instance-/, ''),
    state: known(instance).state,
    failures: known(instance).failures,
    override: known(instance).override,
    isCut: instance.network_broken,
    isLocal: instance.answers && instance.store === 'local',
    process: instance.process ?? (instance.answers ? 'running' : 'unknown'),
  })),
  redis: redisOf(frame),
});

// What a person did, or a fault that began: when it changes, the counters start again.
export const conditionsOf = (frame) => {
  const { condition, instances, redis } = mapOf(frame);
  return JSON.stringify([frame.fleet, condition, frame.upstream.fault, redis?.process,
    instances.map(({ name, isCut, process }, i) => [name, isCut, process, frame.instances[i].override])]);
};

// The calls so far: what callers got, and what the upstream failed, by its ledger.
const countsOf = ({ calls, upstream, now_ms: now }) => ({
  now,
  calls: { ...noCalls, ...calls },
  failed: upstream.answers ? upstream.ledger.total.received - upstream.ledger.total.success : null,
});

// An instance that was restarted counts from 0 again; so does an upstream.
const since = (before, count) => (count >= before ? count - before : count);

const longestPause = 3000; // ms between two frames; after a longer one the page was hidden, or the machine asleep

// Counts what has happened since the last fault, or since Reset was pressed. Calls that a new fault has failed can be known
// before the fault is. But when the upstream was last asked and knew of no new fault, there was none: counts of that time
// or earlier have none of its calls, so the counters begin with the newest of them. After a gap they begin with the present
// frame: when in the gap the fault began, the page does not know.
export class SinceFault {
  earlier = []; // counts, the newest last; the first is the one to begin with if the next frame shows a new fault

  show(frame) {
    const conditions = conditionsOf(frame);
    const latest = countsOf(frame);
    if (frame.fleet !== this.fleet || latest.now - this.latest.now > longestPause) this.earlier = [];
    if (conditions !== this.conditions) this.before = this.earlier[0] ?? latest;
    this.conditions = conditions;
    this.fleet = frame.fleet;
    this.latest = latest;
    this.earlier.push(latest);
    while (this.earlier.length > 1 && this.earlier[1].now <= frame.upstream.asked_ms) this.earlier.shift();
    return this.counts();
  }

  counts() {
    const { before, latest } = this;
    const calls = Object.fromEntries(Object.keys(noCalls).map((status) => [status, since(before.calls[status], latest.calls[status])]));
    const failed = latest.failed === null || before.failed === null ? null : since(before.failed, latest.failed);
    return { ...calls, failed_upstream: failed, elapsed: latest.now - before.now };
  }

  reset() {
    this.before = this.latest;
  }
}
