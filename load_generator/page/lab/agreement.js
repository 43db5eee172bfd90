// Whether it is right that instances agree or disagree. A breaker should be open if its instance's calls fail, and closed
// if they do not: so where one instance is cut off from the upstream, to disagree is right, and to agree is wrong. Pure.
//   instances  [{ name, state, isCutOff, override }], all of the fleet; state unknown: it does not answer
//   upstream   'up', 'down' (every call fails) or 'partly' (some fail, or answers are slow)
//   isShared   they share one breaker
// judge() gives { text, tone }: right, wrong, or neutral where there is nothing to judge, or not yet.

const nameList = (names) => (names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names[0]);
const numbers = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const word = (amount) => numbers[amount] ?? String(amount);
const all = (instances) => (instances.length === 2 ? 'both' : `all ${word(instances.length)}`);
const those = (instances, everyone) => (instances.length === everyone.length ? all(everyone)
  : instances.length > 3 ? `${word(instances.length)} of ${word(everyone.length)}` : nameList(instances.map(({ name }) => name)));
const is = (instances) => (instances.length === 1 ? 'is' : 'are');

const right = (text) => ({ text: `Right: ${text}.`, tone: 'right' });
const wrong = (text) => ({ text: `Wrong: ${text}.`, tone: 'wrong' });
const neutral = (text) => ({ text, tone: 'neutral' });

// Half-open is not closed: the breaker still blocks most calls.
const stateOf = (instances) => {
  const states = new Set(instances.map(({ state }) => state));
  return states.size > 1 ? 'not closed' : [...states][0].replace('_', '-');
};

const judgeOverridden = (overridden, everyone) => {
  const modes = [...new Set(overridden.map(({ override }) => override.replaceAll('_', ' ')))];
  return neutral(`An override (${modes.join(', ')}) is in force for ${those(overridden, everyone)}: breakers decide nothing there.`);
};

const judgeDown = (open, closed, everyone, cause) => {
  if (open.length === 0) return neutral(`${cause}, and ${all(everyone)} are still closed: no breaker has seen enough failures yet.`);
  if (closed.length === 0) return right(`${cause[0].toLowerCase()}${cause.slice(1)}, and ${all(everyone)} are ${stateOf(open)}`);
  return wrong(`${cause[0].toLowerCase()}${cause.slice(1)}, and ${those(closed, everyone)} still ${closed.length === 1 ? 'sends' : 'send'} it calls`);
};

const judgeCutOff = (open, cutOff, everyone, isShared) => {
  const only = `only ${those(cutOff, everyone)} ${is(cutOff)} cut off`;
  const innocent = open.filter((each) => !cutOff.includes(each));
  if (open.length === 0) return neutral(`Only${only.slice(4)}, and ${all(everyone)} are still closed.`);
  if (innocent.length > 0) {
    const why = isShared ? ', because they share one breaker' : '';
    return wrong(`${only}, and ${those(open, everyone)} ${is(open)} ${stateOf(open)}${open.length === everyone.length ? why : ''}`);
  }
  if (open.length < cutOff.length) return neutral(`Only${only.slice(4)}; of these ${those(open, everyone)} ${is(open)} ${stateOf(open)} so far.`);
  return right(`${only}, and only ${cutOff.length === 1 ? 'it is' : 'they are'} ${stateOf(open)}`);
};

const judgeUp = (open, everyone) => {
  if (open.length === 0) return right(`the upstream answers, and ${all(everyone)} are closed`);
  return neutral(`The upstream answers, and ${those(open, everyone)} ${is(open)} still ${stateOf(open)}: until a probe succeeds.`);
};

const judgePartly = (open, everyone) => {
  if (open.length === 0 || open.length === everyone.length) return neutral(`${all(everyone)[0].toUpperCase()}${all(everyone).slice(1)} are ${stateOf(everyone)}; the upstream fails some calls or is slow.`);
  return neutral('They differ: the upstream fails some calls or is slow, and each breaker counts only what it has seen.');
};

export const judge = ({ instances, upstream, isShared }) => {
  const everyone = instances.filter(({ state }) => state !== 'unknown');
  if (instances.length === 0) return neutral('There are no instances.');
  if (everyone.length === 0) return neutral('No instance answers.');
  if (everyone.length === 1) return neutral(instances.length > 1 ? 'Only one instance answers.' : 'There is one instance.');
  const overridden = everyone.filter(({ override }) => override);
  if (overridden.length > 0) return judgeOverridden(overridden, everyone);
  const open = everyone.filter(({ state }) => state !== 'closed');
  const closed = everyone.filter(({ state }) => state === 'closed');
  const cutOff = everyone.filter(({ isCutOff }) => isCutOff);
  if (upstream === 'down') return judgeDown(open, closed, everyone, 'The upstream is down');
  if (cutOff.length === everyone.length) return judgeDown(open, closed, everyone, `The network cuts off ${all(everyone)}`);
  if (upstream === 'partly') return judgePartly(open, everyone);
  return cutOff.length > 0 ? judgeCutOff(open, cutOff, everyone, isShared) : judgeUp(open, everyone);
};

// From the fault that the upstream reports.
export const upstreamState = ({ answers, fault }) => {
  const { failure_rate: fails, latency_ms: latency, hang_rate: hangs, drop_rate: drops } = fault;
  if (!answers || fails + hangs + drops >= 1) return 'down';
  return fails + hangs + drops > 0 || latency > 0 ? 'partly' : 'up';
};
