// What can be done to the fleet by hand. Each control says what it will do, shows which setting is in force by what
// the server reports (not by what was clicked), and prints the server's answer beside it, until it is no longer true.
// While nothing can be changed the controls are disabled, and say why.
'use strict';

{
  const faults = { healthy: 'healthy', flaky: 'flaky 0.6', slow: 'slow 400ms', down: 'down' };
  const near = (a, b) => Math.abs(a - b) < 0.005;

  // Which of the buttons describes the upstream's fault; none where it is something else.
  const faultInForce = ({ failure_rate: rate, latency_ms: latency, hang_rate: hang, drop_rate: drop }) => {
    if (hang > 0 || drop > 0) return '';
    if (latency > 0) return near(latency, 400) && rate === 0 ? 'slow' : '';
    if (rate === 0) return 'healthy';
    if (near(rate, 0.6)) return 'flaky';
    return rate === 1 ? 'down' : '';
  };

  const faultInWords = ({ failure_rate: rate, latency_ms: latency, hang_rate: hang, drop_rate: drop, plan }) => {
    const parts = [];
    if (rate > 0) parts.push(`${Math.round(rate * 100)} % fail`);
    if (latency > 0) parts.push(`answers take ${Lab.duration(latency)}`);
    if (hang > 0) parts.push(`${Math.round(hang * 100)} % hang`);
    if (drop > 0) parts.push(`${Math.round(drop * 100)} % are dropped`);
    const now = `Now: ${parts.join(', ') || 'every call is answered'}.`;
    return plan && plan.includes(',') ? `${now} By plan: ${plan}.` : now;
  };

  const answer = (fieldset, said) => Lab.answer(fieldset.querySelector('.answer'), said);

  const isPressed = (button) => button.getAttribute('aria-pressed') === 'true';

  const pressed = (buttons, inForce) => {
    for (const [button, is] of buttons) Lab.setAttribute(button, 'aria-pressed', is === inForce);
  };

  class Controls {
    constructor() {
      this.faults = [...document.querySelectorAll('[data-fault]')].map((button) => [button, button.dataset.fault]);
      this.overrides = [...document.querySelectorAll('[data-override]')].map((button) => [button, button.dataset.override]);
      this.networks = [];
      this.answers = new Map(); // by fieldset
      for (const [button, fault] of this.faults) {
        this.onClick(button, '/control/fault', () => ({ plan: faults[fault] }), () => isPressed(button));
      }
      for (const [button, mode] of this.overrides) {
        this.onClick(button, '/control/override', () => ({ mode }), () => isPressed(button));
      }
      this.listenToRate();
    }

    onClick(button, path, body, isInForce) {
      button.addEventListener('click', () => this.order(button.closest('fieldset'), path, body(), isInForce));
    }

    // The answer stands until what was ordered is no longer in force, whoever changed it.
    async order(fieldset, path, body, isInForce) {
      fieldset.setAttribute('aria-busy', 'true');
      const said = await Lab.order(path, body);
      answer(fieldset, said);
      this.answers.set(fieldset, { isInForce: (frame) => isInForce(frame, body), wasInForce: false });
      fieldset.removeAttribute('aria-busy');
    }

    forgetAnswers(frame) {
      const isAnother = frame.fleet !== this.fleet;
      for (const [fieldset, told] of this.answers) {
        const isInForce = told.isInForce(frame);
        if (isAnother || (told.wasInForce && !isInForce)) {
          answer(fieldset, {});
          this.answers.delete(fieldset);
        }
        told.wasInForce = isInForce;
      }
      this.fleet = frame.fleet;
    }

    listenToRate() {
      const rate = Lab.byId('rate');
      const isInForce = ({ load }, wanted) => load.rate === wanted.rate;
      this.onClick(Lab.byId('rate-stop'), '/control/rate', () => ({ rate: 0 }), isInForce);
      Lab.byId('rate-form').addEventListener('submit', (event) => {
        event.preventDefault();
        const fieldset = rate.closest('fieldset');
        if (rate.value.trim() === '' || !(Number(rate.value) >= 0)) answer(fieldset, { error: 'a number of calls a second, 0 or more' });
        else this.order(fieldset, '/control/rate', { rate: Number(rate.value) }, isInForce);
      });
    }

    show(frame, connected) {
      this.showFault(frame);
      this.showRate(frame.load);
      this.showNetworks(frame);
      const modes = new Set(frame.instances.filter(({ answers }) => answers).map(({ override }) => override || 'auto'));
      pressed(this.overrides, modes.size === 1 ? [...modes][0] : '');
      this.forgetAnswers(frame);
      this.allow(frame, connected);
    }

    showFault({ upstream }) {
      pressed(this.faults, upstream.answers ? faultInForce(upstream.fault) : '');
      Lab.setText(Lab.byId('fault-now'), upstream.answers ? faultInWords(upstream.fault) : 'The upstream does not answer.');
    }

    showRate({ rate }) {
      const field = Lab.byId('rate');
      if (document.activeElement !== field && field.dataset.shown !== String(rate)) {
        field.dataset.shown = rate;
        field.value = rate;
      }
    }

    showSent({ rate, sent }) {
      const stopped = sent > 0 ? `Stopped, after ${Lab.number(sent)} calls.` : 'No calls are sent.'; // from here: others may have sent some
      Lab.setText(Lab.byId('rate-now'), rate > 0 ? `Now: ${Lab.number(rate)} a second, ${Lab.number(sent)} sent.` : stopped);
    }

    showNetworks({ instances }) {
      const names = instances.map(({ name }) => name);
      if (JSON.stringify(this.networks.map(([, name]) => name)) !== JSON.stringify(names)) this.makeNetworks(names);
      this.networks.forEach(([button], i) => {
        const broken = instances[i].network_broken;
        Lab.setAttribute(button, 'aria-pressed', broken);
        Lab.setText(button.lastChild, broken ? 'broken: mend it' : 'break it');
      });
    }

    makeNetworks(names) {
      this.networks = names.map((name) => {
        const button = Lab.make('button', { type: 'button', 'data-network': name, 'aria-pressed': 'false' },
          Lab.make('b', { text: name }), Lab.make('small', { text: 'break it', 'aria-hidden': 'true' })); // pressed says it
        this.onClick(button, '/control/network', () => ({ instance: name, broken: !isPressed(button) }),
          (frame, { broken }) => isPressed(button) === broken);
        return [button, name];
      });
      const place = Lab.byId('networks');
      place.replaceChildren(...this.networks.map(([button]) => button));
    }

    allow(frame, connected) {
      const why = Lab.whyNot(frame, connected);
      for (const fieldset of document.querySelectorAll('.controls fieldset')) {
        fieldset.disabled = why !== '' || (fieldset.id === 'rate-control' && !frame.load.can_change);
      }
      const ofRate = why === '' && !frame.load.can_change ? 'The load has a plan of its own and cannot be changed by hand.' : '';
      Lab.setText(Lab.byId('why-not'), why || ofRate);
    }
  }

  Lab.whyNot = (frame, connected) => {
    if (!connected) return 'The connection is lost: nothing can be changed until it is back.';
    return frame.can_control ? '' : 'A scenario is running: it does everything by its own plan until it is over.';
  };

  Lab.Controls = Controls;
}
