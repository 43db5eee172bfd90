// Runs of a race as arithmetic has them: calls leave in turn, the upstream dies at one second, answers take 2 ms.

const names = (instances) => Array.from({ length: instances }, (_, i) => `Instance-${String.fromCharCode(65 + i)}`);

export const givensOf = ({ instances = 10, threshold = 5, rate = 50 } = {}) => ({
  instances, failure_threshold: threshold, rate, recovery_timeout_ms: 10000, fault_at_ms: 1000, seed: 7,
  length_ms: 1000 + (instances * threshold * 1000) / rate + 1000,
});

export const madeUpRun = (variant, givens) => {
  const { instances, failure_threshold: threshold, rate, fault_at_ms: fault, length_ms: length } = givens;
  const isShared = variant === 'redis';
  const failures = Array(instances).fill(0);
  const isOpen = Array(instances).fill(false);
  const run = { variant, instances: names(instances), shared_breaker: isShared, calls: [], transitions: [] };
  for (let i = 0, at = 0; at < length; i += 1, at = (i * 1000) / rate) {
    const instance = i % instances;
    const breaker = isShared ? 0 : instance;
    const call = { at_ms_since_start: at, took_ms: isOpen[breaker] ? 0.1 : 2, instance: run.instances[instance],
      status: isOpen[breaker] ? 'blocked' : at >= fault ? 'failure' : 'success', upstream_calls: isOpen[breaker] ? 0 : 1 };
    run.calls.push(call);
    if (call.status !== 'failure') continue;
    failures[breaker] += 1;
    if (failures[breaker] < threshold) continue;
    isOpen[breaker] = true;
    run.transitions.push({ at_ms_since_start: at + 2, instance: call.instance, generation: 2, from: 'closed', to: 'open', cause: `${threshold} consecutive failures` });
  }
  return run;
};

export const madeUpRace = (options) => {
  const givens = givensOf(options);
  return { givens, runs: ['distributed', 'redis'].map((variant) => madeUpRun(variant, givens)) };
};
