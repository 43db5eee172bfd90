// The calls that fly, on a canvas: hundreds of them cost one clear and a few fills a frame.

import { make } from '../shared/text.js';
import { dotPlace } from './geometry.js';

const kinds = { request: '--ink', answered: '--closed', failed: '--open', blocked: '--quiet' };

// The wires pass behind the box of Redis: no call goes through it.
const isBehind = (box, { x, y }) => box !== undefined && x > box.left - 5 && x < box.right + 5 && y > box.top - 5 && y < box.bottom + 5;

export class Dots {
  constructor() {
    this.canvas = make('canvas', { 'aria-hidden': 'true' });
    this.painter = this.canvas.getContext('2d');
    this.isEmpty = true;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.readColours());
  }

  readColours() {
    const style = getComputedStyle(this.canvas);
    this.colours = Object.fromEntries(Object.entries(kinds).map(([kind, name]) => [kind, style.getPropertyValue(name).trim() || '#888']));
  }

  resize(place) {
    this.place = place;
    const scale = Math.min(2, devicePixelRatio || 1);
    this.canvas.width = Math.round(place.width * scale);
    this.canvas.height = Math.round(place.height * scale);
    this.painter.setTransform(scale, 0, 0, scale, 0, 0);
    this.readColours();
  }

  show(dots) {
    if (dots.length === 0 && this.isEmpty) return;
    this.painter.clearRect(0, 0, this.place.width, this.place.height);
    this.isEmpty = dots.length === 0;
    const placed = dots.map((dot) => ({ ...dot, ...dotPlace(this.place, dot) })).filter((dot) => !isBehind(this.place.box, dot));
    for (const kind of Object.keys(kinds)) this.fill(kind, placed.filter((dot) => dot.kind === kind));
  }

  // What is turned away is hollow: the difference does not depend on colour.
  fill(kind, dots) {
    if (dots.length === 0) return;
    const radius = Math.min(4.5, this.place.row * 0.2);
    const { painter } = this;
    painter.beginPath();
    for (const { x, y, leg } of dots) {
      const lift = leg === 'back' || leg === 'bounce' ? radius * 0.9 : 0; // answers fly beside the calls
      painter.moveTo(x + radius, y + lift);
      painter.arc(x, y + lift, radius, 0, 2 * Math.PI);
    }
    painter.fillStyle = this.colours[kind];
    painter.strokeStyle = this.colours[kind];
    painter.lineWidth = 1.5;
    if (kind === 'blocked') painter.stroke();
    else painter.fill();
  }
}
