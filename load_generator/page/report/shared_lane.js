// The thick lane of a shared breaker. Under it a tick for each transition has the letter of the instance that reported it.
import { Lane } from '../shared/lane.js';
import { draw, setAttribute } from '../shared/text.js';
import { reporterTicks } from './shared_history.js';

const thick = { height: 86, spanTop: 10, spanHeight: 38, marksAt: 76 };
const tickLength = 6;
const lettersAt = 65; // px, their baseline

export class SharedLane extends Lane {
  constructor(name, tooltip) {
    super(name, tooltip);
    this.ticks = draw('path', { class: 'reporter-tick' });
    this.reporters = draw('g', { class: 'reporters' });
    this.moved[1].append(this.ticks, this.reporters);
    this.row.classList.add('shared-lane');
  }

  setSize() {
    this.size = thick;
    setAttribute(this.svg, 'height', thick.height);
  }

  drawFlags(transitions, view) {
    super.drawFlags(transitions, view);
    const bottom = thick.spanTop + thick.spanHeight;
    const ticks = reporterTicks(transitions, (time) => view.x(time));
    setAttribute(this.ticks, 'd', ticks.map(({ x }) => `M${x} ${bottom}v${tickLength}`).join(''));
    this.reporters.replaceChildren(...ticks.filter(({ text }) => text !== '')
      .map(({ x, text }) => draw('text', { x, y: lettersAt, 'text-anchor': 'middle', class: 'reporter', text })));
  }
}
