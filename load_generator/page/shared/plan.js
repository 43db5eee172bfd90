// An upstream's plan, such as 'healthy 1s, flaky 0.6 2s, down': each step lasts its duration, the last one until the end. Pure.

const units = { us: 0.001, ms: 1, s: 1000, m: 60000, h: 3600000 };
const withArgument = new Set(['flaky', 'slow', 'hang', 'drop']);

// '2s' -> 2000; null if it is not a duration.
export const durationIn = (text) => {
  const found = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)$/.exec(text);
  return found === null ? null : Number(found[1]) * units[found[2]];
};

const step = (text) => {
  const [kind, ...rest] = text.split(/\s+/);
  const argument = withArgument.has(kind) ? rest.shift() ?? '' : '';
  return { text, kind, argument, lasts: durationIn(rest[0] ?? '') ?? Infinity };
};

// 'healthy 1s, down' -> [{ text: 'healthy 1s', kind: 'healthy', argument: '', lasts: 1000 }, { .., lasts: Infinity }], in ms.
export const planSteps = (plan) => plan.split(',').map((text) => step(text.trim()));
