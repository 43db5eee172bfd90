// The race: guess, watch it live, then see it again slowly. This is what comes before: the address, the givens, and the
// simulated race that shows what is to come. The real one is in real_race.js, the picture of either in race_view.js.

import { byId, showAnswer } from '../shared/text.js';
import { ask, fetchRun, queryOf, request } from '../shared/api.js';
import { parseRoute, showRoute } from '../shared/route.js';
import { Givens, sameGivens } from './givens.js';
import { Guess } from './guess.js';
import { RaceView } from './race_view.js';
import { RealRace } from './real_race.js';

const variants = ['distributed', 'redis'];

const isRunOf = (givens) => (run) => sameGivens(run?.settings, givens);

class Race {
  constructor() {
    this.givens = new Givens(() => this.preview());
    this.guess = new Guess((guess) => this.start(guess));
    this.view = new RaceView(this.givens, this.guess, (time) => showRoute('race', '', { ...this.givens.toQuery(), t: Math.round(time) }));
    this.real = new RealRace(this.view, () => this.makeReady());
    byId('again').addEventListener('click', () => this.makeReady());
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

  // The picture before the race: where everybody stands. False if the givens are refused.
  async preview() {
    this.makeReady();
    const answer = await ask(`/simulate?${queryOf(this.givens.toRequest())}`);
    showAnswer(byId('race-answer'), answer);
    this.guess.setDisabled(Boolean(answer.error));
    if (answer.error) return false;
    this.givens.keep();
    this.simulated = answer;
    this.view.showRace(answer.runs, answer.givens);
    this.view.showBeforehand();
    return true;
  }

  makeReady() {
    this.real.forget();
    showAnswer(byId('race-answer'), {});
    this.view.makeReady();
  }

  async start(guess) {
    this.guess.setDisabled(true);
    const givens = this.givens.toRequest();
    const answer = await request('/control/race', givens);
    this.guess.setDisabled(false);
    if (answer.error) return showAnswer(byId('race-answer'), answer);
    this.guess.keep(guess, givens);
    return this.follow(answer.number, this.view.race.givens);
  }

  follow(number, givens) {
    this.givens.show(givens);
    return this.real.follow(number);
  }

  // The last real race if it had these givens, or else the simulated one.
  async replayKept(time) {
    const runs = await Promise.all(variants.map((variant) => fetchRun(`the-race-${variant}`)));
    const { givens } = this.simulated;
    if (runs.every(isRunOf(givens))) this.view.showFinished(runs, givens, 'real programs');
    else this.view.showFinished(this.simulated.runs, givens, 'simulated instances');
    this.view.moveTo(time);
  }
}

new Race();
