// A race with real programs on the page: from its start, or from where it is already, to its end and its slow replay.

import { byId, setText, showAnswer } from '../shared/text.js';
import { fetchRun, request } from '../shared/api.js';
import { followRace } from './live_race.js';

const behind = 500; // ms that the live picture is behind, so that a call is known before its dot has to leave
const resultStands = 2500; // ms, before its replay

export class RealRace {
  // `giveUp()` is called where the race does not come to its end; the reason is shown after it.
  constructor(view, giveUp) {
    this.view = view;
    this.giveUp = giveUp;
    byId('stop').addEventListener('click', () => this.stop());
  }

  async stop() {
    const { error } = await request('/control/race/stop', {});
    if (error) showAnswer(byId('race-answer'), { error });
  }

  // No replay begins by itself any more.
  forget() {
    clearTimeout(this.replaySoon);
  }

  async follow(number) {
    this.seen = null;
    showAnswer(byId('race-answer'), {});
    this.view.setPhase('starting');
    setText(byId('verdict-words'), 'Starting two fleets, an upstream for each, and a Redis.');
    try {
      await this.finish(await followRace(number, (runs, answer) => this.showNews(runs, answer)));
    } catch ({ message }) {
      this.giveUp();
      showAnswer(byId('race-answer'), { error: message });
    }
  }

  showNews(runs, { phase, givens, elapsed_ms: elapsed }) {
    if (runs === null || phase === 'failed') return;
    this.seen = runs;
    this.view.showRace(runs, givens);
    if (phase !== 'running') return;
    if (this.view.phase !== 'live') this.goLive();
    this.view.playback.follow(elapsed - behind);
  }

  goLive() {
    this.view.setPhase('live');
    setText(byId('world'), 'Live, with real programs; the picture is half a second behind.');
    setText(byId('verdict-words'), this.view.guess.text(this.view.race.givens));
  }

  async finish({ runs: names, givens }) {
    const runs = await Promise.all(names.map(fetchRun));
    await this.view.playback.reachEnd();
    if (runs.includes(null)) throw new Error('The runs of the race cannot be read.');
    this.view.showFinished(runs.map((run, i) => ({ ...this.seen?.[i], ...run })), givens, 'real programs');
    this.view.moveTo(this.view.race.length);
    setText(byId('world'), 'That was the race with real programs. In a moment: the same again, ten times slower.');
    this.replaySoon = setTimeout(() => this.replaySlowly(), resultStands);
  }

  // Unless a person has moved in the race meanwhile.
  replaySlowly() {
    setText(byId('world'), 'A replay of a race with real programs.');
    const { phase, playback, race } = this.view;
    if (phase === 'replay' && !playback.isPlaying && playback.time === race.length) playback.playFromStart();
  }
}
