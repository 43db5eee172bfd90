// One instance's lane: its name, its current state, and an SVG of its history. However many events there are, it has one
// path per state, per kind of mark and per flag colour, and one text for all letters of a state; marks that would cover
// each other are drawn once. A drawing is reused, and only moved, until the history changes.
import { firstAfter } from './fleet_history.js';
import { flag, kindOf, markKinds } from './marks.js';
import { at, draw, knownState, make, setAttribute, setText, stateLetter, stateName, states } from './text.js';

const roomy = { height: 54, spanTop: 10, spanHeight: 25, marksAt: 45 };
const compact = { height: 40, spanTop: 7, spanHeight: 17, marksAt: 32 };
const closeBy = 4; // px; marks of one kind within them are drawn once
const letterWidth = 15;


export class Lane {
  constructor(name, tooltip) {
    this.name = name;
    this.drawn = '';
    this.drawnGrid = '';
    this.shownUntil = 0;
    this.state = make('strong', { class: 'state' });
    this.detail = make('span', { class: 'detail' });
    this.makeDrawing();
    this.row = make('div', { class: 'lane', 'data-lane': name },
      make('div', { class: 'lane-head' }, make('span', { class: 'lane-name', text: name, title: name }), this.state, this.detail),
      make('div', { class: 'lane-plot' }, this.svg));
    if (tooltip) tooltip.attach(this);
  }

  makeDrawing() {
    const paths = (prefix, kinds, more = '') =>
      Object.fromEntries(kinds.map((kind) => [kind, draw('path', { class: `${prefix} ${prefix}-${kind}${more}` })]));
    this.spans = paths('span', states);
    this.marks = paths('mark', Object.keys(markKinds));
    this.flags = paths('flag', states);
    this.local = draw('path', { class: 'local-line' });
    this.grid = draw('path', { class: 'grid' });
    this.letters = Object.fromEntries(states.map((state) => [state, draw('text', { class: `letter letter-${state}` })]));
    this.moved = [draw('g', {}, this.grid, ...Object.values(this.spans), this.local),
      draw('g', {}, ...Object.values(this.flags), ...Object.values(this.marks))];
    this.svg = draw('svg', { role: 'slider', tabindex: 0, 'aria-label': `History of ${this.name}`, 'aria-valuemin': 0 },
      draw('g', { 'clip-path': 'url(#until)' }, this.moved[0]), ...Object.values(this.letters), this.moved[1]);
  }

  setSize(many) {
    this.size = many ? compact : roomy;
    setAttribute(this.svg, 'height', this.size.height);
  }

  // The state beside the name, and for screen readers.
  setState(state, detail) {
    setAttribute(this.row, 'data-state', knownState(state));
    setText(this.state, stateName(state));
    setText(this.detail, detail);
    if (!this.hasFocus) this.setValue(this.shownUntil, `${stateName(state)} ${detail}`.trim());
  }

  // With the focus, the value is the moment that the user chose with keys, not the current state: a screen reader would
  // read out each change of that.
  get hasFocus() {
    return document.activeElement === this.svg;
  }

  setValue(time, text) {
    setAttribute(this.svg, 'aria-valuenow', Math.round(time));
    setAttribute(this.svg, 'aria-valuetext', text);
  }

  draw(history, view) {
    this.history = history;
    this.shownUntil = Math.min(view.until, view.end);
    setAttribute(this.svg, 'aria-valuemax', Math.ceil(view.end));
    setAttribute(this.svg, 'width', view.width);
    for (const group of this.moved) setAttribute(group, 'transform', `translate(${view.shift})`);
    const shown = [history.transitions, history.marks].map((events) => firstAfter(events, view.until));
    const drawing = `${history.version} ${view.drawing} ${this.size.height} ${shown}`;
    if (drawing !== this.drawn) {
      this.drawn = drawing;
      this.drawSpans(history.states, view);
      this.drawFlags(history.transitions.slice(0, shown[0]), view);
      this.drawMarks(history.marks.slice(0, shown[1]), view);
    }
    this.drawLetters(history.states, view);
    this.drawGrid(view);
  }

  drawSpans(points, view) {
    const { spanTop, spanHeight } = this.size;
    const paths = Object.fromEntries(states.map((state) => [state, '']));
    let local = '';
    points.forEach((state, i) => {
      const x = view.x(at(state));
      const end = view.x(i + 1 < points.length ? at(points[i + 1]) : this.history.end ?? view.farAhead);
      const width = Math.max(1.5, Math.round((end - x) * 10) / 10);
      paths[knownState(state.state)] += `M${x} ${spanTop}h${width}v${spanHeight}h${-width}z`;
      if (state.store === 'local') local += `M${x} ${spanTop + spanHeight + 2}h${width}`;
    });
    for (const state of states) setAttribute(this.spans[state], 'd', paths[state]);
    setAttribute(this.local, 'd', local);
  }

  drawMarks(marks, view) {
    const paths = {};
    const last = {};
    const add = (kind, x) => {
      if (last[kind] !== undefined && x - last[kind] < closeBy) return;
      last[kind] = x;
      const { shape, size } = markKinds[kind];
      paths[kind] = (paths[kind] || '') + shape(x, this.size.marksAt, size);
    };
    for (const mark of marks) {
      const x = view.x(at(mark));
      if (mark.wasted) add('wasted', x);
      add(kindOf(mark), x);
    }
    for (const kind of Object.keys(this.marks)) setAttribute(this.marks[kind], 'd', paths[kind] || '');
  }

  drawFlags(transitions, view) {
    const paths = {};
    for (const transition of transitions) {
      const state = knownState(transition.to);
      paths[state] = (paths[state] || '') + flag(view.x(at(transition)), this.size.spanTop + this.size.spanHeight);
    }
    for (const state of states) setAttribute(this.flags[state], 'd', paths[state] || '');
  }

  // A letter is at the beginning of the visible part of its span, if there is room for it.
  drawLetters(points, view) {
    const places = Object.fromEntries(states.map((state) => [state, []]));
    const stop = Math.min(view.end, view.until, this.history.end ?? Infinity);
    points.forEach((state, i) => {
      const x = Math.max(0, view.screenX(at(state)));
      const end = view.screenX(i + 1 < points.length ? Math.min(at(points[i + 1]), stop) : stop);
      if (end - x >= letterWidth) places[knownState(state.state)].push(Math.round(x) + 5);
    });
    for (const state of states) {
      setText(this.letters[state], stateLetter(state).repeat(places[state].length));
      setAttribute(this.letters[state], 'x', places[state].join(' '));
      setAttribute(this.letters[state], 'y', this.size.spanTop + this.size.spanHeight / 2 + 4.5);
    }
  }

  drawGrid(view) {
    const path = view.ticks().times.map((time) => `M${view.x(time)} 0V${this.size.height}`).join('');
    if (path !== this.drawnGrid) this.grid.setAttribute('d', path);
    this.drawnGrid = path;
  }
}
