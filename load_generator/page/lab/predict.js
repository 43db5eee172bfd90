// Predict first, then run: the user picks a scenario and a design, guesses its measure (or checks "I do not know"), starts
// it, and sees guess, expectation and measurement side by side. The arithmetic stays hidden until the guess is given. The
// prediction is stored for this tab, so a reload during a run loses nothing.
import { whyNot } from './controls.js';
import { fetchJson, fetchRun, fingerprint, request } from '../shared/api.js';
import { designName, measureMeaning } from '../shared/measures.js';
import { byId, duration, make, measureName, restore, setAttribute, setText, showAnswer, store } from '../shared/text.js';

const storedAs = 'lab-prediction';
const enoughFrames = 12; // about three seconds: the first ones may be from before the request

const runName = ({ name, variant }) => `${name}-${variant}`;

export class Predict {
  // finished(run, document, prediction or null) is called when a scenario that this page saw running is over.
  constructor(finished) {
    this.finished = finished;
    this.prediction = restore(storedAs, (stored) => typeof stored?.measure === 'string', null);
    this.scenarios = [];
    this.running = 0; // the number of the running scenario
    this.latest = 0; // the number of the last scenario in a frame
    this.missedFrames = 0; // frames without the predicted scenario
    this.isRequesting = false;
    this.whyNot = this.whyNotByFrame = 'Waiting for the fleet.';
    this.scenario = byId('scenario');
    this.variant = byId('variant');
    this.guess = byId('guess');
    this.noGuess = byId('no-guess');
    this.startButton = byId('start-scenario');
    this.stopButton = byId('stop-scenario');
    this.scenario.addEventListener('change', () => this.showVariants());
    this.variant.addEventListener('change', () => this.showQuestion());
    for (const field of [this.guess, this.noGuess]) field.addEventListener('input', () => this.allow());
    byId('predict-form').addEventListener('submit', (event) => this.start(event));
    this.stopButton.addEventListener('click', async () => this.showAnswer(await request('/control/scenario/stop', {})));
    this.load();
  }

  // Called for each new connection, until there are scenarios.
  async load() {
    if (this.loading || this.scenarios.length > 0) return;
    this.loading = true;
    this.scenarios = (await fetchJson('/scenarios')) || [];
    this.loading = false;
    this.scenario.replaceChildren(...this.scenarios.map(({ name }) => make('option', { value: name, text: name })));
    const first = this.scenarios.some(({ name }) => name === 'outage') ? 'outage' : this.scenarios[0]?.name;
    if (first) this.scenario.value = first;
    this.showVariants();
    this.restrict();
  }

  get chosen() {
    return this.scenarios.find(({ name }) => name === this.scenario.value);
  }

  get chosenVariant() {
    return this.chosen?.variants.find(({ name }) => name === this.variant.value);
  }

  showVariants() {
    const variants = this.chosen?.variants || [];
    this.variant.replaceChildren(...variants.map(({ name }) => make('option', { value: name, text: designName(name) })));
    this.showQuestion();
  }

  showQuestion() {
    setText(byId('question'), this.chosen?.question || 'The scenarios cannot be read.');
    const measure = this.chosenVariant?.measure;
    setText(byId('guess-label'), measure ? `Your guess: ${measureName(measure)}` : 'Your guess');
    setText(byId('guess-meaning'), measureMeaning(measure));
    this.guess.value = '';
    this.noGuess.checked = false;
    this.allow();
  }

  // Nothing starts without a guess or the statement that there is none.
  allow() {
    const unknown = this.noGuess.checked;
    this.guess.disabled = this.whyNot !== '' || unknown;
    const given = unknown || (this.guess.value.trim() !== '' && Number.isFinite(Number(this.guess.value)));
    this.startButton.disabled = this.whyNot !== '' || !given || !this.chosenVariant;
    const hint = given ? 'The scenario starts its own programs and does not touch yours.' : 'Guess first, then start.';
    setText(byId('start-hint'), this.whyNot || hint);
  }

  async start(event) {
    event.preventDefault();
    if (this.startButton.disabled || this.isRequesting) return;
    const guess = this.noGuess.checked ? null : Number(this.guess.value);
    const prediction = { name: this.scenario.value, variant: this.variant.value, measure: this.chosenVariant.measure, guess };
    byId('verdict').hidden = true;
    this.running = 0;
    this.isRequesting = true; // a frame may report its end before its number is known
    const before = fingerprint(await fetchRun(runName(prediction)));
    const next = this.latest + 1; // even without an answer it may have started
    const answer = await request('/control/scenario', { name: prediction.name, variant: prediction.variant });
    this.isRequesting = false;
    if (!answer.error || answer.late) this.store({ ...prediction, before, number: answer.number ?? next });
    this.showAnswer(answer);
  }

  store(prediction) {
    this.prediction = prediction;
    this.missedFrames = 0;
    store(storedAs, prediction);
  }

  showAnswer(answer) {
    showAnswer(byId('scenario-answer'), answer);
  }

  show(frame, connected) {
    const { scenario } = frame;
    const running = scenario !== null && ['starting', 'running'].includes(scenario.phase);
    const whyNotDuringRun = frame.load.can_change ? '' : 'A manual run is in progress: no scenario can start until it is over.';
    this.whyNotByFrame = running ? 'A scenario is running.' : whyNot(frame, connected) || whyNotDuringRun;
    const focused = document.activeElement;
    this.restrict();
    if (byId('progress').hidden === running) byId('progress').hidden = !running;
    this.keepFocus(focused, running);
    if (running) this.showProgress(scenario);
    else if (scenario !== null && !this.isRequesting && [this.running, this.prediction?.number].includes(scenario.number)) this.finish(scenario);
    if (connected && this.prediction && !this.isRequesting) this.checkForMissedEnd(scenario);
    this.latest = scenario?.number ?? 0;
  }

  // Nothing can be chosen or ticked before the scenarios are known: their arrival clears the form.
  restrict() {
    const why = this.whyNotByFrame || (this.scenarios.length === 0 ? 'The scenarios are not known yet.' : '');
    if (why === this.whyNot) return;
    this.whyNot = why;
    for (const field of [this.scenario, this.variant, this.noGuess]) field.disabled = why !== '';
    this.allow();
  }

  // If the focused control is no longer available, the focus moves to the next useful one, or to the result.
  keepFocus(focused, running) {
    if (running && byId('predict-form').contains(focused)) this.stopButton.focus();
    if (!running && focused === this.stopButton) byId('scenario-answer').focus();
  }

  // The page may miss the end: it was asleep while another scenario followed, or the server was restarted.
  checkForMissedEnd(scenario) {
    this.missedFrames = scenario?.number === this.prediction.number ? 0 : this.missedFrames + 1;
    if (this.missedFrames >= enoughFrames) this.finishMissed(scenario);
  }

  async finishMissed(scenario) {
    const { prediction } = this;
    this.store(null);
    const title = `${prediction.name}, ${prediction.variant}`;
    const isReplaced = scenario?.phase === 'over' && scenario.run === runName(prediction);
    const document = isReplaced ? null : await fetchRun(runName(prediction));
    if (document === null || fingerprint(document) === prediction.before) {
      return this.showAnswer({ error: `This page missed the end of ${title}, and its run no longer exists: your guess has no answer.` });
    }
    this.showAnswer({ done: `${title} is over. This page missed its end, but its run still exists.` });
    return this.finished(runName(prediction), document, prediction);
  }

  showProgress({ number, name, variant, phase, elapsed_ms: elapsed, duration_ms: length }) {
    this.running = number;
    setText(byId('progress-words'), phase === 'starting' ? `${name}, ${variant}: starting its programs`
      : `${name}, ${variant}: ${duration(Math.min(elapsed, length))} of ${duration(length)}`);
    const bar = byId('progress-bar');
    setAttribute(bar, 'max', Math.max(1, length));
    setAttribute(bar, 'value', phase === 'starting' ? 0 : Math.round(Math.min(elapsed, length)));
  }

  // Another page may have started it, or this one before the server was restarted.
  async finish({ number, name, variant, phase, run, error }) {
    this.running = 0;
    const isMine = this.prediction?.number === number;
    const prediction = isMine && this.prediction.name === name && this.prediction.variant === variant ? this.prediction : null;
    if (isMine) this.store(null);
    if (phase === 'failed') return this.showAnswer({ error: error || 'the scenario failed for an unknown reason' });
    const document = await fetchJson(`/runs/${encodeURIComponent(run)}`);
    if (document === null) return this.showAnswer({ error: `the run ${run} cannot be read` });
    this.showAnswer({ done: `${name}, ${variant} is over.` });
    return this.finished(run, document, prediction);
  }
}
