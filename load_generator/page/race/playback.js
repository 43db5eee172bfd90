// The replay's controls: play, the scrubber, and steps from one change to the next.

import { byId, setAttribute, setText, time } from '../shared/text.js';
import { advance, interestingPart, speedAt, speedText } from './replay_clock.js';
import { changesOf } from './scene.js';

const stillness = matchMedia('(prefers-reduced-motion: reduce)');

export class Playback {
  // show(time) draws a moment; rested(time) is called when a person has chosen one, or the replay has ended.
  constructor(show, rested) {
    this.show = show;
    this.rested = rested;
    this.time = 0;
    this.length = 0;
    this.part = { from: 0, to: 0 };
    this.changes = [];
    this.frame = 0;
    byId('play').addEventListener('click', () => this.toggle());
    byId('previous').addEventListener('click', () => this.step(-1));
    byId('next').addEventListener('click', () => this.step(1));
    byId('scrubber').addEventListener('input', (event) => this.choose(Number(event.target.value)));
    addEventListener('keydown', (event) => this.key(event));
  }

  // Nothing flies where people do not want motion; switches, squares and figures change all the same.
  get isStill() {
    return stillness.matches;
  }

  get isPlaying() {
    return this.frame !== 0;
  }

  setLength(length) {
    this.length = length;
    setAttribute(byId('scrubber'), 'max', length);
  }

  load(race, { fault, allOpen, length }) {
    this.setLength(length);
    this.part = interestingPart(fault, allOpen, length);
    this.changes = changesOf(race.scenes, fault);
  }

  setEnabled(isEnabled) {
    for (const id of ['play', 'previous', 'next', 'scrubber']) byId(id).disabled = !isEnabled;
    if (!isEnabled) this.pause();
  }

  setTime(moment) {
    this.time = moment;
    this.show(moment);
    const isReplay = !byId('scrubber').disabled;
    byId('scrubber').value = moment;
    const speed = this.isPlaying ? `, ${speedText(speedAt(this.part, moment))}` : '';
    const words = `${time(moment)} of ${time(this.length)}`;
    setText(byId('moment'), isReplay ? `${words}${speed}` : time(moment));
    setAttribute(byId('scrubber'), 'aria-valuetext', words);
  }

  // From just before the fault.
  playFromStart() {
    this.setTime(this.part.from);
    this.play();
  }

  play() {
    cancelAnimationFrame(this.frame);
    if (this.time >= this.length) this.time = this.part.from;
    let last = performance.now();
    const draw = (now) => {
      this.frame = requestAnimationFrame(draw);
      this.setTime(advance(this.part, this.time, Math.max(0, now - last), this.length));
      last = now;
      if (this.time >= this.length) this.rest();
    };
    this.frame = requestAnimationFrame(draw);
    setText(byId('play'), 'Pause');
  }

  pause() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    setText(byId('play'), 'Play');
  }

  rest() {
    this.pause();
    this.setTime(this.time);
    this.rested(this.time);
  }

  toggle() {
    if (this.isPlaying) this.rest();
    else this.play();
  }

  choose(moment) {
    this.pause();
    this.setTime(Math.min(this.length, Math.max(0, moment)));
    this.rested(this.time);
  }

  step(direction) {
    const next = direction > 0 ? this.changes.find((at) => at > this.time) : this.changes.findLast((at) => at < this.time);
    if (next !== undefined) this.choose(next);
  }

  key(event) {
    if (byId('play').disabled || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input[type="number"]')) return;
    if (event.key === 'p') this.toggle();
    if (event.key === ',') this.step(-1);
    if (event.key === '.') this.step(1);
  }
}
