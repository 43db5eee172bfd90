// The givens of a race, as chips that can be changed, and as they stand in the address.

import { allOf, byId } from '../shared/text.js';
import { showRoute } from '../shared/route.js';

const usual = { instances: 10, failure_threshold: 5, rate: 40, break_s: 10 };
const inAddress = { n: 'instances', threshold: 'failure_threshold', rate: 'rate', break: 'break_s' };
const requested = ['instances', 'failure_threshold', 'rate', 'recovery_timeout_ms'];

// Whether both are those of the same race: as requested, as the server has them, or as a run's settings.
export const sameGivens = (a, b) => requested.every((name) => a?.[name] === b[name]);

export class Givens {
  // `changed` is called after a person has changed one.
  constructor(changed) {
    this.fields = new Map(allOf('[data-given]').map((field) => [field.dataset.given, field]));
    byId('givens').addEventListener('change', changed);
    byId('givens').addEventListener('submit', (event) => event.preventDefault());
  }

  read(query) {
    for (const [short, name] of Object.entries(inAddress)) this.fields.get(name).value = query.get(short) ?? usual[name];
  }

  // As the server has them.
  show({ instances, failure_threshold: threshold, rate, recovery_timeout_ms: pause }) {
    for (const [name, value] of Object.entries({ instances, failure_threshold: threshold, rate, break_s: pause / 1000 })) this.fields.get(name).value = value;
  }

  value(name) {
    return Number(this.fields.get(name).value);
  }

  toRequest() {
    return { instances: this.value('instances'), failure_threshold: this.value('failure_threshold'), rate: this.value('rate'), recovery_timeout_ms: this.value('break_s') * 1000 };
  }

  toQuery() {
    return Object.fromEntries(Object.entries(inAddress).map(([short, name]) => [short, this.fields.get(name).value]));
  }

  keep() {
    showRoute('race', '', this.toQuery());
  }

  setDisabled(isDisabled) {
    for (const field of this.fields.values()) field.disabled = isDisabled;
  }
}
