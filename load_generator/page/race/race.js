// The race: guess, watch it live, then see it again slowly. The page has one race at a time: real, as its programs report
// it, or a finished one; before the first, the simulated one shows what is to come.

import { allOf, announce, byId, restore, setAttribute, setText, store } from '../shared/text.js';
import { ask, fetchRun, queryOf, request } from '../shared/api.js';
import { parseRoute, showRoute } from '../shared/route.js';
import { FleetPicture } from './fleet_picture.js';
import { followRace } from './live_race.js';
import { Givens } from './givens.js';
import { numberLine, scaleFor } from './number_line.js';
import { Playback } from './playback.js';
import { savePicture } from './picture_file.js';
import { allOpenAt, dotsAt, makeScene, sceneAt } from './scene.js';
import { sentenceAt, switchesText, verdictWords } from './words.js';

const guessed = 'upstream_failures'; // the measure that people guess
const behind = 500; // ms that the live picture is behind, so that a call is known before its dot has to leave
const resultStands = 2500; // ms, before its replay
const guessStoredAs = 'race-guess';
const variants = ['distributed', 'redis'];

const resultOf = (run, guess) => {
  const expectation = run.expectations.find(({ measure }) => measure === guessed);
  return { guess, expected: expectation.expected, low: expectation.at_least, high: expectation.at_most, measured: run.measures[guessed], held: expectation.held };
};

const isGuess = (value) => value === null || (Array.isArray(value) && value.length === 2 && value.every((each) => each === null || Number.isFinite(each)));

// A run of thousands of calls lists none of them, and no instances.
const namesOf = (instances) => Array.from({ length: instances }, (_, i) => `Instance-${String.fromCharCode(65 + i)}`);

// Why the shared breaker's figure has a range.
const inFlightText = ({ low, high }) => (high > low ? ` (Up to ${high - low} more may be under way.)` : '');

class Race {
  constructor() {
    this.cards = allOf('[data-fleet]');
    this.givens = new Givens(() => this.preview());
    this.playback = new Playback((time) => this.showMoment(time), (time) => this.keepTime(time));
    this.guess = restore(guessStoredAs, isGuess, null);
    this.number = 0; // of the real race that this page follows
    byId('guess').addEventListener('submit', (event) => this.startGuessed(event));
    byId('skip').addEventListener('click', () => this.start([null, null]));
    byId('again').addEventListener('click', () => this.makeReady());
    byId('stop').addEventListener('click', () => this.stop());
    byId('save-picture').addEventListener('click', () => savePicture(this.race, this.playback.time));
    addEventListener('resize', () => this.pictures?.forEach((picture) => picture.resize()));
    addEventListener('hashchange', () => this.open());
    this.open();
  }

  // What the address says: the givens, and perhaps a moment of the replay.
  async open() {
    const query = parseRoute(location.hash)?.query ?? new URLSearchParams();
    this.givens.read(query);
    const time = query.has('t') ? Number(query.get('t')) : NaN;
    const now = await ask('/race');
    if (['starting', 'running'].includes(now.phase)) return this.follow(now.number, now.givens);
    if (!await this.preview()) return undefined;
    return Number.isFinite(time) ? this.replayKept(time) : undefined;
  }

  setPhase(phase) {
    setAttribute(document.body, 'data-phase', phase);
    byId('guess').hidden = phase !== 'ready';
    byId('verdict').hidden = phase === 'ready';
    byId('stop').hidden = !['starting', 'live'].includes(phase);
    byId('again').hidden = phase !== 'replay';
    byId('save-picture').hidden = phase !== 'replay';
    byId('save-report').hidden = phase !== 'replay' || this.world !== 'real programs';
    this.givens.setDisabled(phase !== 'ready' && phase !== 'replay');
    this.playback.setEnabled(phase === 'replay');
  }

  // The picture before the race: where everybody stands. False if the givens are refused.
  async preview() {
    this.makeReady();
    const answer = await ask(`/simulate?${queryOf(this.givens.toRequest())}`);
    this.givens.showAnswer(answer.error);
    byId('start').disabled = byId('skip').disabled = Boolean(answer.error);
    if (answer.error) return false;
    this.givens.keep();
    this.simulated = answer;
    this.showRace(answer.runs, answer.givens);
    this.showBeforehand();
    return true;
  }

  makeReady() {
    clearTimeout(this.replaySoon);
    this.playback.pause();
    this.showAnswer('');
    this.setPhase('ready');
    this.cards.forEach((card) => card.querySelector('.verdict-line').replaceChildren());
    if (this.race) this.showBeforehand();
  }

  showBeforehand() {
    this.playback.setTime(0);
    setText(byId('sentence'), 'Each call goes through its instance’s switch to the upstream. Guess, then start.');
    setText(byId('world'), 'A race takes a few seconds, with real programs on this machine; then you can watch it slowly.');
  }

  showRace(runs, givens) {
    const length = givens.length_ms;
    const scenes = runs.map((run) => makeScene({ calls: [], transitions: [], instances: namesOf(givens.instances), ...run }, givens.failure_threshold));
    const isNew = !this.race || this.race.scenes.some((scene, i) => scene.names.length !== scenes[i].names.length || scene.threshold !== scenes[i].threshold);
    this.race = { scenes, givens, length, runs };
    this.playback.setLength(length);
    if (isNew) {
      const most = String(givens.instances * givens.failure_threshold).length;
      this.cards.forEach((card) => card.style.setProperty('--digits', Math.max(2, most)));
      this.pictures = this.cards.map((card, i) => new FleetPicture(card.querySelector('.picture-holder'), scenes[i]));
    }
  }

  // --- the race with real programs ---

  startGuessed(event) {
    event.preventDefault();
    const guess = ['guess-left', 'guess-right'].map((id) => (byId(id).value.trim() === '' ? NaN : Number(byId(id).value)));
    const wrong = guess.findIndex((each) => !Number.isInteger(each) || each < 0);
    if (wrong < 0) return this.start(guess);
    this.showAnswer(`Enter a whole number for ${['left', 'right'][wrong]}, or skip the guess.`);
    return byId(['guess-left', 'guess-right'][wrong]).focus();
  }

  showAnswer(error) {
    byId('race-answer').classList.toggle('error', error !== '');
    setText(byId('race-answer'), error);
  }

  async start(guess) {
    byId('start').disabled = byId('skip').disabled = true;
    const answer = await request('/control/race', this.givens.toRequest());
    byId('start').disabled = byId('skip').disabled = false;
    if (answer.error) return this.showAnswer(answer.error);
    this.guess = guess;
    store(guessStoredAs, guess);
    return this.follow(answer.number, this.race.givens);
  }

  async stop() {
    const answer = await request('/control/race/stop', {});
    if (answer.error) this.showAnswer(answer.error);
  }

  async follow(number, givens) {
    this.number = number;
    this.givens.show(givens);
    this.showAnswer('');
    this.setPhase('starting');
    setText(byId('verdict-words'), 'Starting two fleets, an upstream for each, and a Redis.');
    try {
      const over = await followRace(number, (runs, answer) => this.showNews(runs, answer));
      await this.finish(over);
    } catch (error) {
      this.stopLive();
      this.makeReady();
      this.showAnswer(error.message);
    }
  }

  showNews(runs, { phase, givens, elapsed_ms: elapsed }) {
    if (runs === null || phase === 'failed') return;
    this.live = runs;
    this.showRace(runs, givens);
    this.latest = { elapsed, at: performance.now() };
    if (phase === 'running' && !this.frame) this.goLive();
  }

  goLive() {
    this.setPhase('live');
    setText(byId('world'), 'Live, with real programs; the picture is half a second behind.');
    setText(byId('verdict-words'), this.guessText());
    const draw = () => {
      const { elapsed, at } = this.latest;
      this.playback.setTime(Math.max(0, Math.min(this.race.length, elapsed + performance.now() - at - behind)));
      this.frame = requestAnimationFrame(draw);
    };
    this.frame = requestAnimationFrame(draw);
  }

  stopLive() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  guessText() {
    return this.guess === null || this.guess.includes(null) ? 'The upstream dies one second after the start.' : `Your guess: ${this.guess[0]} left, ${this.guess[1]} right.`;
  }

  async finish({ runs: names, givens }) {
    const runs = await Promise.all(names.map(fetchRun));
    await this.liveEnd();
    this.stopLive();
    if (runs.includes(null)) throw new Error('The runs of the race cannot be read.');
    this.showFinished(runs.map((run, i) => ({ ...this.live?.[i], ...run })), givens, 'real programs');
    this.playback.setTime(this.race.length);
    setText(byId('world'), 'That was the race with real programs. In a moment: the same again, ten times slower.');
    this.replaySoon = setTimeout(() => this.replaySlowly(), resultStands);
  }

  // Unless a person has moved in the race meanwhile.
  replaySlowly() {
    setText(byId('world'), 'A replay of a race with real programs.');
    if (document.body.dataset.phase === 'replay' && !this.playback.isPlaying && this.playback.time === this.race.length) this.playback.playFromStart();
  }

  // The live picture is behind: it shows the end, too.
  liveEnd() {
    const { elapsed, at } = this.latest ?? { elapsed: 0, at: 0 };
    const left = Math.max(0, this.race.length - (elapsed + performance.now() - at - behind));
    return new Promise((resolve) => { setTimeout(resolve, Math.min(left, behind * 2)); });
  }

  // --- a finished race ---

  part() {
    const { scenes, givens, length } = this.race;
    return { fault: givens.fault_at_ms, allOpen: Math.max(...scenes.map((scene) => allOpenAt(scene, length))), length };
  }

  async replayKept(time) {
    const runs = await Promise.all(variants.map((variant) => fetchRun(`the-race-${variant}`)));
    const { givens } = this.race;
    const isThis = (run) => run?.settings?.instances === givens.instances && run.settings.rate === givens.rate &&
      run.settings.failure_threshold === givens.failure_threshold && run.settings.recovery_timeout_ms === givens.recovery_timeout_ms;
    if (runs.every(isThis)) this.showFinished(runs, givens, 'real programs');
    else this.showFinished(this.simulated.runs, givens, 'simulated instances');
    this.playback.setTime(Math.min(this.race.length, Math.max(0, time)));
  }

  showFinished(runs, givens, world) {
    this.showRace(runs, givens);
    this.world = world; // only a real race has run files
    this.results = runs.map((run, i) => resultOf(run, this.guess?.[i] ?? null));
    this.playback.load(this.race, this.part());
    this.setPhase('replay');
    setText(byId('world'), `A replay of a race with ${world}.`);
    this.showVerdict();
  }

  showVerdict() {
    const scale = scaleFor(this.results.flatMap(({ guess, high, measured }) => [guess ?? 0, high, measured]));
    const words = verdictWords(this.results);
    words[1] += inFlightText(this.results[1]);
    byId('verdict-words').replaceChildren(...words.map((text) => Object.assign(document.createElement('p'), { textContent: text })));
    this.cards.forEach((card, i) => {
      const holder = card.querySelector('.verdict-line');
      holder.replaceChildren(numberLine(this.results[i], scale, Math.max(200, holder.clientWidth)));
    });
    announce(words.join(' '));
  }

  // --- one moment ---

  showMoment(time) {
    if (!this.race) return;
    const { scenes, givens } = this.race;
    const isDead = time >= givens.fault_at_ms;
    scenes.forEach((scene, i) => {
      const moment = sceneAt(scene, time);
      this.pictures[i].show(moment, isDead, this.playback.isStill || time >= this.race.length ? [] : dotsAt(scene, time));
      this.showFigures(this.cards[i], moment, isDead);
    });
    if (document.body.dataset.phase !== 'ready') setText(byId('sentence'), sentenceAt(this.race, time));
  }

  showFigures(card, moment, isDead) {
    const figure = (name) => card.querySelector(`[data-figure="${name}"]`);
    setText(figure('hits'), String(moment.hitCount));
    setText(figure('switches'), switchesText(moment, isDead));
    setText(figure('answered'), String(moment.answered));
    setText(figure('blocked'), String(moment.blocked));
    setAttribute(card, 'data-hit', moment.hitCount > 0);
  }

  keepTime(time) {
    showRoute('race', '', { ...this.givens.toQuery(), t: Math.round(time) });
  }
}

new Race();
