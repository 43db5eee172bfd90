// Predict first, then run: pick a scenario and a design, guess its figure (or say that you cannot), start it, and see
// guess, expectation and measurement side by side. The arithmetic stays hidden until the guess is given. What was asked
// for is kept for this sitting, so that a reload in the middle of a run loses nothing.
'use strict';

{
  const keptAs = 'lab-asked';
  const enough = 12; // frames, about three seconds: the first ones may still tell of the time before the order

  const runOf = ({ name, variant }) => `${name}-${variant}`;

  class Predict {
    // finished(run document, asked or null) once a scenario is over that this page saw running.
    constructor(finished) {
      this.finished = finished;
      this.asked = Lab.kept(keptAs, (kept) => typeof kept?.measure === 'string', null);
      this.scenarios = [];
      this.watched = 0; // the number of the scenario that is seen running
      this.latest = 0; // the number of the scenario that was seen last
      this.without = 0; // so many frames told nothing of what was asked for
      this.ordering = false;
      this.blocked = 'Nothing is known of the fleet yet.';
      for (const id of ['scenario', 'variant', 'guess', 'no-guess', 'start-scenario', 'stop-scenario']) this[id] = Lab.byId(id);
      this.scenario.addEventListener('change', () => this.showVariants());
      this.variant.addEventListener('change', () => this.showQuestion());
      for (const field of [this.guess, this['no-guess']]) field.addEventListener('input', () => this.allow());
      Lab.byId('predict-form').addEventListener('submit', (event) => this.start(event));
      this['stop-scenario'].addEventListener('click', async () => this.answer(await Lab.order('/control/scenario/stop', {})));
      this.load();
    }

    // Asked again with each new connection, until there are some.
    async load() {
      if (this.loading || this.scenarios.length > 0) return;
      this.loading = true;
      this.scenarios = (await Lab.fetchJson('/scenarios')) || [];
      this.loading = false;
      this.scenario.replaceChildren(...this.scenarios.map(({ name }) => Lab.make('option', { value: name, text: name })));
      const first = this.scenarios.some(({ name }) => name === 'outage') ? 'outage' : this.scenarios[0]?.name;
      if (first) this.scenario.value = first;
      this.showVariants();
    }

    get chosen() {
      return this.scenarios.find(({ name }) => name === this.scenario.value);
    }

    get chosenVariant() {
      return this.chosen?.variants.find(({ name }) => name === this.variant.value);
    }

    showVariants() {
      const variants = this.chosen?.variants || [];
      this.variant.replaceChildren(...variants.map(({ name }) => Lab.make('option', { value: name, text: Lab.designWords(name) })));
      this.showQuestion();
    }

    showQuestion() {
      Lab.setText(Lab.byId('question'), this.chosen?.question || 'No scenarios can be had from the server.');
      const measure = this.chosenVariant?.measure;
      Lab.setText(Lab.byId('guess-label'), measure ? `Your guess: ${Lab.measureWords(measure)}` : 'Your guess');
      Lab.setText(Lab.byId('guess-meaning'), Lab.measureMeaning(measure));
      this.guess.value = '';
      this['no-guess'].checked = false;
      this.allow();
    }

    // Nothing starts without a guess, or the word that there is none.
    allow() {
      const unknown = this['no-guess'].checked;
      this.guess.disabled = this.blocked !== '' || unknown;
      const given = unknown || (this.guess.value.trim() !== '' && Number.isFinite(Number(this.guess.value)));
      this['start-scenario'].disabled = this.blocked !== '' || !given || !this.chosenVariant;
      const hint = given ? 'Programs of its own are started for it; nothing of yours is touched.' : 'First guess, then start.';
      Lab.setText(Lab.byId('start-hint'), this.blocked || hint);
    }

    async start(event) {
      event.preventDefault();
      if (this['start-scenario'].disabled || this.ordering) return;
      const guess = this['no-guess'].checked ? null : Number(this.guess.value);
      const asked = { name: this.scenario.value, variant: this.variant.value, measure: this.chosenVariant.measure, guess };
      Lab.byId('verdict').hidden = true;
      this.watched = 0;
      this.ordering = true; // its end may be told before its number is known
      const before = Lab.signOf(await Lab.fetchRun(runOf(asked)));
      const next = this.latest + 1; // even an order that gets no answer may be obeyed
      const answer = await Lab.order('/control/scenario', { name: asked.name, variant: asked.variant });
      this.ordering = false;
      if (!answer.error || answer.late) this.keep({ ...asked, before, number: answer.number ?? next });
      this.answer(answer);
    }

    keep(asked) {
      this.asked = asked;
      this.without = 0;
      Lab.keep(keptAs, asked);
    }

    answer(said) {
      Lab.answer(Lab.byId('scenario-answer'), said);
    }

    show(frame, connected) {
      const { scenario } = frame;
      const running = scenario !== null && ['starting', 'running'].includes(scenario.phase);
      const byHand = frame.load.can_change ? '' : 'A run by hand is on: no scenario can start until it is over.';
      const why = running ? 'One is running.' : Lab.whyNot(frame, connected) || byHand;
      const focused = document.activeElement;
      if (why !== this.blocked) {
        this.blocked = why;
        for (const field of [this.scenario, this.variant, this['no-guess']]) field.disabled = why !== '';
        this.allow();
      }
      if (Lab.byId('progress').hidden === running) Lab.byId('progress').hidden = !running;
      this.keepFocus(focused, running);
      if (running) this.showProgress(scenario);
      else if (scenario !== null && !this.ordering && [this.watched, this.asked?.number].includes(scenario.number)) this.finish(scenario);
      if (connected && this.asked && !this.ordering) this.lookForAsked(scenario);
      this.latest = scenario?.number ?? 0;
    }

    // Where what had the focus can have it no more: on to what can be done now, or to where the end is told.
    keepFocus(focused, running) {
      if (running && Lab.byId('predict-form').contains(focused)) this['stop-scenario'].focus();
      if (!running && focused === this['stop-scenario']) Lab.byId('scenario-answer').focus();
    }

    // Its end may go by unseen: the page was asleep while another followed, or the server was started anew.
    lookForAsked(scenario) {
      this.without = scenario?.number === this.asked.number ? 0 : this.without + 1;
      if (this.without >= enough) this.finishUnseen(scenario);
    }

    async finishUnseen(scenario) {
      const { asked } = this;
      this.keep(null);
      const what = `${asked.name}, ${asked.variant}`;
      const isReplaced = scenario?.phase === 'over' && scenario.run === runOf(asked);
      const document = isReplaced ? null : await Lab.fetchRun(runOf(asked));
      if (document === null || Lab.signOf(document) === asked.before) {
        return this.answer({ error: `No end of ${what} was seen here, and no run of it is left: your guess stays without an answer.` });
      }
      this.answer({ done: `${what} is over; its end was not seen here, but its run is kept.` });
      return this.finished(runOf(asked), document, asked);
    }

    showProgress({ number, name, variant, phase, elapsed_ms: elapsed, duration_ms: duration }) {
      this.watched = number;
      Lab.setText(Lab.byId('progress-words'), phase === 'starting' ? `${name}, ${variant}: starting its programs`
        : `${name}, ${variant}: ${Lab.duration(Math.min(elapsed, duration))} of ${Lab.duration(duration)}`);
      const bar = Lab.byId('progress-bar');
      Lab.setAttribute(bar, 'max', Math.max(1, duration));
      Lab.setAttribute(bar, 'value', phase === 'starting' ? 0 : Math.round(Math.min(elapsed, duration)));
    }

    // Another page may have ordered it, or this one before the server was started anew.
    async finish({ number, name, variant, phase, run, error }) {
      this.watched = 0;
      const mine = this.asked?.number === number;
      const asked = mine && this.asked.name === name && this.asked.variant === variant ? this.asked : null;
      if (mine) this.keep(null);
      if (phase === 'failed') return this.answer({ error: error || 'the scenario failed, and nobody knows why' });
      const document = await Lab.fetchJson(`/runs/${encodeURIComponent(run)}`);
      if (document === null) return this.answer({ error: `the run ${run} cannot be read` });
      this.answer({ done: `${name}, ${variant} is over.` });
      return this.finished(run, document, asked);
    }
  }

  Lab.Predict = Predict;
}
