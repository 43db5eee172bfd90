// The replay of a finished run: lanes and chart are drawn up to a cursor. A slider moves it, or time at a chosen speed, or
// buttons and keys that go from one state change to the next. What is shown at the cursor is one moment of the run (moment.js),
// so figures, marks and causes agree, and at its end they equal the run's measures.
import { momentAt, passedBy, prepare, shownAt } from './moment.js';
import { designName } from '../shared/measures.js';
import { allOf, announce, at, byId, duration, make, number, setAttribute, setText, time, transitionText } from '../shared/text.js';
import { trafficOf } from '../shared/traffic_steps.js';

const speeds = ['0.1', '0.5', '1', '2', '5', '10', '20'];

export class Replay {
  // lanes: where it draws; changed(): called when it begins or ends.
  constructor(lanes, changed) {
    this.lanes = lanes;
    this.changed = changed;
    this.run = null;
    this.playing = false;
    this.slider = byId('replay-slider');
    this.play = byId('replay-play');
    this.next = byId('replay-next');
    this.previous = byId('replay-previous');
    this.speed = byId('replay-speed');
    this.live = byId('replay-live');
    this.histories = new Map();
    this.transitions = [];
    this.speed.replaceChildren(...speeds.map((speed) => make('option', { value: speed, text: `${speed}x` })));
    this.speed.value = '1';
    this.slider.addEventListener('input', () => this.pauseAt(Number(this.slider.value)));
    this.play.addEventListener('click', () => this.togglePlay());
    this.next.addEventListener('click', () => this.step(1));
    this.previous.addEventListener('click', () => this.step(-1));
    this.live.addEventListener('click', () => this.close());
    for (const id of ['replay', 'stage']) byId(id).addEventListener('keydown', (event) => this.key(event)); // letters are keys only here
    this.frame = (now) => this.advance(now);
  }

  open(run) {
    this.run = run;
    this.traffic = trafficOf(run);
    ({ histories: this.histories, transitions: this.transitions } = prepare(run));
    this.end = Math.max(run.length_ms, ...this.transitions.slice(-1).map(at)); // the last may follow the load's end
    this.lanes.reset();
    this.slider.max = this.end;
    setText(byId('replay-title'), `${run.name}, ${designName(run.variant)}`);
    setText(byId('replay-question'), run.question);
    this.changed();
    this.pauseAt(this.end);
  }

  close() {
    this.playing = false;
    this.run = null;
    this.lanes.reset();
    this.changed();
  }

  key(event) {
    if (!this.run || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input:not([type=range]), select, textarea')) return;
    const action = { ',': () => this.step(-1), '.': () => this.step(1), p: () => this.togglePlay() }[event.key];
    if (!action) return;
    event.preventDefault();
    if (event.key !== 'p' || !event.repeat) action();
  }

  // By transition, not by time: several may share a moment. The last of the `passed` transitions is described.
  step(direction) {
    const { transitions } = this;
    const last = transitions[this.passed - 1];
    const isLater = last && shownAt(last) < this.cursor;
    const passed = direction < 0 && isLater ? this.passed : this.passed + direction;
    if (passed > transitions.length) this.pauseAt(this.end);
    else if (passed < 1) this.pauseAt(0, 0);
    else this.pauseAt(shownAt(transitions[passed - 1]), passed);
    announce(byId('replay-words').textContent);
  }

  togglePlay() {
    if (this.playing) return this.pauseAt(this.cursor);
    if (this.cursor >= this.end) this.cursor = 0;
    this.playing = true;
    this.playedAt = performance.now();
    this.showPlaying();
    return requestAnimationFrame(this.frame);
  }

  // Thirty drawings per second are enough.
  advance(now) {
    if (!this.playing) return;
    const passed = Math.min(now - this.playedAt, 500); // more means that the page was hidden
    if (passed >= 30) {
      this.playedAt = now;
      this.cursor = Math.min(this.end, this.cursor + passed * Number(this.speed.value));
      this.passed = passedBy(this.run, this.cursor);
      if (this.cursor >= this.end) this.playing = false;
      this.draw();
      this.showPlaying();
    }
    if (this.playing) requestAnimationFrame(this.frame);
  }

  pauseAt(cursor, passed = passedBy(this.run, cursor)) {
    this.playing = false;
    this.cursor = cursor;
    this.passed = passed;
    this.showPlaying();
    this.draw();
  }

  showPlaying() {
    setText(this.play, this.playing ? 'Pause' : 'Play');
  }

  // All of it is of one moment.
  draw() {
    const { run, cursor } = this;
    const moment = momentAt(run, cursor, this.passed);
    this.lanes.show(this.histories, this.traffic, 0, this.end, cursor);
    for (const [name, { state, store, since }] of moment.states) {
      this.lanes.setState(name, state, store === 'local' ? 'local breaker' : `for ${duration(Math.max(0, cursor - since))}`);
    }
    this.slider.value = cursor;
    setAttribute(this.slider, 'aria-valuetext', time(cursor));
    setText(byId('replay-time'), `${time(cursor)} of ${time(this.end)}`);
    setText(byId('replay-words'), this.words(moment));
    for (const node of allOf('[data-replay-count]')) {
      setText(node, number(moment.counts[node.dataset.replayCount]));
    }
    const isStepped = moment.counts.counted_to < Math.min(cursor, run.length_ms);
    for (const node of allOf('.stepped-to')) setText(node, isStepped ? ` up to ${time(moment.counts.counted_to)}` : '');
    this.showJudgement(moment);
    setText(byId('replay-agreement'), moment.agreement.text);
    setAttribute(byId('replay-agreement'), 'data-agree', moment.agreement.agree);
  }

  showJudgement({ judgement }) {
    setText(byId('replay-judgement'), judgement?.text ?? '');
    setAttribute(byId('replay-judgement'), 'data-tone', judgement?.tone ?? 'neutral');
  }

  words({ last }) {
    if (!last) return this.transitions.length > 0 ? 'Nothing has changed yet.' : 'Nothing changes in this run.';
    const since = this.cursor - shownAt(last);
    const when = since < 0.5 ? `At ${time(shownAt(last))}${this.numberOf(last)}` : `Last change, ${duration(since)} earlier`;
    return `${when}: ${last.instance}, ${transitionText(last)}`;
  }

  // Its number among the transitions of its moment.
  numberOf(transition) {
    const together = this.transitions.filter((other) => shownAt(other) === shownAt(transition));
    return together.length > 1 ? ` (${together.indexOf(transition) + 1} of ${together.length})` : '';
  }
}
