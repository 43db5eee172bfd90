// Whether it is right that the instances of a finished run agree or disagree at a moment. Its file says what was done to
// the upstream, to the network of an instance and to the breakers; one of an older version does not. Pure.
import { planSteps } from '../shared/plan.js';
import { judge } from './agreement.js';

const sharesOfCalls = new Set(['flaky', 'hang', 'drop']);

const stateOfStep = ({ kind, argument }) => {
  if (kind === 'healthy' || (sharesOfCalls.has(kind) && Number(argument) === 0)) return 'up';
  return kind === 'down' || (sharesOfCalls.has(kind) && Number(argument) >= 1) ? 'down' : 'partly';
};

// 'up', 'down' or 'partly' at `time`, in ms since the start of the load, by a plan such as 'healthy 1s, down'.
export const upstreamAt = (plan, time) => {
  let end = 0;
  const step = planSteps(plan).find(({ lasts }) => {
    end += lasts;
    return time < end;
  });
  return stateOfStep(step ?? { kind: 'healthy', argument: '' });
};

// As judge(); null if the file does not say enough. `states` is a Map of name to { state }.
export const judgementAt = (run, states, time) => {
  const { settings, faults, shared_breaker: isShared } = run;
  if (!settings || !faults) return null;
  const cutOff = new Set(faults.map(({ cut_off: name }) => name));
  const override = settings.override ?? '';
  const instances = [...states].map(([name, { state }]) => ({ name, state, isCutOff: cutOff.has(name), override }));
  return judge({ instances, upstream: upstreamAt(settings.plan, time), isShared });
};
