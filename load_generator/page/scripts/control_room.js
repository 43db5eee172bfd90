// The room itself: takes the live frames, keeps the story, and has every part show its own. Lanes are drawn at once
// when a state changed (five times a second at most), twice a second where only marks came, else moved once a second;
// not at all while the page is hidden or shows a replay.
'use strict';

{
  const pauses = { fleet: 0, state: 200, mark: 500, '': 1000 }; // ms since the drawing before
  const countsPause = 600; // ms
  const keptWindow = 'lab-window';

  class ControlRoom {
    constructor() {
      Lab.definePatterns();
      Lab.byId('legend').append(Lab.legend());
      Lab.byId('legend').open = matchMedia('(min-width: 700px)').matches;
      this.history = new Lab.FleetHistory();
      this.lanes = new Lab.Lanes(Lab.byId('lanes'), new Lab.Traffic());
      this.controls = new Lab.Controls();
      this.replay = new Lab.Replay(this.lanes, () => this.changeMode());
      this.results = new Lab.Results((result) => this.replayResult(result));
      this.predict = new Lab.Predict((run, document, asked) => this.finished(run, document, asked));
      this.connected = false;
      this.runsAsked = 0;
      this.drawnAt = -Infinity;
      this.listenToRuns();
      this.listenToWindow();
      document.addEventListener('visibilitychange', () => this.draw());
      setInterval(() => this.drawIfDue(''), 250);
      Lab.listen((frame) => this.take(frame), (connected, why) => this.connection(connected, why));
    }

    take(frame) {
      this.frame = frame;
      const news = this.history.take(frame);
      if (!this.connected) this.connection(true);
      if (news === 'fleet' && !this.replay.run) this.lanes.renew();
      if (news !== '') this.drawIfDue(news);
      if (document.hidden) this.predict.show(frame, this.connected); // an end is seen in a hidden page too
      else this.showFigures();
    }

    connection(connected, why = 'connection lost, trying again') {
      if (connected && !this.connected) this.fetchLists();
      this.connected = connected;
      const sign = Lab.byId('connection');
      Lab.setAttribute(sign, 'data-connected', connected);
      Lab.setText(sign, connected ? 'connected' : why);
      document.body.classList.toggle('lost', !connected);
      if (this.frame) this.showControls();
    }

    showFigures() {
      const { frame } = this;
      this.showTitle();
      const breakers = [...new Set(frame.instances.map(({ breaker }) => breaker).filter(Boolean))];
      Lab.setText(Lab.byId('breaker'), breakers.join(', '));
      Lab.showAgreement(frame);
      this.showControls();
      this.showCountsIfDue(frame);
    }

    // What is another figure in each frame costs the browser a new layout each time, and nobody reads four of them a
    // second: so they come with the drawings, and without one where a state changed, or there was none for a while.
    showCountsIfDue({ load, instances }) {
      const states = JSON.stringify([load.rate, ...instances.map(({ answers, state, store }) => [answers, state, store])]);
      if (states === this.countedStates && performance.now() - this.countedAt < countsPause) return;
      this.countedStates = states;
      this.showCounts();
    }

    showCounts() {
      this.countedAt = performance.now();
      Lab.showCounters(this.frame);
      Lab.showStores(this.frame);
      this.controls.showSent(this.frame.load);
      this.tellLanes();
    }

    showTitle() {
      Lab.setText(Lab.byId('title'), this.replay.run ? 'replay' : this.frame?.title ?? 'live');
    }

    showControls() {
      this.controls.show(this.frame, this.connected);
      this.predict.show(this.frame, this.connected);
    }

    // Draws where the drawing before lies far enough back for this kind of news; else soon, for the clock asks again.
    drawIfDue(news) {
      this.pending = this.pending && pauses[this.pending] < pauses[news] ? this.pending : news;
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

    // A shared breaker's transition is in all lanes at once, but each instance says it for itself, and maybe later, when
    // there is nothing new to draw.
    tellLanes() {
      if (this.replay.run) return;
      for (const instance of this.frame.instances) {
        this.lanes.tell(instance.name, instance.answers ? instance.state : 'unknown', Lab.stateDetail(instance));
      }
    }

    // A scenario has the whole width; the live view its last minutes.
    window() {
      const now = this.history.now();
      const { scenario, title, window_ms: most } = this.frame;
      const long = Math.min(Number(this.shownWindow.value), most);
      const start = Math.max(0, now - long);
      if (scenario === null || title === 'live') return { start, end: start + long, until: now };
      return { start: 0, end: Math.max(now, scenario.duration_ms), until: now };
    }

    changeMode() {
      const focused = document.activeElement;
      document.body.dataset.mode = this.replay.run ? 'replay' : 'live';
      if (!focused.checkVisibility()) Lab.byId('stage').focus({ preventScroll: true });
      this.showTitle();
      this.draw();
    }

    async replayRun(name) {
      const run = await Lab.fetchJson(`/runs/${encodeURIComponent(name)}`);
      Lab.answer(Lab.byId('runs-answer'), run ? {} : { error: `the run ${name} cannot be read` });
      if (run) this.showReplay(run);
    }

    // A run's file has the place of the one before it.
    async replayResult({ run: name, sign }) {
      const run = await Lab.fetchRun(name);
      const isAnother = run !== null && Lab.signOf(run) !== sign;
      Lab.setText(Lab.byId('results-answer'), run === null ? `the run ${name} cannot be read` : isAnother ? 'this run was replaced by a later one' : '');
      if (run !== null && !isAnother) this.showReplay(run);
    }

    showReplay(run) {
      this.replay.open(run);
      Lab.byId('stage').scrollIntoView({ block: 'start' });
      Lab.byId('stage').focus({ preventScroll: true });
    }

    finished(run, document, asked) {
      this.results.add(Lab.resultOf(run, document, asked));
      this.replay.open(document);
      this.fetchRuns();
    }

    listenToWindow() {
      this.shownWindow = Lab.byId('window');
      const lengths = [...this.shownWindow.options].map(({ value }) => value);
      this.shownWindow.value = Lab.kept(keptWindow, (kept) => lengths.includes(kept), lengths.at(-1));
      this.shownWindow.addEventListener('change', () => {
        Lab.keep(keptWindow, this.shownWindow.value);
        this.draw();
      });
    }

    listenToRuns() {
      Lab.byId('runs-form').addEventListener('submit', (event) => {
        event.preventDefault();
        if (Lab.byId('runs').value) this.replayRun(Lab.byId('runs').value);
      });
      this.fetchRuns();
    }

    // Of scenarios and runs, where there was nobody yet who could tell of them.
    fetchLists() {
      this.predict.load();
      if (Lab.byId('replay-run').disabled) this.fetchRuns();
    }

    // Of answers that overtake one another only the one that was asked for last counts.
    async fetchRuns() {
      const asked = ++this.runsAsked;
      const runs = await Lab.fetchJson('/runs');
      if (asked !== this.runsAsked) return;
      Lab.byId('runs').replaceChildren(...(runs || []).map((name) => Lab.make('option', { value: name, text: name })));
      Lab.byId('replay-run').disabled = !(runs?.length > 0);
      const none = runs === null ? { error: 'the finished runs cannot be read' } : { done: 'There is none yet: start a scenario.' };
      Lab.answer(Lab.byId('runs-answer'), runs?.length > 0 ? {} : none);
    }
  }

  Lab.controlRoom = new ControlRoom();
}
