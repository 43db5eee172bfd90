// Controls that change the chosen object of the fleet by hand. Each control says what it will do, shows the setting in
// force as the server reports it (not as clicked), and shows the server's answer until that is no longer true.
// While no change is possible the controls are disabled and say why.
import { conditionOf } from '../map/model.js';
import { request } from '../shared/api.js';
import { allOf, byId, duration, make, number, setAttribute, setText, showAnswer } from '../shared/text.js';

const faults = { healthy: 'healthy', flaky: 'flaky 0.6', slow: 'slow 400ms', down: 'down' };
const faultText = ({ failure_rate: rate, latency_ms: latency, hang_rate: hang, drop_rate: drop, plan }) => {
  const parts = [];
  if (rate > 0) parts.push(`${Math.round(rate * 100)} % fail`);
  if (latency > 0) parts.push(`answers take ${duration(latency)}`);
  if (hang > 0) parts.push(`${Math.round(hang * 100)} % hang`);
  if (drop > 0) parts.push(`${Math.round(drop * 100)} % are dropped`);
  const now = `Now: ${parts.join(', ') || 'every call is answered'}.`;
  return plan && plan.includes(',') ? `${now} Its plan: ${plan}.` : now;
};

const showBeside = (fieldset, answer) => showAnswer(fieldset.querySelector('.answer'), answer);

const isPressed = (button) => button.getAttribute('aria-pressed') === 'true';

const press = (buttons, inForce) => {
  for (const [button, setting] of buttons) setAttribute(button, 'aria-pressed', setting === inForce);
};

// What a process is, by what was done to it.
const becomes = { kill: 'killed', start: 'running', freeze: 'frozen', resume: 'running' };

const processButtons = (kind) => allOf(`[data-${kind}-do]`).map((button) => [button, button.getAttribute(`data-${kind}-do`)]);

// A button is pressed if its result is in force, and offered only if it would change something.
const showProcess = (buttons, process) => {
  for (const [button, action] of buttons) {
    const isInForce = becomes[action] === process && (action !== 'resume' && action !== 'start');
    setAttribute(button, 'aria-pressed', isInForce);
    const needs = { kill: ['running', 'frozen'], start: ['killed'], freeze: ['running'], resume: ['frozen'], flush: ['running'] }[action];
    button.disabled = !needs.includes(process);
  }
};

export class Controls {
  constructor() {
    this.faults = allOf('[data-fault]').map((button) => [button, button.dataset.fault]);
    this.overrides = allOf('[data-override]').map((button) => [button, button.dataset.override]);
    this.networks = [];
    this.answers = new Map(); // by fieldset
    for (const [button, fault] of this.faults) {
      this.onClick(button, '/control/fault', () => ({ plan: faults[fault] }), () => isPressed(button));
    }
    for (const [button, mode] of this.overrides) {
      this.onClick(button, '/control/override', () => ({ mode, ...this.onlyChosen() }), () => isPressed(button));
    }
    this.processes = processButtons('instance');
    this.redis = processButtons('redis');
    for (const [button, action] of this.processes) {
      this.onClick(button, '/control/instance', () => ({ instance: this.chosen, do: action }), () => isPressed(button));
    }
    for (const [button, action] of this.redis) this.onClick(button, '/control/redis', () => ({ do: action }), () => isPressed(button) || action === 'flush');
    this.listenToRate();
    this.choose('upstream', '');
  }

  // Shows what can be done to an object of the map, and nothing else.
  choose(kind, name) {
    this.chosen = name;
    for (const fieldset of allOf('.controls fieldset')) fieldset.hidden = fieldset.dataset.for !== kind;
    for (const node of allOf('[data-chosen]')) setText(node, name);
    this.networks.forEach(([button, of]) => { button.hidden = of !== name; });
    if (this.frame) this.showChosen(this.frame);
  }

  // The override is for all switches, or for the chosen one.
  onlyChosen() {
    return byId('only-this').checked ? { instance: this.chosen } : {};
  }

  onClick(button, path, body, isInForce) {
    button.addEventListener('click', () => this.send(button.closest('fieldset'), path, body(), isInForce));
  }

  // The answer stays until the requested setting is no longer in force, no matter which page changed it.
  async send(fieldset, path, body, isInForce) {
    fieldset.setAttribute('aria-busy', 'true');
    showBeside(fieldset, await request(path, body));
    this.answers.set(fieldset, { isInForce: (frame) => isInForce(frame, body), wasInForce: false });
    fieldset.removeAttribute('aria-busy');
  }

  removeOutdatedAnswers(frame) {
    const isOtherFleet = frame.fleet !== this.fleet;
    for (const [fieldset, answered] of this.answers) {
      const isInForce = answered.isInForce(frame);
      if (isOtherFleet || (answered.wasInForce && !isInForce)) {
        showBeside(fieldset, {});
        this.answers.delete(fieldset);
      }
      answered.wasInForce = isInForce;
    }
    this.fleet = frame.fleet;
  }

  listenToRate() {
    const rate = byId('rate');
    const isInForce = ({ load }, requested) => load.rate === requested.rate;
    this.onClick(byId('rate-stop'), '/control/rate', () => ({ rate: 0 }), isInForce);
    byId('rate-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const fieldset = rate.closest('fieldset');
      if (rate.value.trim() === '' || !(Number(rate.value) >= 0)) showBeside(fieldset, { error: 'the rate must be a number, 0 or more' });
      else this.send(fieldset, '/control/rate', { rate: Number(rate.value) }, isInForce);
    });
  }

  show(frame, connected) {
    this.frame = frame;
    this.showFault(frame);
    this.showRate(frame.load);
    this.showNetworks(frame);
    this.showChosen(frame);
    this.removeOutdatedAnswers(frame);
    this.allow(frame, connected);
  }

  showChosen(frame) {
    const instance = frame.instances.find(({ name }) => name === this.chosen);
    const modes = new Set((instance && byId('only-this').checked ? [instance] : frame.instances.filter(({ answers }) => answers)).map(({ override }) => override || 'auto'));
    press(this.overrides, modes.size === 1 ? [...modes][0] : '');
    showProcess(this.processes, instance?.process);
    showProcess(this.redis, frame.redis?.process);
    setText(byId('process-hint'), instance && !instance.process ? 'This page has not started it, and cannot end it.' : '');
  }

  showFault({ upstream }) {
    press(this.faults, conditionOf(upstream));
    setText(byId('fault-now'), upstream.answers ? faultText(upstream.fault) : 'The upstream does not answer.');
  }

  showRate({ rate }) {
    const field = byId('rate');
    if (document.activeElement !== field && field.dataset.shown !== String(rate)) {
      field.dataset.shown = rate;
      field.value = rate;
    }
  }

  showSent({ rate, sent }) {
    const stopped = sent > 0 ? `Stopped after ${number(sent)} calls.` : 'The control room sends no calls.'; // others may
    setText(byId('rate-now'), rate > 0 ? `Now: ${number(rate)} per second, ${number(sent)} sent.` : stopped);
  }

  showNetworks({ instances }) {
    const names = instances.map(({ name }) => name);
    if (JSON.stringify(this.networks.map(([, name]) => name)) !== JSON.stringify(names)) this.makeNetworks(names);
    this.networks.forEach(([button], i) => {
      const broken = instances[i].network_broken;
      setAttribute(button, 'aria-pressed', broken);
      setText(button.lastChild, broken ? 'repair it' : 'break it');
    });
  }

  makeNetworks(names) {
    this.networks = names.map((name) => {
      const button = make('button', { type: 'button', 'data-network': name, 'aria-pressed': 'false' },
        make('b', { text: name }), make('small', { text: 'break it', 'aria-hidden': 'true' })); // aria-pressed says it
      this.onClick(button, '/control/network', () => ({ instance: name, broken: !isPressed(button) }),
        (frame, { broken }) => isPressed(button) === broken);
      return [button, name];
    });
    byId('networks').replaceChildren(...this.networks.map(([button]) => button));
    this.networks.forEach(([button, of]) => { button.hidden = of !== this.chosen; });
  }

  allow(frame, connected) {
    const why = whyNot(frame, connected);
    for (const fieldset of allOf('.controls fieldset')) {
      fieldset.disabled = why !== '' || (fieldset.id === 'rate-control' && !frame.load.can_change);
    }
    const whyNotRate = frame.load.can_change ? '' : 'The load follows its own plan and cannot be changed here.';
    setText(byId('why-not'), why || whyNotRate || 'Each button acts on the running programs at once.');
    byId('why-not').classList.toggle('blocked', why !== '' || whyNotRate !== '');
  }
}

export const whyNot = (frame, connected) => {
  if (!connected) return 'The connection is lost: no changes are possible until it is back.';
  return frame.can_control ? '' : 'A scenario is running: it follows its own plan until it is over.';
};
