// One design in an opened experiment: first the guess, then, in the same place, what came out.

import { make, measureName, setAttribute, setText } from '../shared/text.js';
import { measureMeaning } from '../shared/measures.js';
import { runAddress } from '../shared/open_run.js';
import { numberLine } from '../race/number_line.js';
import { chips } from './card.js';
import { designWords, ownGivens } from './givens.js';
import { guessFault, rangeOf } from './guess_range.js';
import { becauseWords, resultParts } from './results.js';

export const meaningWords = (measure) => {
  const words = [measureName(measure), measureMeaning(measure)].filter((each) => each !== '').join(': ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const narrowest = 220; // px of a number line

export class DesignRow {
  // `hasMeaning`: the design is measured by another figure than most, so the row says which.
  constructor(scenario, variant, hasMeaning) {
    this.variant = variant;
    this.range = rangeOf(scenario, variant.measure);
    const own = ownGivens(scenario, variant);
    const name = make('h3', { text: variant.name });
    const about = make('div', { class: 'design-about' }, name, make('p', { class: 'design-words', text: designWords(variant) }), own.length > 0 ? chips(own) : '',
      hasMeaning ? make('p', { class: 'design-meaning', text: meaningWords(variant.measure) }) : '');
    this.because = make('p', { class: 'because', text: becauseWords(variant.expectations[0]?.because ?? '') });
    this.line = make('div', { class: 'design-line' });
    this.words = make('p', { class: 'design-result' });
    this.watch = make('a', { class: 'watch-link', text: 'Watch the interesting 200 ms' });
    this.outcome = make('div', { class: 'design-outcome' }, this.line, make('div', { class: 'design-text' }, this.words, this.because, make('p', {}, this.watch)));
    this.node = make('li', { class: 'design', 'data-design': variant.name }, about, make('div', { class: 'design-place' }, this.makeGuess(), this.outcome));
    this.clear();
  }

  makeGuess() {
    const { most, step, isWhole } = this.range;
    const label = (what) => `${what} for ${this.variant.name}: ${measureName(this.variant.measure)}`;
    this.slider = make('input', { type: 'range', min: 0, max: most, step, 'aria-label': label('Your guess') });
    this.field = make('input', { type: 'number', min: 0, max: most, step: isWhole ? 1 : 'any', inputmode: isWhole ? 'numeric' : 'decimal', 'aria-label': label('Your guess as a number') });
    this.unknown = make('input', { type: 'checkbox', 'aria-label': `I do not know, for ${this.variant.name}` });
    this.slider.addEventListener('input', () => this.setGuess(this.slider.value));
    this.field.addEventListener('input', () => this.setGuess(this.field.value));
    this.unknown.addEventListener('change', () => this.setGuess('', this.unknown.checked));
    this.guessing = make('div', { class: 'design-guess' }, this.slider, this.field, make('label', { class: 'check' }, this.unknown, ' I do not know'),
      make('p', { class: 'ends', 'aria-hidden': 'true' }, make('span', { text: '0' }), make('span', { text: String(most) })));
    return this.guessing;
  }

  setGuess(text, isUnknown = false) {
    if (this.field.value !== text) this.field.value = text;
    this.slider.value = text === '' ? 0 : text;
    this.unknown.checked = isUnknown;
    setAttribute(this.slider, 'data-given', text !== '');
    setAttribute(this.slider, 'aria-valuetext', text === '' ? 'no guess yet' : text);
  }

  // What is missing, as a sentence; '' if nothing is.
  get fault() {
    const wanted = this.unknown.checked ? '' : guessFault(this.field.value, this.range);
    return wanted === '' ? '' : `For ${this.variant.name} guess ${wanted}, or tick “I do not know”.`;
  }

  // null: unknown
  get guess() {
    return this.unknown.checked ? null : Number(this.field.value);
  }

  // Before the result; its text keeps its place, so that nothing moves later.
  clear() {
    this.setGuess('');
    this.showWaiting('');
  }

  showWaiting(words) {
    setAttribute(this.node, 'data-result', 'none');
    setText(this.words, words);
  }

  showGuess(guess, scale) {
    this.line.replaceChildren(numberLine({ guess, measured: null, low: null, high: null, held: null }, scale, this.width));
  }

  get width() {
    return Math.max(narrowest, this.line.clientWidth);
  }

  showResult(result, scale) {
    setAttribute(this.node, 'data-result', result.held === false ? 'not-held' : 'held');
    this.line.replaceChildren(numberLine(result, scale, this.width));
    const [figures, held] = resultParts(result);
    this.words.replaceChildren(figures, make('span', { class: 'verdict-word', text: held }));
    setText(this.because, becauseWords(result.because));
    this.watch.hidden = result.watch === null;
    setAttribute(this.watch, 'href', runAddress(result.run, result.watch));
    setAttribute(this.watch, 'aria-label', `Watch the interesting 200 ms of ${result.variant}`);
  }
}
