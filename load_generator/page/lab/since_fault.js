// The line that says what has happened since the last fault.

import { allOf, byId, duration, number, setText } from '../shared/text.js';
import { SinceFault } from '../map/model.js';

export class SinceFaultView {
  constructor() {
    this.counter = new SinceFault();
    this.figures = allOf('[data-since]');
    byId('since-reset').addEventListener('click', () => this.reset());
  }

  reset() {
    if (!this.counts) return;
    this.counter.reset();
    this.counts = this.counter.counts();
    this.show();
  }

  // Each frame counts, so that none hides a fault; shown are they with the other counts.
  apply(frame) {
    this.counts = this.counter.show(frame);
  }

  show() {
    if (!this.counts) return;
    for (const node of this.figures) {
      const { since } = node.dataset;
      setText(node, since === 'elapsed' ? duration(this.counts.elapsed) : number(this.counts[since]));
    }
  }
}
