// The replay of a finished run: lanes and chart are drawn up to a cursor. A slider moves it, or time at a chosen speed, or
// buttons and keys that go from one state change to the next. The counts up to the cursor are summed up from the run
// itself, so at its end they equal the run's measures.
import { historiesOf, stateAt } from '../shared/fleet_history.js';
import { designName } from '../shared/measures.js';
import { announce, at, byId, duration, make, number, setAttribute, setText, stateName, states, time, transitionText } from '../shared/text.js';
import { trafficOf } from '../shared/traffic_steps.js';

const speeds = ['0.1', '0.5', '1', '2', '5', '10', '20'];
// On the slider, which begins with the load; an override may have been set shortly before.
const moment = (transition) => Math.max(0, at(transition));

// Counts up to a moment. Traffic is known in whole steps only: before the run's end it is counted up to `stepped_to`, the
// end of the last step that is over by then.
export const countsAt = (run, time) => {
  const { step_ms: step, ...kinds } = run.traffic;
  const steps = time >= run.length_ms ? Infinity : Math.max(0, Math.floor(time / step));
  const sum = (numbers) => numbers.slice(0, steps).reduce((total, each) => total + each, 0);
  const marks = run.marks.filter((mark) => at(mark) <= time);
  return {
    upstream_calls: sum(kinds.upstream_calls),
    upstream_failures: sum(kinds.upstream_failures),
    blocked: sum(kinds.blocked),
    stepped_to: Math.min(run.length_ms, steps * step),
    transitions: run.transitions.filter((transition) => at(transition) <= time).length,
    probes: marks.filter((mark) => mark.probe).length,
    late: marks.filter((mark) => mark.late).length,
    wasted: marks.filter((mark) => mark.wasted).length,
  };
};

export const agreementAt = (histories, time) => {
  const counts = {};
  for (const history of histories.values()) {
    const { state } = stateAt(history, time);
    counts[state] = (counts[state] || 0) + 1;
  }
  const present = states.filter((state) => counts[state]);
  return { text: present.map((state) => `${counts[state]} ${stateName(state)}`).join(', '),
    agree: present.filter((state) => state !== 'unknown').length < 2 };
};

export class Replay {
  // lanes: where it draws; changed(): called when it begins or ends.
  constructor(lanes, changed) {
    this.lanes = lanes;
    this.changed = changed;
    this.run = null;
    this.playing = false;
    for (const id of ['slider', 'play', 'next', 'previous', 'speed', 'live']) this[id] = byId(`replay-${id}`);
    this.speed.replaceChildren(...speeds.map((speed) => make('option', { value: speed, text: `${speed}x` })));
    this.speed.value = '1';
    this.slider.addEventListener('input', () => this.pauseAt(Number(this.slider.value)));
    this.play.addEventListener('click', () => this.togglePlay());
    this.next.addEventListener('click', () => this.step(1));
    this.previous.addEventListener('click', () => this.step(-1));
    this.live.addEventListener('click', () => this.close());
    byId('stage').addEventListener('keydown', (event) => this.key(event)); // letters are keys only here
    this.frame = (now) => this.advance(now);
  }

  open(run) {
    this.run = run;
    this.run.transitions.sort((a, b) => at(a) - at(b));
    this.traffic = trafficOf(run);
    this.histories = historiesOf(run);
    this.end = Math.max(run.length_ms, ...run.transitions.slice(-1).map(at)); // the last may follow the load's end
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
    const { transitions } = this.run;
    const last = transitions[this.passed - 1];
    const isLater = last && moment(last) < this.cursor;
    const passed = direction < 0 && isLater ? this.passed : this.passed + direction;
    if (passed > transitions.length) this.pauseAt(this.end);
    else if (passed < 1) this.pauseAt(0, 0);
    else this.pauseAt(moment(transitions[passed - 1]), passed);
    announce(byId('replay-words').textContent);
  }

  passedAt(time) {
    return this.run.transitions.filter((transition) => moment(transition) <= time).length;
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
      this.passed = this.passedAt(this.cursor);
      if (this.cursor >= this.end) this.playing = false;
      this.draw();
      this.showPlaying();
    }
    if (this.playing) requestAnimationFrame(this.frame);
  }

  pauseAt(time, passed = this.passedAt(time)) {
    this.playing = false;
    this.cursor = time;
    this.passed = passed;
    this.showPlaying();
    this.draw();
  }

  showPlaying() {
    setText(this.play, this.playing ? 'Pause' : 'Play');
  }

  draw() {
    const { run, cursor, histories } = this;
    this.lanes.show(histories, this.traffic, 0, this.end, cursor);
    for (const [name, history] of histories) {
      const state = stateAt(history, cursor);
      this.lanes.setState(name, state.state, state.store === 'local' ? 'local breaker' : `for ${duration(Math.max(0, cursor - state.since))}`);
    }
    this.slider.value = cursor;
    setAttribute(this.slider, 'aria-valuetext', time(cursor));
    setText(byId('replay-time'), `${time(cursor)} of ${time(this.end)}`);
    this.showWords();
    const counts = countsAt(run, cursor);
    for (const node of document.querySelectorAll('[data-replay-count]')) {
      setText(node, number(counts[node.dataset.replayCount]));
    }
    for (const node of document.querySelectorAll('.stepped-to')) setText(node, ` up to ${time(counts.stepped_to)}`);
    const { text, agree } = agreementAt(histories, cursor);
    setText(byId('replay-agreement'), text);
    setAttribute(byId('replay-agreement'), 'data-agree', agree);
  }

  showWords() {
    const { run, cursor, passed } = this;
    const words = byId('replay-words');
    if (passed === 0) return setText(words, run.transitions.length > 0 ? 'Nothing has changed yet.' : 'Nothing changes in this run.');
    const last = run.transitions[passed - 1];
    const since = cursor - moment(last);
    const when = since < 0.5 ? `At ${time(moment(last))}${this.numberOf(last)}` : `Last change, ${duration(since)} earlier`;
    return setText(words, `${when}: ${last.instance}, ${transitionText(last)}`);
  }

  // Its number among the transitions of its moment.
  numberOf(transition) {
    const together = this.run.transitions.filter((other) => moment(other) === moment(transition));
    return together.length > 1 ? ` (${together.indexOf(transition) + 1} of ${together.length})` : '';
  }
}
