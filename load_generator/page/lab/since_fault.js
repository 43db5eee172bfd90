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
    if (!this.frame) return;
    this.counter.reset(this.frame);
    this.apply(this.frame);
    this.show();
  }

  // Each frame counts, so that none hides a fault; shown are they with the other counts.
  apply(frame) {
    this.frame = frame;
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
