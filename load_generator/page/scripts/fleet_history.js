// What has happened, by instance: { states, transitions, marks, version, end }, each list in order of time; a finished
// run has an end. A finished run is taken in at once; the live one frame by frame: what a frame brings replaces all that
// lies at or after its from_ms, what is older than the window is forgotten, and a new fleet begins a new story.
'use strict';

{
  const at = (event) => event.at_ms_since_start;
  const blank = () => ({ states: [], transitions: [], marks: [], version: 0 });
  const sameState = (a, b) => a.state === b.state && a.store === b.store;

  // The first index whose event is at `time` or later.
  Lab.firstAt = (events, time) => {
    let low = 0;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(events[middle]) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  // Likewise, of those after it.
  Lab.firstAfter = (events, time) => {
    let index = Lab.firstAt(events, time);
    while (index < events.length && at(events[index]) === time) index += 1;
    return index;
  };

  // The state in force at a time; before the first one nothing is known.
  Lab.stateAt = (history, time) => {
    const index = Lab.firstAfter(history.states, time) - 1;
    return index < 0 ? { since: 0, state: 'unknown' } : history.states[index];
  };

  // Appends a state, and since when it is in force: another store is no other state. One that is_cut was in force before
  // that already, in a time that is not known of.
  const append = (states, state) => {
    const before = states.at(-1);
    const goesOn = before?.state === state.state;
    states.push({ ...state, since: goesOn ? before.since : at(state), is_cut: goesOn ? before.is_cut : state.is_cut });
    return states;
  };

  // The first look at an instance comes a moment after the start: nothing having changed, that was its state before.
  const sinceStart = (states, transitions) => {
    if (states.length === 0 || at(states[0]) <= 0 || at(states[0]) > 500) return states;
    if (transitions.some((transition) => at(transition) >= 0 && at(transition) <= at(states[0]))) return states;
    return [{ ...states[0], at_ms_since_start: 0 }, ...states.slice(1)];
  };

  Lab.historiesOf = (run) => {
    const histories = new Map(run.instances.map((name) => [name, { ...blank(), end: run.length_ms }]));
    for (const [name, states] of Object.entries(run.states)) {
      if (histories.has(name)) histories.get(name).states = sinceStart(states, run.transitions).reduce(append, []);
    }
    for (const kind of ['transitions', 'marks']) {
      for (const event of run[kind] || []) histories.get(event.instance)?.[kind].push(event);
    }
    for (const history of histories.values()) {
      history.transitions.sort((a, b) => at(a) - at(b));
      history.marks.sort((a, b) => at(a) - at(b));
    }
    return histories;
  };

  // That a call was wasted may turn out later.
  const told = ['at_ms_since_start', 'status', 'probe', 'late', 'wasted', 'from', 'to', 'cause', 'state', 'store'];
  const sameEvents = (events, first, news) =>
    events.length - first === news.length && news.every((event, i) => told.every((field) => event[field] === events[first + i][field]));

  class FleetHistory {
    constructor() {
      this.forget();
    }

    forget() {
      this.fleet = null;
      this.histories = new Map();
      this.traffic = { step_ms: 500, first_step: 0, upstream_calls: [], upstream_failures: [], blocked: [] };
      this.latest = 0;
      this.received = 0;
    }

    // Says what came: 'fleet', 'state', 'mark', or '' where nothing did.
    take(frame) {
      let news = '';
      const hasGap = frame.from_ms > this.latest; // of the time before from_ms, so far back that it need not be shown
      if (frame.fleet !== this.fleet || hasGap) {
        this.forget();
        this.fleet = frame.fleet;
        news = 'fleet';
      }
      this.latest = frame.now_ms;
      this.received = performance.now();
      for (const { name } of frame.instances) {
        if (!this.histories.has(name)) this.histories.set(name, blank());
      }
      const changed = [this.takeStates(frame), this.takeEvents(frame, 'transitions')].includes(true); // both, whatever the first says
      const marked = this.takeEvents(frame, 'marks');
      this.takeTraffic(frame);
      this.prune(frame.now_ms - frame.window_ms);
      return news || (changed && 'state') || (marked && 'mark') || '';
    }

    takeStates(frame) {
      let changed = false;
      for (const [name, news] of Object.entries(frame.states)) {
        const history = this.histories.get(name);
        if (!history || news.length === 0) continue;
        const { states } = history;
        const first = Lab.firstAt(states, Math.min(frame.from_ms, at(news[0])));
        const before = states.splice(first);
        if (first === 0 && at(news[0]) === frame.from_ms) news[0].is_cut = frame.from_ms > 0;
        for (const state of news) {
          if (states.length === 0 || !sameState(states[states.length - 1], state)) append(states, state);
        }
        if (sameEvents(states, first, before)) continue;
        history.version += 1;
        changed = true;
      }
      return changed;
    }

    takeEvents(frame, kind) {
      const byName = new Map();
      for (const event of frame[kind]) {
        if (!byName.has(event.instance)) byName.set(event.instance, []);
        byName.get(event.instance).push(event);
      }
      let changed = false;
      for (const [name, history] of this.histories) {
        const news = byName.get(name) || [];
        const events = history[kind];
        const first = Lab.firstAt(events, frame.from_ms);
        if (sameEvents(events, first, news)) continue;
        events.length = first;
        events.push(...news);
        history.version += 1;
        changed = true;
      }
      return changed;
    }

    takeTraffic({ traffic }) {
      const mine = this.traffic;
      if (traffic.step_ms !== mine.step_ms || mine.upstream_calls.length === 0) {
        mine.step_ms = traffic.step_ms;
        mine.first_step = traffic.first_step;
      }
      for (const kind of ['upstream_calls', 'upstream_failures', 'blocked']) {
        const steps = mine[kind];
        const keep = Math.max(0, traffic.first_step - mine.first_step);
        while (steps.length < keep) steps.push(0);
        steps.length = keep;
        steps.push(...traffic[kind]);
      }
    }

    prune(oldest) {
      for (const history of this.histories.values()) {
        const { states, transitions, marks } = history;
        let old = 0;
        while (old + 1 < states.length && at(states[old + 1]) < oldest) old += 1;
        if (old > 0) states.splice(0, old);
        if (transitions.length > 0 && at(transitions[0]) < oldest) transitions.splice(0, Lab.firstAt(transitions, oldest));
        // In batches, for there may be many of them.
        if (marks.length > 0 && at(marks[0]) < oldest - 5000) marks.splice(0, Lab.firstAt(marks, oldest));
      }
      const { traffic } = this;
      const steps = Math.floor(oldest / traffic.step_ms) - traffic.first_step;
      if (steps < 20) return;
      for (const kind of ['upstream_calls', 'upstream_failures', 'blocked']) traffic[kind].splice(0, steps);
      traffic.first_step += steps;
    }

    // The present, between two frames too; where frames stay away, time stands still on the page.
    now() {
      return this.latest + Math.min(performance.now() - this.received, 1000);
    }
  }

  Lab.FleetHistory = FleetHistory;
}
