// The givens of a scenario's runs in words, from the settings in their files: what all runs have in common, and what
// distinguishes one from the others. A file from an older version has no settings. Pure.
import { commonGivens, designWords, ownGivens } from '../experiments/givens.js';

const ofTheFleet = ['instances', 'rate', 'plan', 'call_timeout_ms', 'redis_timeout_ms', 'override'];
const stages = ['simple', 'distributed', 'redis', 'naive'];
const usualCallTimeout = 1000; // ms

// { recovery_timeout_ms: 60000 } -> { recovery_timeout: '60000ms' }, as in the list of scenarios.
const asSettings = (settings) => Object.fromEntries(Object.entries(settings).filter(([name]) => !ofTheFleet.includes(name))
  .map(([name, value]) => (name.endsWith('_ms') ? [name.slice(0, -3), `${value}ms`] : [name, String(value)])));

// A run's file has its variant's name, which by custom begins with the stage.
const stageOf = ({ variant, shared_breaker: isShared }) => {
  const [first] = variant.split('-');
  if (stages.includes(first)) return first;
  return isShared ? 'redis' : 'distributed';
};

const asVariant = (run) => ({ name: run.variant, stage: stageOf(run), breaker: asSettings(run.settings), instance: {}, faults: run.faults ?? [], override: run.settings.override ?? '' });

const asScenario = ({ settings }, variants) => ({ instances: settings.instances, rate: settings.rate, burst: 1, plan: settings.plan,
  call_timeout_ms: settings.call_timeout_ms ?? usualCallTimeout, redis_timeout_ms: settings.redis_timeout_ms, variants });

// { common: [words], own: [[words] of each run] }
export const givensOf = (runs) => {
  const recorded = runs.filter(({ settings }) => settings);
  if (recorded.length === 0) return { common: ['settings not recorded'], own: runs.map(() => []) };
  const variants = recorded.map(asVariant);
  const words = recorded.map((run) => commonGivens(asScenario(run, variants)));
  const common = words[0].filter((each) => words.every((others) => others.includes(each)));
  const own = runs.map((run) => {
    const index = recorded.indexOf(run);
    if (index < 0) return ['settings not recorded'];
    return [...words[index].filter((each) => !common.includes(each)), ...ownGivens({ variants }, variants[index])];
  });
  return { common, own };
};

export const aboutDesign = (run) => designWords({ stage: stageOf(run) });
