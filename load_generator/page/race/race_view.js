// The picture of one race, simulated or real, and what surrounds it in each phase: ready, starting, live, replay.

import { byId, setAttribute, setText } from '../shared/text.js';
import { flyBy } from './dots.js';
import { FleetCards } from './fleet_cards.js';
import { savePicture } from './picture_file.js';
import { Playback } from './playback.js';
import { allOpenAt, endOf, makeScene } from './scene.js';
import { resultOf, showVerdict } from './verdict.js';
import { listedWords, sentenceAt } from './words.js';

// The simulator lists neither calls nor instances of a run of thousands of calls.
const namesOf = (instances) => Array.from({ length: instances }, (_, i) => `Instance-${String.fromCharCode(65 + i)}`);

export class RaceView {
  // `rested(time)` is called when a person has chosen a moment, or the replay has ended.
  constructor(givens, guess, rested) {
    this.givens = givens;
    this.guess = guess;
    this.cards = new FleetCards();
    this.playback = new Playback({ show: (time) => this.showMoment(time), fly: flyBy, rested });
    byId('save-picture').addEventListener('click', () => savePicture(this.race, this.playback.time));
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

  makeReady() {
    this.playback.pause();
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
    this.race = { scenes, givens, length: Math.max(givens.length_ms, ...scenes.map(endOf)) };
    this.playback.setLength(this.race.length);
    this.cards.setRace(this.race);
  }

  // Of a race that is over: it can be replayed, and has a verdict.
  showFinished(runs, givens, world) {
    this.showRace(runs, givens);
    this.world = world; // only a real race has run files
    const { scenes, length } = this.race;
    const allOpen = Math.max(...scenes.map((scene) => allOpenAt(scene, length)));
    this.playback.load(this.race, { fault: givens.fault_at_ms, allOpen, length });
    this.setPhase('replay');
    setText(byId('world'), `A replay of a race with ${world}.${listedWords(runs[0])}`);
    const guess = this.guess.of(givens);
    showVerdict(runs.map((run, i) => resultOf(run, guess[i])), this.cards.verdictLines);
  }

  moveTo(time) {
    this.playback.setTime(Math.min(this.race.length, Math.max(0, time)));
  }

  showMoment(time) {
    if (!this.race) return;
    const hasChanged = this.cards.show(time, time >= this.race.givens.fault_at_ms);
    if (hasChanged && this.phase !== 'ready') setText(byId('sentence'), sentenceAt(this.race, time));
  }
}
