// The page as a whole: it applies the live frames to the fleet's history and lets each part show its share. It draws lanes
// at once when a state changed (at most five times a second), twice a second when only marks came, and otherwise moves
// them once a second; it does not draw while the page is hidden or shows a replay.
import { Controls } from './controls.js';
import { showAgreement, showCounters, showStores, stateDetail } from './figures.js';
import { Replay } from './replay.js';
import { fetchJson, request } from '../shared/api.js';
import { SinceFaultView } from './since_fault.js';
import { stream } from './stream.js';
import { WhatIf } from './what_if.js';
import { FleetMap } from '../map/map.js';
import { FleetHistory } from '../shared/fleet_history.js';
import { Lanes } from '../shared/lanes.js';
import { definePatterns, legend } from '../shared/marks.js';
import { followAddress } from '../shared/open_run.js';
import { showRoute } from '../shared/route.js';
import { byId, make, restore, setAttribute, setText, showAnswer, store } from '../shared/text.js';
import { Traffic } from '../shared/traffic.js';

const pauses = { fleet: 0, state: 200, mark: 500, '': 1000 }; // ms since the last drawing, by what changed
const countsPause = 600; // ms
const windowStoredAs = 'lab-window';

class ControlRoom {
  constructor() {
    definePatterns();
    byId('legend').append(legend());
    byId('legend').open = matchMedia('(min-width: 700px)').matches;
    this.history = new FleetHistory();
    this.lanes = new Lanes(byId('lanes'), new Traffic());
    this.controls = new Controls();
    this.replay = new Replay(this.lanes, () => this.changeMode());
    this.map = new FleetMap(byId('map'), (kind, name) => this.controls.choose(kind, name));
    this.sinceFault = new SinceFaultView();
    this.whatIf = new WhatIf();
    this.connected = false;
    this.runRequests = 0;
    this.drawnAt = -Infinity;
    this.listenToRuns();
    this.listenToWindow();
    document.addEventListener('visibilitychange', () => this.draw());
    setInterval(() => this.drawIfDue(''), 250);
    stream((frame) => this.applyFrame(frame), (connected, why) => this.connection(connected, why));
    followAddress((name, time) => this.replayRun(name, time));
  }

  applyFrame(frame) {
    this.frame = frame;
    const change = this.history.apply(frame);
    if (!this.connected) this.connection(true);
    if (change === 'fleet' && !this.replay.run) this.lanes.reset();
    if (change !== '') this.drawIfDue(change);
    this.sinceFault.apply(frame);
    if (!document.hidden) this.showFigures();
  }

  connection(connected, why = 'connection lost, reconnecting') {
    if (connected && !this.connected) this.fetchLists();
    this.connected = connected;
    const indicator = byId('connection');
    setAttribute(indicator, 'data-connected', connected);
    setText(indicator, connected ? 'connected' : why);
    document.body.classList.toggle('lost', !connected);
    if (this.frame) this.showControls();
  }

  showFigures() {
    const { frame } = this;
    this.showTitle();
    const breakers = [...new Set(frame.instances.map(({ breaker }) => breaker).filter(Boolean))];
    setText(byId('breaker'), breakers.join(', '));
    showAgreement(frame);
    this.map.show(frame);
    this.showWindow();
    this.showControls();
    this.showCountsIfDue(frame);
  }

  // Each change of a figure costs the browser a layout, and four changes a second cannot be read. So counts change with a
  // drawing, or without one if a state changed or there has been none for a while.
  showCountsIfDue({ load, instances }) {
    const states = JSON.stringify([load.rate, ...instances.map(({ answers, state, store }) => [answers, state, store])]);
    if (states === this.countedStates && performance.now() - this.countedAt < countsPause) return;
    this.countedStates = states;
    this.showCounts();
  }

  showCounts() {
    this.countedAt = performance.now();
    showCounters(this.frame);
    showStores(this.frame);
    this.sinceFault.show();
    this.controls.showSent(this.frame.load);
    this.showStates();
  }

  showTitle() {
    setText(byId('title'), this.replay.run ? 'replay' : this.frame?.title ?? 'live');
  }

  showControls() {
    this.controls.show(this.frame, this.connected);
  }

  // Draws if the last drawing is long enough ago for this kind of change, else later.
  drawIfDue(change) {
    this.pending = this.pending && pauses[this.pending] < pauses[change] ? this.pending : change;
    const due = this.drawnAt + pauses[this.pending] - performance.now();
    if (due <= 0) return this.draw();
    clearTimeout(this.timer);
    if (due < 200) this.timer = setTimeout(() => this.draw(), due);
    return undefined;
  }

  draw() {
    if (document.hidden || !this.frame || this.replay.run) return;
    clearTimeout(this.timer);
    this.drawnAt = performance.now();
    this.pending = '';
    const { start, end, until } = this.window();
    this.history.traffic.until = this.history.latest;
    this.lanes.show(this.history.histories, this.history.traffic, start, end, until);
    this.showCounts();
  }

  // A shared breaker's transition is in all lanes at once, but each instance reports its state itself, maybe later, when
  // there is nothing new to draw.
  showStates() {
    if (this.replay.run) return;
    for (const instance of this.frame.instances) {
      this.lanes.setState(instance.name, instance.answers ? instance.state : 'unknown', stateDetail(instance));
    }
  }

  get showsScenario() {
    return this.frame.scenario !== null && this.frame.title !== 'live';
  }

  // A scenario is shown in full, the live view with its last minutes.
  window() {
    const now = this.history.now();
    const { scenario, window_ms: longest } = this.frame;
    const length = Math.min(Number(this.shownWindow.value), longest);
    const start = Math.max(0, now - length);
    if (!this.showsScenario) return { start, end: start + length, until: now };
    return { start: 0, end: Math.max(now, scenario.duration_ms), until: now };
  }

  changeMode() {
    const focused = document.activeElement;
    document.body.dataset.mode = this.replay.run ? 'replay' : 'live';
    if (!this.replay.run) showRoute('lab', '', {}); // no longer the run's
    if (!focused.checkVisibility()) byId('stage').focus({ preventScroll: true });
    this.showTitle();
    this.draw();
  }

  async replayRun(name, time = NaN) {
    const run = await fetchJson(`/runs/${encodeURIComponent(name)}`);
    showAnswer(byId('runs-answer'), run ? {} : { error: `the run ${name} cannot be read` });
    if (!run) return;
    showRoute('run', name, time >= 0 ? { t: time } : {});
    this.showReplay(run);
    if (time >= 0) this.replay.pauseAt(Math.min(time, this.replay.end));
  }

  showReplay(run) {
    this.replay.open(run);
    scrollTo({ top: 0 });
    byId('replay').focus({ preventScroll: true });
  }

  showWindow() {
    this.shownWindow.disabled = this.showsScenario;
    setText(byId('window-why'), this.showsScenario ? 'A scenario is shown in full.' : '');
  }

  listenToWindow() {
    this.shownWindow = byId('window');
    const lengths = [...this.shownWindow.options].map(({ value }) => value);
    this.shownWindow.value = restore(windowStoredAs, (stored) => lengths.includes(stored), lengths.at(-1));
    this.shownWindow.addEventListener('change', () => {
      store(windowStoredAs, this.shownWindow.value);
      this.draw();
    });
  }

  listenToRuns() {
    byId('runs-form').addEventListener('submit', (event) => {
      event.preventDefault();
      if (byId('runs').value) this.replayRun(byId('runs').value);
    });
    this.fetchRuns();
  }

  // Reads the list of runs, if it could not be read yet.
  fetchLists() {
    if (byId('replay-run').disabled) this.fetchRuns();
  }

  // If answers overtake each other, only that to the last request counts.
  async fetchRuns() {
    const request = ++this.runRequests;
    const runs = await fetchJson('/runs');
    if (request !== this.runRequests) return;
    byId('runs').replaceChildren(...(runs || []).map((name) => make('option', { value: name, text: name })));
    byId('replay-run').disabled = !(runs?.length > 0);
    const none = runs === null ? { error: 'the finished runs cannot be read' } : { done: 'There are no runs yet: play an experiment.' };
    showAnswer(byId('runs-answer'), runs?.length > 0 ? {} : none);
  }
}

// For the tests, and for the browser’s console.
Object.assign(window, { Lab: { controlRoom: new ControlRoom(), request } });
