// What the poster of a scenario says: its question and givens, and for each design the predicted measure, expected and
// measured, and why. Pure.
import { unitOf } from '../experiments/guess_range.js';
import { count, measureName, number } from '../shared/text.js';
import { aboutDesign, givensOf } from './run_givens.js';
import { isCounted, perSquare } from './squares.js';

// Of runs without an expectation: the measure that most designs are measured by.
const usualMeasure = (runs) => {
  const measures = runs.flatMap(({ expectations }) => expectations.slice(0, 1).map(({ measure }) => measure));
  const times = (wanted) => measures.filter((measure) => measure === wanted).length;
  return measures.reduce((usual, measure) => (times(measure) > times(usual) ? measure : usual), measures[0] ?? 'upstream_failures');
};

const designOf = (run, usual, own) => {
  const first = run.expectations[0];
  const measure = first?.measure ?? usual;
  return { variant: run.variant, again: run.again ?? '', about: aboutDesign(run), own, measure, measured: run.measures[measure] ?? null,
    expected: first?.expected ?? '', low: first?.at_least ?? null, high: first?.at_most ?? null, because: first?.because ?? '',
    held: first ? first.held : null };
};

// 'held', 'did not hold', or that there was nothing to hold.
export const heldText = (held) => (held === null ? 'nothing was predicted' : held ? 'held' : 'did not hold');

const failure = ({ variant, again, measure, expected, measured }) =>
  `${variant}${again} was expected to have ${expected} ${measureName(measure)}, and had ${measured === null ? 'no such measure' : number(measured)}`;

// The verdict in one or two sentences.
export const verdictWords = (designs, runs) => {
  const judged = designs.filter(({ held }) => held !== null);
  if (judged.length === 0) return 'Nothing was predicted for these runs, so nothing can fail.';
  const failed = judged.filter(({ held }) => !held);
  const all = runs.flatMap(({ expectations }) => expectations);
  const kept = all.filter(({ held }) => held).length;
  const others = all.length > judged.length ? ` Of all ${all.length} expectations of these runs, ${kept === all.length ? 'each' : kept} held.` : '';
  if (failed.length > 0) return `Not held: ${failed.map(failure).join('; ')}.${others}`;
  return `Held: measured as predicted${judged.length > 1 ? ` in ${judged.length === 2 ? 'both' : `all ${judged.length}`} designs` : ''}.${others}`;
};

// When, where and with what version the runs were played; '' if no file says.
const playedWords = (runs) => {
  const played = runs.map((run) => run.played).filter(Boolean);
  if (played.length === 0) return 'version and date not recorded';
  const all = (field) => [...new Set(played.map((each) => each[field]).filter(Boolean))];
  const dates = [...new Set(played.map(({ at }) => at?.slice(0, 10)).filter(Boolean))].sort();
  const isMixed = all('world').length > 1;
  const world = isMixed ? 'some in virtual time' : played[0].world === 'real' ? 'in real time' : 'in virtual time';
  return `version ${all('version').join(', ')}, played ${dates.length > 0 ? `${dates.join(', ')} ` : ''}${world}`;
};

export const posterOf = (runs) => {
  const { common, own } = givensOf(runs);
  const usual = usualMeasure(runs);
  const designs = runs.map((run, i) => designOf(run, usual, own[i]));
  const counts = designs.filter(({ measure }) => isCounted(measure));
  return { name: runs[0].name, question: runs[0].question, chips: common, designs, per: perSquare(counts.map(({ measured }) => measured)),
    verdict: verdictWords(designs, runs), played: playedWords(runs), runs: count(runs.length, 'run') };
};

// Designs whose measures have one unit share a number line's scale: the figures that it needs room for.
export const figuresLike = (designs, measure) => designs.filter((each) => unitOf(each.measure) === unitOf(measure))
  .flatMap(({ low, high, measured }) => [low, high, measured]);
