// The chart under the lanes, on their time axis: calls per second, stacked: those that failed, those that got no answer and
// those that were answered; and as a dashed line the calls that breakers blocked. It is drawn at most once a second; in
// between it moves with the lanes.
import { Chart } from './chart.js';
import { lastStepBy, stepsOf } from './traffic_steps.js';
import { make, number, setAttribute, setText } from './text.js';

const leastPause = 950; // ms
const labels = { answered: 'answered', failed: 'failed', unanswered: 'no answer', blocked: 'blocked' };
const heights = {
  answered: ({ answered, failed, unanswered }) => answered + failed + unanswered,
  unanswered: ({ failed, unanswered }) => failed + unanswered,
  failed: ({ failed }) => failed,
};

export class Traffic {
  // atLeast: the chart's smallest height, in calls per second; height: in px.
  constructor(atLeast = 1, height = 110) {
    this.chart = new Chart({ height, atLeast, areas: heights, lines: { blocked: ({ blocked }) => blocked } });
    this.steps = [];
    this.drawnAt = -Infinity;
    this.values = {};
    const head = make('div', { class: 'lane-head' }, make('span', { class: 'lane-name', text: 'Calls per second' }));
    for (const [kind, name] of Object.entries(labels)) {
      this.values[kind] = make('span', { class: 'value', 'data-value': kind });
      head.append(make('span', { class: `key key-${kind}` }, `${name} `, this.values[kind]));
    }
    this.element = make('div', { class: 'traffic' }, head, make('div', { class: 'lane-plot' }, this.chart.svg));
  }

  draw(traffic, view) {
    const now = performance.now();
    if (traffic !== this.traffic || (!traffic.is_finished && now - this.drawnAt > leastPause)) {
      this.traffic = traffic;
      this.steps = stepsOf(traffic);
      this.drawnAt = now;
      this.drawn = '';
    }
    const drawing = `${view.drawing} ${view.width} ${this.steps.findLastIndex(({ to }) => to <= view.until)}`;
    if (drawing !== this.drawn) this.chart.draw(this.steps, view);
    this.drawn = drawing;
    this.chart.move(view);
    this.showValues(Math.min(view.until, view.end));
  }

  // The figures beside the chart, of the last step that is over by `time`.
  showValues(time) {
    const step = lastStepBy(this.steps, time) ?? {};
    for (const kind of Object.keys(labels)) setText(this.values[kind], number(step[kind]));
    setAttribute(this.chart.svg, 'aria-label',
      `Calls per second: ${Object.entries(labels).map(([kind, name]) => `${number(step[kind])} ${name}`).join(', ')}`);
  }
}
