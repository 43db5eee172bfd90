// Both numbers are guessed before the race, or that is skipped. A guess belongs to the givens of its race.

import { byId, restore, showAnswer, store } from '../shared/text.js';
import { sameGivens } from './givens.js';

const storedAs = 'race-guess';
const fields = ['guess-left', 'guess-right'];
const skipped = [null, null];
const none = { guess: skipped, givens: null };

const isGuess = (value) => Array.isArray(value) && value.length === 2 && value.every((each) => each === null || Number.isFinite(each));
const entered = () => fields.map((id) => (byId(id).value.trim() === '' ? NaN : Number(byId(id).value)));

export class Guess {
  // start(guess) is called with [left, right], each null if it was skipped.
  constructor(start) {
    this.start = start;
    this.last = restore(storedAs, (value) => isGuess(value?.guess), none);
    byId('guess').addEventListener('submit', (event) => this.submit(event));
    byId('skip').addEventListener('click', () => start(skipped));
  }

  submit(event) {
    event.preventDefault();
    const guess = entered();
    const wrong = guess.findIndex((each) => !Number.isInteger(each) || each < 0);
    if (wrong < 0) return this.start(guess);
    showAnswer(byId('race-answer'), { error: `Enter a whole number for ${['left', 'right'][wrong]}, or skip the guess.` });
    return byId(fields[wrong]).focus();
  }

  keep(guess, givens) {
    this.last = { guess, givens };
    store(storedAs, this.last);
  }

  // [left, right] for a race with these givens.
  of(givens) {
    return sameGivens(this.last.givens, givens) ? this.last.guess : skipped;
  }

  setDisabled(isDisabled) {
    byId('start').disabled = byId('skip').disabled = isDisabled;
  }

  text(givens) {
    const [left, right] = this.of(givens);
    return left === null || right === null ? 'The upstream dies one second after the start.' : `Your guess: ${left} left, ${right} right.`;
  }
}
