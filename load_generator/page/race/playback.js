// The time of the picture: it passes by itself, live or in a replay, or is chosen with the scrubber, or in steps from one
// change to the next.

import { byId, setAttribute, setText, time } from '../shared/text.js';
import { atFullSpeed, clockFrom, interestingPart, slow, speedAt, speedText, timeOn } from './replay_clock.js';
import { changesOf } from './scene.js';

// While time passes, all but the dots is shown this often, for each change of it costs the browser a layout. A pause in
// slow motion is shorter than one at full speed, in the time of the race.
const pause = 100; // ms
const slowPause = 200; // ms
const controlsPause = 400; // ms
const longestWait = 1000; // ms, for the end of the live picture

const stillness = matchMedia('(prefers-reduced-motion: reduce)');

export class Playback {
  // show(time) shows a moment; fly(clock) lets dots fly by a clock, or none by null; rested(time) is called when a person
  // has chosen a moment, or the replay has ended.
  constructor({ show, fly, rested }) {
    this.show = show;
    this.fly = fly;
    this.rested = rested;
    this.time = 0;
    this.length = 0;
    this.part = atFullSpeed;
    this.changes = [];
    this.isPlaying = false;
    this.controlsAt = 0;
    byId('play').addEventListener('click', () => this.toggle());
    byId('previous').addEventListener('click', () => this.step(-1));
    byId('next').addEventListener('click', () => this.step(1));
    byId('scrubber').addEventListener('input', (event) => this.choose(Number(event.target.value)));
    addEventListener('keydown', (event) => this.key(event));
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

  // Nothing flies where people do not want motion; switches, squares and figures change all the same.
  setClock(moment, part) {
    this.clock = clockFrom(moment, part, this.length);
    this.fly(stillness.matches ? null : this.clock);
    this.tick();
  }

  // Time stands still there.
  setTime(moment) {
    this.stopTicks();
    this.setClock(moment, null);
  }

  // Lets time pass from a moment on, slowly in a part.
  run(moment, part) {
    this.stopTicks();
    this.setClock(moment, part);
    if (this.clock.part !== null) this.tickLater();
  }

  tickLater() {
    this.ticks = setTimeout(() => {
      this.tickLater();
      this.tick();
    }, speedAt(this.clock.part, this.time) === slow ? slowPause : pause);
  }

  stopTicks() {
    clearTimeout(this.ticks);
    this.ticks = 0;
  }

  tick() {
    this.time = timeOn(this.clock);
    this.show(this.time);
    const isStill = this.clock.part === null;
    if (isStill || performance.now() - this.controlsAt >= controlsPause) this.showControls();
    if (this.isPlaying && this.time >= this.length) this.rest();
  }

  showControls() {
    this.controlsAt = performance.now();
    const isReplay = !byId('scrubber').disabled;
    byId('scrubber').value = this.time;
    const speed = this.isPlaying ? `, ${speedText(speedAt(this.part, this.time))}` : '';
    const words = `${time(this.time)} of ${time(this.length)}`;
    setText(byId('moment'), isReplay ? `${words}${speed}` : time(this.time));
    setAttribute(byId('scrubber'), 'aria-valuetext', words);
  }

  // A race that is running has come to this moment; it may be less than 0.
  follow(moment) {
    this.run(moment, atFullSpeed);
  }

  // Resolves when the race that it follows has been shown to its end.
  reachEnd() {
    return new Promise((resolve) => { setTimeout(resolve, Math.min(longestWait, this.ticks ? this.length - this.time : 0)); });
  }

  // From just before the fault.
  playFromStart() {
    this.time = this.part.from;
    this.play();
  }

  play() {
    this.isPlaying = true;
    setText(byId('play'), 'Pause');
    this.run(this.time >= this.length ? this.part.from : this.time, this.part);
  }

  pause() {
    this.isPlaying = false;
    this.stopTicks();
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
