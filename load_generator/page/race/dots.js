// What flies, as the page knows it. It is drawn by a worker, dots_worker.js, on one canvas for each fleet: so sixty pictures
// a second cost the page itself nothing, neither a layout nor a paint.

import { make } from '../shared/text.js';

const colourNames = ['--ink', '--closed', '--open', '--quiet'];
const sharpest = 2; // canvas pixels for one of the page

const colours = () => {
  const style = getComputedStyle(document.body);
  return Object.fromEntries(colourNames.map((name) => [name, style.getPropertyValue(name).trim() || '#888']));
};

// Each message has what has changed for the fleet `index`, or for all: see dots_worker.js.
const worker = new Worker('race/dots_worker.js', { type: 'module' });
const send = (message, transferred = []) => worker.postMessage(message, transferred);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => send({ colours: colours() }));

// From now on dots fly by this clock (see replay_clock.js); null: none flies.
export const flyBy = (clock) => send({ clock });

export class Dots {
  // Of the fleet on the left, 0, or on the right, 1.
  constructor(index) {
    this.index = index;
    this.canvas = make('canvas', { 'aria-hidden': 'true' });
    const surface = this.canvas.transferControlToOffscreen();
    send({ index, canvas: surface, colours: colours() }, [surface]);
  }

  // `place` is that of layout(): the canvas covers only the part of it in which dots fly.
  resize(place) {
    const { left, top, width, height } = place.flight;
    Object.assign(this.canvas.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    send({ index: this.index, place, scale: Math.min(sharpest, devicePixelRatio || 1), colours: colours() });
  }

  setCalls(calls) {
    send({ index: this.index, calls });
  }
}
