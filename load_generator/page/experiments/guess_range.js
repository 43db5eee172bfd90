// Within what bounds a person can guess a figure, so that the bounds do not give the answer away: from 0 to about two and
// a half times the largest figure that is expected of any design. Nothing here touches the document.

const ratios = ['load_factor', 'calls_per_trip']; // measures that need not be whole numbers
const room = 2.5;
const niceFactors = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

// What figures can share a number line.
export const unitOf = (measure) => {
  if (measure.endsWith('_ms')) return 'ms';
  return ratios.includes(measure) ? 'ratio' : 'count';
};

// The smallest round number that is at least `figure`; for counts a whole one.
export const niceAbove = (figure, isWhole) => {
  const power = 10 ** Math.floor(Math.log10(figure));
  const fits = (nice) => nice >= figure * (1 - 1e-9) && (!isWhole || Number.isInteger(nice));
  const nice = niceFactors.map((factor) => Number((factor * power).toPrecision(3))).find(fits);
  return nice ?? Math.ceil(figure);
};

const highest = ({ at_least: low, at_most: high }) => high ?? low ?? 0;

// { most, step, isWhole } for a scenario's measures of one unit. Where nothing is expected to happen at all, any call may.
export const rangeOf = ({ variants, rate, duration_ms: duration }, measure) => {
  const unit = unitOf(measure);
  const alike = variants.filter((variant) => variant.measure !== '' && unitOf(variant.measure) === unit);
  const largest = Math.max(0, ...alike.map(({ expectations }) => highest(expectations[0])));
  const most = largest > 0 ? niceAbove(largest * room, unit !== 'ratio') : niceAbove(rate * duration / 1000, true);
  return { most, step: { count: 1, ms: most > 1000 ? 10 : 1, ratio: 0.05 }[unit], isWhole: unit === 'count' };
};

// What is wrong with a text as a guess, as a sentence; '' if nothing is.
export const guessFault = (text, { most, isWhole }) => {
  const guess = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(guess) && guess >= 0 && guess <= most && (!isWhole || Number.isInteger(guess))) return '';
  return `a ${isWhole ? 'whole number' : 'number'} from 0 to ${most}`;
};
