// What an outage costs with other givens: sliders that the simulator answers at once, and a link to the race that runs it.

import { allOf, byId, setText } from '../shared/text.js';
import { ask, queryOf } from '../shared/api.js';

const mostForReal = 26; // instances of a real race

const failed = ({ measures }) => String(measures.upstream_failures);

export class WhatIf {
  constructor() {
    this.sliders = allOf('[data-what-if]');
    this.asked = 0;
    byId('what-if').addEventListener('input', () => this.show());
    byId('what-if').addEventListener('submit', (event) => event.preventDefault());
    this.show();
  }

  value(name) {
    return Number(this.sliders.find(({ dataset }) => dataset.whatIf === name).value);
  }

  // If answers overtake each other, only that to the last question counts.
  async show() {
    for (const slider of this.sliders) setText(slider.parentElement.querySelector('output'), slider.value);
    this.showLink();
    const asked = ++this.asked;
    const givens = { instances: this.value('instances'), failure_threshold: this.value('failure_threshold'), rate: this.value('rate'), recovery_timeout_ms: this.value('break_s') * 1000 };
    const answer = await ask(`/simulate?${queryOf(givens)}`);
    if (asked !== this.asked) return;
    setText(byId('what-if-answer'), answer.error || '');
    setText(byId('what-if-left'), answer.error ? '–' : failed(answer.runs[0]));
    setText(byId('what-if-right'), answer.error ? '–' : failed(answer.runs[1]));
  }

  showLink() {
    const link = byId('run-for-real');
    link.hidden = this.value('instances') > mostForReal || this.value('instances') < 2;
    const query = { n: this.value('instances'), threshold: this.value('failure_threshold'), rate: this.value('rate'), break: this.value('break_s') };
    link.href = `./#/race?${queryOf(query)}`;
  }
}
