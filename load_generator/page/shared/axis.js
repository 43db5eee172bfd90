// One time axis for lanes, their ticks, and the traffic chart below them.
// A view is { start, end, width, until }: the window in ms since the start, its width in pixels, and the time up to which
// events are shown (a replay's cursor). Scrolling is cheap: drawings are relative to `base` and are moved as a whole; the
// base changes only after the window has moved far away from it.
import { clock, draw, setAttribute, setText } from './text.js';

const steps = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 1200000, 1800000, 3600000, 7200000];
const pixelsPerTick = 78;

export class View {
  constructor() {
    this.start = 0;
    this.end = 1;
    this.width = 0;
    this.until = Infinity;
    this.base = 0;
    this.scale = 1;
    this.drawing = 0; // changes if everything has to be drawn again
  }

  set(start, end, width, until = Infinity) {
    const scale = width / Math.max(1, end - start);
    const far = start < this.base || start - this.base > 2 * (end - start);
    if (scale !== this.scale || far) {
      this.scale = scale;
      this.base = start;
      this.drawing += 1;
    }
    Object.assign(this, { start, end, width, until });
  }

  // In the drawing, which `shift` moves to its place on the screen.
  x(time) {
    return Math.round((time - this.base) * this.scale * 10) / 10;
  }

  get shift() {
    return -Math.round((this.start - this.base) * this.scale);
  }

  // The end of the current state's drawing, so far ahead that the window can move without a new drawing.
  get farAhead() {
    return this.end + 3 * (this.end - this.start);
  }

  screenX(time) {
    return (time - this.start) * this.scale;
  }

  time(screenX) {
    return this.start + screenX / this.scale;
  }

  ticks() {
    const shortest = pixelsPerTick / this.scale;
    const step = steps.find((each) => each >= shortest) || steps[steps.length - 1];
    const times = [];
    for (let time = Math.ceil(this.start / step) * step; time <= this.end; time += step) times.push(time);
    return { step, times };
  }
}

const tickText = (time, step, end) => {
  if (step >= 1000) return end < 60000 ? `${time / 1000} s` : clock(time);
  return `${(time / 1000).toFixed(step >= 100 ? 1 : 2)} s`;
};

// The row of labels. It reuses its nodes.
export class Axis {
  constructor() {
    this.svg = draw('svg', { class: 'axis', height: 22, 'aria-hidden': 'true' });
    this.labels = [];
  }

  draw(view) {
    const { step, times } = view.ticks();
    setAttribute(this.svg, 'width', view.width);
    const shown = times.filter((time) => view.screenX(time) > 14 && view.screenX(time) < view.width - 16);
    while (this.labels.length < shown.length) {
      const label = draw('text', { y: 15, 'text-anchor': 'middle' });
      this.labels.push(label);
      this.svg.append(label);
    }
    this.labels.forEach((label, i) => {
      const isUsed = i < shown.length;
      setAttribute(label, 'visibility', isUsed ? 'visible' : 'hidden');
      if (!isUsed) return;
      setAttribute(label, 'x', Math.round(view.screenX(shown[i])));
      setText(label, tickText(shown[i], step, view.end));
    });
  }
}
