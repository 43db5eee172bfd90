// An opened experiment: the guesses, the progress, and the results, in one place. Its data-phase is guess, playing or
// result.

import { fetchJson } from '../shared/api.js';
import { byId, make, measureName, restore, setAttribute, setText, store } from '../shared/text.js';
import { scaleFor } from '../race/number_line.js';
import { chips } from './card.js';
import { DesignRow, meaningWords } from './design_row.js';
import { commonGivens, playTime, timeWords } from './givens.js';
import { unitOf } from './guess_range.js';
import { heldWords, measuredWords, resultOf, summaryWords, usualMeasure } from './results.js';

const storedAs = 'experiment-guesses';
const isStored = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

const otherLine = ({ measure, expected, held, because, measured }) => make('li', { class: held ? '' : 'not-held' },
  make('b', { text: measureName(measure) }), ` expected ${expected}, ${measuredWords({ measured })}: ${heldWords(held)}. `, make('span', { class: 'quiet', text: because }));

export class Sheet {
  // play(scenario) answers as the server does; stop() likewise; closed() is called when a person has closed it.
  constructor({ play, stop, closed }) {
    this.play = play;
    this.stop = stop;
    this.dialog = byId('sheet');
    this.scenario = null;
    this.forgetResults();
    this.guesses = restore(storedAs, isStored, {});
    this.dialog.addEventListener('close', closed);
    this.dialog.addEventListener('click', (event) => this.closeOutside(event));
    byId('sheet-close').addEventListener('click', () => this.dialog.close());
    byId('sheet-form').addEventListener('submit', (event) => this.start(event));
    byId('sheet-show').addEventListener('click', () => this.showKept());
    byId('sheet-stop').addEventListener('click', () => this.stopPlaying());
    byId('sheet-again').addEventListener('click', () => this.guessAgain());
    addEventListener('resize', () => this.showLines());
  }

  get phase() {
    return this.dialog.dataset.phase;
  }

  closeOutside(event) {
    if (event.target === this.dialog && this.phase !== 'playing') this.dialog.close();
  }

  open(scenario, playing) {
    this.scenario = scenario;
    this.forgetResults();
    setText(byId('sheet-title'), scenario.name);
    setText(byId('sheet-question'), scenario.question);
    byId('sheet-givens').replaceChildren(chips(commonGivens(scenario)));
    const measure = usualMeasure(scenario);
    setText(byId('sheet-meaning'), meaningWords(measure));
    this.rows = scenario.variants.map((variant) => new DesignRow(scenario, variant, variant.measure !== measure));
    byId('sheet-designs').replaceChildren(...this.rows.map(({ node }) => node));
    byId('sheet-others').hidden = true;
    const total = scenario.variants.reduce((sum, variant) => sum + playTime(scenario, variant), 0);
    setText(byId('sheet-time'), `takes about ${timeWords(Math.round(total / 1000) * 1000)}, and a moment to start each`);
    this.answer('');
    this.setPhase('guess');
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
    if (playing) this.showPlaying(playing);
    else if (this.guesses[scenario.name] && this.wasPlayed) this.showKept();
    return byId('sheet-title').focus();
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  get wasPlayed() {
    return this.scenario.variants.every(({ played }) => played !== null);
  }

  setPhase(phase) {
    const hadFocus = this.dialog.contains(document.activeElement);
    setAttribute(this.dialog, 'data-phase', phase);
    byId('sheet-show').hidden = !this.wasPlayed;
    if (hadFocus && !document.activeElement.checkVisibility()) byId({ guess: 'sheet-title', playing: 'sheet-stop', result: 'sheet-title' }[phase]).focus({ preventScroll: true });
  }

  answer(error) {
    byId('sheet-answer').classList.toggle('error', error !== '');
    setText(byId('sheet-answer'), error);
  }

  say(words) {
    setText(byId('sheet-announcer'), words);
  }

  // --- guess and play ---

  async start(event) {
    event.preventDefault();
    if (this.phase !== 'guess' || this.isStarting) return undefined;
    const missing = this.rows.find(({ fault }) => fault !== '');
    if (missing) {
      this.answer(missing.fault);
      return missing.field.focus();
    }
    const before = this.guesses[this.scenario.name];
    this.keepGuesses(Object.fromEntries(this.rows.map((row) => [row.variant.name, row.guess])));
    this.isStarting = true;
    const { error } = await this.play(this.scenario);
    this.isStarting = false;
    if (error) this.keepGuesses(before);
    return this.answer(error ?? '');
  }

  keepGuesses(guesses) {
    this.guesses = { ...this.guesses, [this.scenario.name]: guesses };
    store(storedAs, this.guesses);
  }

  guessOf(variant) {
    return this.guesses[this.scenario.name]?.[variant.name] ?? null;
  }

  async stopPlaying() {
    byId('sheet-stop').disabled = true;
    const { error } = await this.stop();
    if (error) this.answer(error);
  }

  guessAgain() {
    this.keepGuesses(undefined);
    this.open(this.scenario, null);
  }

  // --- while it is played ---

  // `trouble` is '' or says why there are no updates.
  showPlaying(playing, trouble = '') {
    if (this.phase !== 'playing') {
      this.forgetResults();
      byId('sheet-stop').disabled = false;
      this.setPhase('playing');
      this.showLines();
    }
    const { variant, phase, elapsed, total, finished } = playing.progress();
    setAttribute(byId('sheet-bar'), 'max', Math.max(1, total));
    setAttribute(byId('sheet-bar'), 'value', Math.round(elapsed));
    const doing = phase === 'running' ? variant : `${variant}: starting its programs`;
    setText(byId('sheet-progress'), trouble || `${doing}, ${(elapsed / 1000).toFixed(1)} s of ${(total / 1000).toFixed(1)} s`);
    for (const row of this.rows) {
      if (finished.includes(row.variant.run)) continue;
      setAttribute(row.node, 'data-now', row.variant.name === variant);
      row.showWaiting(row.variant.name === variant ? 'is being played' : 'comes later');
    }
    this.showFinished(finished);
  }

  async showFinished(runs) {
    const { results, reading } = this;
    const added = runs.filter((run) => !reading.has(run));
    added.forEach((run) => reading.set(run, this.read(run)));
    await Promise.all(runs.map((run) => reading.get(run)));
    if (this.results === results && added.length > 0) this.showLines();
  }

  async read(run) {
    const { results } = this;
    const row = this.rows.find(({ variant }) => variant.run === run);
    const document = await fetchJson(`/runs/${encodeURIComponent(run)}`);
    if (this.results !== results || !row) return;
    setAttribute(row.node, 'data-now', false);
    if (document === null) row.showWaiting('its run cannot be read');
    else results.set(run, resultOf(row.variant, document, this.guessOf(row.variant)));
  }

  // Forgets what was shown; answers that are under way no longer count.
  forgetResults() {
    this.results = new Map(); // by run
    this.reading = new Map();
  }

  // Lines of one unit have one scale. Before its result a design's line has the guess only.
  showLines() {
    if (!this.scenario || this.phase === 'guess') return;
    for (const row of this.rows) {
      const result = this.results.get(row.variant.run);
      if (result) row.showResult(result, this.scaleOf(row));
      else row.showGuess(this.guessOf(row.variant), this.scaleOf(row));
    }
  }

  scaleOf(row) {
    const alike = this.rows.filter(({ variant }) => unitOf(variant.measure) === unitOf(row.variant.measure));
    return scaleFor(alike.flatMap(({ variant }) => {
      const { at_least: low, at_most: high } = variant.expectations[0] ?? {};
      return [this.guessOf(variant), low, high, this.results.get(variant.run)?.measured];
    }));
  }

  // --- the result ---

  async showEnd(playing) {
    if (playing.error) {
      this.setPhase('guess');
      this.restoreGuesses();
      return this.answer(playing.error);
    }
    return this.showResults(playing.finished);
  }

  // The rows have the guesses again, to play once more.
  restoreGuesses() {
    for (const row of this.rows) {
      row.clear();
      const guess = this.guessOf(row.variant);
      row.setGuess(guess === null ? '' : String(guess), guess === null);
    }
  }

  showKept() {
    this.rows.forEach((row) => row.showWaiting(''));
    this.forgetResults();
    this.setPhase('playing'); // its rows have the same height
    return this.showResults(this.scenario.variants.map(({ run }) => run));
  }

  async showResults(runs) {
    const { results: map } = this;
    await this.showFinished(runs);
    if (this.results !== map) return;
    const results = runs.map((run) => map.get(run)).filter(Boolean);
    this.showOthers(results);
    setAttribute(byId('sheet-save'), 'href', `report?runs=${runs.map(encodeURIComponent).join(',')}`);
    this.setPhase('result');
    this.showLines();
    this.say(summaryWords(results));
  }

  showOthers(results) {
    const shown = results.filter(({ others }) => others.length > 0);
    byId('sheet-others').hidden = shown.length === 0;
    byId('sheet-others-lists').replaceChildren(...shown.map(({ variant, others }) =>
      make('div', {}, make('h4', { text: variant }), make('ul', {}, ...others.map(otherLine)))));
  }
}
