// The givens of an experiment in words: those that all its designs have, and those by which a design differs from the
// others. Nothing here touches the document.

import { durationIn, planSteps } from '../shared/plan.js';
import { count } from '../shared/text.js';

const usualCallTimeout = 1000; // ms

export const timeWords = (ms) => (ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(2))} s`);

// '60000ms' -> '60 s'. What is not a duration stays as it is.
const durationWords = (text) => {
  const ms = durationIn(text);
  return ms === null ? text : timeWords(ms);
};

const percent = (share) => `${Number((Number(share) * 100).toFixed(1))} %`;

// By kind of a step of an upstream's plan.
const stepWords = {
  healthy: () => 'healthy',
  down: () => 'down',
  flaky: (share) => `failing ${percent(share)} of calls`,
  slow: (time) => `answering after ${durationWords(time)}`,
  hang: (share) => `leaving ${percent(share)} of calls without an answer`,
  drop: (share) => `dropping ${percent(share)} of connections`,
};

const wordsOfStep = ({ text, kind, argument, lasts }) => {
  if (!Object.hasOwn(stepWords, kind)) return text;
  return stepWords[kind](argument) + (lasts === Infinity ? '' : ` for ${timeWords(lasts)}`);
};

// 'healthy 1s, down' -> 'upstream healthy for 1 s, then down'
export const planWords = (plan) => `upstream ${planSteps(plan).map(wordsOfStep).join(', then ')}`;

const settings = {
  failure_threshold: (value) => (value === '0' ? 'failures in a row do not count' : `open after ${count(Number(value), 'failure')} in a row`),
  failure_rate_threshold: (value) => `open if ${percent(value)} fail`,
  slow_call_duration_threshold: (value) => `slow: longer than ${durationWords(value)}`,
  slow_call_rate_threshold: (value) => (value === '0' ? 'slow calls do not count' : `open if ${percent(value)} are slow`),
  sliding_window_size: (value) => `counted over the last ${durationWords(value)}`,
  minimum_number_of_calls: (value) => `only from ${count(Number(value), 'call')} on`,
  clear_interval: (value) => `counts start again every ${durationWords(value)}`,
  recovery_timeout: (value) => `stays open for ${durationWords(value)}`,
  recovery_timeout_multiplier: (value) => `after a failed probe ${value} times as long`,
  recovery_timeout_maximum: (value) => `but for at most ${durationWords(value)}`,
  probe_timeout: (value) => `a probe may take ${durationWords(value)}`,
  minimum_reporting_instances: (value) => `failures must come from ${count(Number(value), 'instance')}`,
  max_concurrent_calls: (value) => `at most ${count(Number(value), 'call')} at once`,
  max_attempts: (value) => (value === '1' ? 'no retries' : `up to ${value} attempts per call`),
  retry_budget: (value) => `retries for at most ${percent(value)} of calls`,
};

const known = Object.keys(settings);
const rank = (name) => (known.includes(name) ? known.indexOf(name) : known.length);

// In the order of this list, in which one explains the next.
const settingsWords = (values) => Object.entries(values).sort(([a], [b]) => rank(a) - rank(b)).map(settingWords);

const settingWords = ([name, value]) =>
  (Object.hasOwn(settings, name) ? settings[name](value) : `${name.replaceAll('_', ' ')} ${durationWords(value)}`);

const overrides = { '': '', metrics_only: 'breakers only observe', disabled: 'breakers are switched off' };

const overrideWords = (mode) => (Object.hasOwn(overrides, mode) ? overrides[mode] : `all breakers ${mode.replaceAll('_', ' ')}`);

const faultWords = ({ at_ms: at, redis, cut_off: instance, kill_prober_after_ms: from }) => {
  if (redis) return `at ${timeWords(at)} Redis ${redis}`;
  if (instance) return `${instance} cannot reach the upstream`;
  return `the first instance that probes after ${timeWords(from)} is killed`;
};

// All that a variant has, as words: its settings, faults and override.
const wordsOf = (variant) => [...settingsWords(variant.breaker), ...settingsWords(variant.instance), ...variant.faults.map(faultWords), overrideWords(variant.override)].filter((words) => words !== '');

const hasRedis = ({ stage }) => stage === 'redis' || stage === 'naive';

// A fault of Redis is common if all variants that have a Redis have it.
const isCommon = (words, variants) => {
  const whose = words.includes(' Redis ') ? variants.filter(hasRedis) : variants;
  return whose.every((variant) => wordsOf(variant).includes(words));
};

// What all variants have in common, most important first.
export const commonGivens = (scenario) => {
  const { instances, rate, burst, plan, variants } = scenario;
  const each = [...new Set(variants.flatMap(wordsOf))].filter((words) => isCommon(words, variants));
  const load = `${count(rate, 'call')} a second${scenario.spread === 'random' ? ', each to a random instance' : ''}`;
  return [count(instances, 'instance'), burst > 1 ? `${load}, ${burst} at once` : load,
    scenario.arrivals === 'poisson' ? 'calls come at random' : '', planWords(plan), ...each,
    scenario.call_timeout_ms === usualCallTimeout ? '' : `a call may take ${timeWords(scenario.call_timeout_ms)}`,
    scenario.redis_timeout_ms === undefined ? '' : `Redis may take ${timeWords(scenario.redis_timeout_ms)}`].filter((words) => words !== '');
};

// What distinguishes a variant from the others.
export const ownGivens = ({ variants }, variant) => wordsOf(variant).filter((words) => !isCommon(words, variants));

const stages = {
  simple: 'one process with one breaker, in simulated time',
  distributed: 'a breaker in each instance',
  redis: 'one breaker in Redis, shared by all instances',
  naive: 'shared in Redis, but with a race between read and write',
};

export const designWords = ({ stage }) => (Object.hasOwn(stages, stage) ? stages[stage] : stage);

// Playing a variant takes this long; stage 1 plays in simulated time.
export const playTime = ({ duration_ms: duration }, { stage }) => (stage === 'simple' ? 0 : duration);
