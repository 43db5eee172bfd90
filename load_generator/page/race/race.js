// The race: guess, watch it live, then see it again slowly. The page has one race at a time: real, as its programs report
// it, or a finished one; before the first, the simulated one shows what is to come.

import { byId, setAttribute, setText, showAnswer } from '../shared/text.js';
import { ask, fetchRun, queryOf, request } from '../shared/api.js';
import { parseRoute, showRoute } from '../shared/route.js';
import { flyBy } from './dots.js';
import { FleetCards } from './fleet_cards.js';
import { followRace } from './live_race.js';
import { Givens } from './givens.js';
import { Guess } from './guess.js';
import { Playback } from './playback.js';
import { savePicture } from './picture_file.js';
import { allOpenAt, makeScene } from './scene.js';
import { resultOf, showVerdict } from './verdict.js';
import { listedWords, sentenceAt } from './words.js';

const behind = 500; // ms that the live picture is behind, so that a call is known before its dot has to leave
const resultStands = 2500; // ms, before its replay
const variants = ['distributed', 'redis'];

// The simulator lists neither calls nor instances of a run of thousands of calls.
const namesOf = (instances) => Array.from({ length: instances }, (_, i) => `Instance-${String.fromCharCode(65 + i)}`);

const isRunOf = (givens) => (run) => ['instances', 'rate', 'failure_threshold', 'recovery_timeout_ms'].every((name) => run?.settings?.[name] === givens[name]);

class Race {
  constructor() {
    this.cards = new FleetCards();
    this.givens = new Givens(() => this.preview());
    this.guess = new Guess((guess) => this.start(guess));
    this.playback = new Playback({ show: (time) => this.showMoment(time), fly: flyBy, rested: (time) => this.keepTime(time) });
    byId('again').addEventListener('click', () => this.makeReady());
    byId('stop').addEventListener('click', () => this.stop());
    byId('save-picture').addEventListener('click', () => savePicture(this.race, this.playback.time));
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
    this.phase = phase;
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
    showAnswer(byId('race-answer'), answer);
    this.guess.setDisabled(Boolean(answer.error));
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
    showAnswer(byId('race-answer'), {});
    this.setPhase('ready');
    this.cards.clearVerdict();
    if (this.race) this.showBeforehand();
  }

  showBeforehand() {
    this.playback.setTime(0);
    setText(byId('sentence'), 'Each call goes through its instance’s switch to the upstream. Guess, then start.');
    setText(byId('world'), 'A race takes a few seconds, with real programs on this machine; then you can watch it slowly.');
  }

  showRace(runs, givens) {
    const scenes = runs.map((run) => makeScene({ transitions: [], instances: namesOf(givens.instances), ...run }, givens.failure_threshold));
    this.race = { scenes, givens, length: givens.length_ms };
    this.playback.setLength(givens.length_ms);
    this.cards.setRace(this.race);
  }

  async start(guess) {
    this.guess.setDisabled(true);
    const answer = await request('/control/race', this.givens.toRequest());
    this.guess.setDisabled(false);
    if (answer.error) return showAnswer(byId('race-answer'), answer);
    this.guess.keep(guess);
    return this.follow(answer.number, this.race.givens);
  }

  async stop() {
    const { error } = await request('/control/race/stop', {});
    if (error) showAnswer(byId('race-answer'), { error });
  }

  async follow(number, givens) {
    this.givens.show(givens);
    this.seen = null;
    showAnswer(byId('race-answer'), {});
    this.setPhase('starting');
    setText(byId('verdict-words'), 'Starting two fleets, an upstream for each, and a Redis.');
    try {
      await this.finish(await followRace(number, (runs, answer) => this.showNews(runs, answer)));
    } catch ({ message }) {
      this.makeReady();
      showAnswer(byId('race-answer'), { error: message });
    }
  }

  showNews(runs, { phase, givens, elapsed_ms: elapsed }) {
    if (runs === null || phase === 'failed') return;
    this.seen = runs;
    this.showRace(runs, givens);
    if (phase !== 'running') return;
    if (this.phase !== 'live') this.goLive();
    this.playback.follow(elapsed - behind);
  }

  goLive() {
    this.setPhase('live');
    setText(byId('world'), 'Live, with real programs; the picture is half a second behind.');
    setText(byId('verdict-words'), this.guess.text);
  }

  async finish({ runs: names, givens }) {
    const runs = await Promise.all(names.map(fetchRun));
    await this.playback.reachEnd();
    if (runs.includes(null)) throw new Error('The runs of the race cannot be read.');
    this.showFinished(runs.map((run, i) => ({ ...this.seen?.[i], ...run })), givens, 'real programs');
    this.playback.setTime(this.race.length);
    setText(byId('world'), 'That was the race with real programs. In a moment: the same again, ten times slower.');
    this.replaySoon = setTimeout(() => this.replaySlowly(), resultStands);
  }

  // Unless a person has moved in the race meanwhile.
  replaySlowly() {
    setText(byId('world'), 'A replay of a race with real programs.');
    if (this.phase === 'replay' && !this.playback.isPlaying && this.playback.time === this.race.length) this.playback.playFromStart();
  }

  async replayKept(time) {
    const runs = await Promise.all(variants.map((variant) => fetchRun(`the-race-${variant}`)));
    const { givens } = this.race;
    if (runs.every(isRunOf(givens))) this.showFinished(runs, givens, 'real programs');
    else this.showFinished(this.simulated.runs, givens, 'simulated instances');
    this.playback.setTime(Math.min(this.race.length, Math.max(0, time)));
  }

  showFinished(runs, givens, world) {
    this.showRace(runs, givens);
    this.world = world; // only a real race has run files
    const { scenes, length } = this.race;
    const allOpen = Math.max(...scenes.map((scene) => allOpenAt(scene, length)));
    this.playback.load(this.race, { fault: givens.fault_at_ms, allOpen, length });
    this.setPhase('replay');
    setText(byId('world'), `A replay of a race with ${world}.${listedWords(runs[0])}`);
    showVerdict(runs.map((run, i) => resultOf(run, this.guess.value[i])), this.cards.verdictLines);
  }

  // True if anything has changed.
  showMoment(time) {
    if (!this.race) return false;
    const hasChanged = this.cards.show(time, time >= this.race.givens.fault_at_ms);
    if (hasChanged && this.phase !== 'ready') setText(byId('sentence'), sentenceAt(this.race, time));
    return hasChanged;
  }

  keepTime(time) {
    showRoute('race', '', { ...this.givens.toQuery(), t: Math.round(time) });
  }
}

new Race();
