// One instance's lane: its name, its current state, and an SVG of its history. However many events there are, it has one
// path per state, per kind of mark and per flag colour, and one text for all letters of a state and for all numbers. A
// drawing is reused, and only moved, until the history changes.
import { firstAfter, knownMarks } from './fleet_history.js';
import { charWidth, flagsOf, leastHalfOpen, localSpansOf, markGroups, spansOf } from './lane_layout.js';
import { kindNames } from './mark_kinds.js';
import { markShapes, pennant, pole, wastedBox } from './marks.js';
import { draw, knownState, make, setAttribute, setText, stateLetter, stateName, states } from './text.js';

const roomy = { height: 54, spanTop: 10, spanHeight: 25, marksAt: 45 };
const compact = { height: 40, spanTop: 7, spanHeight: 17, marksAt: 32 };
const slim = { height: 28, spanTop: 4, spanHeight: 12, marksAt: 22 }; // on paper
const letterWidth = 15;
const drawnStates = ['closed', 'open', 'unknown', 'half_open']; // the last one is never covered


export class Lane {
  constructor(name, tooltip) {
    this.name = name;
    this.drawn = '';
    this.drawnGrid = '';
    this.shownUntil = 0;
    this.groups = [];
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
    this.spans = paths('span', drawnStates);
    this.marks = paths('mark', ['wasted', ...Object.keys(kindNames)]);
    this.poles = paths('flag', states, ' pole');
    this.pennants = paths('flag', states, ' pennant');
    this.numbers = draw('text', { class: 'mark-number' });
    this.moreFlags = draw('text', { class: 'mark-number' });
    this.local = draw('path', { class: 'local-line' });
    this.grid = draw('path', { class: 'grid' });
    this.letters = Object.fromEntries(states.map((state) => [state, draw('text', { class: `letter letter-${state}` })]));
    this.moved = [draw('g', {}, this.grid, ...Object.values(this.spans), this.local),
      draw('g', {}, ...Object.values(this.poles), ...Object.values(this.pennants), ...Object.values(this.marks), this.numbers, this.moreFlags)];
    this.svg = draw('svg', { role: 'slider', tabindex: 0, 'aria-label': `History of ${this.name}`, 'aria-valuemin': 0 },
      draw('g', { 'clip-path': 'url(#until)' }, this.moved[0]), ...Object.values(this.letters), this.moved[1]);
  }

  setSize(many, isOnPaper = false) {
    this.size = many ? (isOnPaper ? slim : compact) : roomy;
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
    const changes = history.transitions.slice(0, firstAfter(history.transitions, view.until));
    const marks = knownMarks(history, view.until);
    const drawing = `${history.version} ${view.drawing} ${this.size.height} ${changes.length} ${marks.length}`;
    if (drawing !== this.drawn) {
      this.drawn = drawing;
      this.drawSpans(history.states, view);
      this.drawFlags(changes, view);
      this.drawMarks(marks, view);
    }
    this.drawLetters(history.states, view);
    this.drawGrid(view);
  }

  drawSpans(points, view) {
    const { spanTop, spanHeight } = this.size;
    const end = this.history.end ?? Infinity;
    const edge = (time) => (time === Infinity ? view.x(view.farAhead) : view.x(time));
    const paths = Object.fromEntries(states.map((state) => [state, '']));
    for (const { state, from, to } of spansOf(points, end)) {
      const x = view.x(from);
      const width = Math.round((edge(to) - x) * 10) / 10;
      const isSliver = state === 'half_open' && width < leastHalfOpen; // stands out, as it is drawn too wide
      const shown = isSliver ? leastHalfOpen : Math.max(1.5, width);
      const out = isSliver ? 2 : 0;
      paths[knownState(state)] += `M${x} ${spanTop - out}h${shown}v${spanHeight + 2 * out}h${-shown}z`;
    }
    for (const state of states) setAttribute(this.spans[state], 'd', paths[state]);
    setAttribute(this.local, 'd', localSpansOf(points, end)
      .map(({ from, to }) => `M${view.x(from)} ${spanTop + spanHeight + 2}H${edge(to)}`).join(''));
  }

  drawMarks(marks, view) {
    const { marksAt } = this.size;
    const paths = Object.fromEntries(Object.keys(this.marks).map((kind) => [kind, '']));
    const numbers = [];
    this.groups = markGroups(marks, (time) => view.x(time));
    for (const { kind, isWasted, x, count } of this.groups.flatMap(({ items }) => items)) {
      if (isWasted) paths.wasted += wastedBox(x, marksAt);
      paths[kind] += markShapes[kind](x, marksAt);
      if (count > 1) numbers.push([String(count), x + (isWasted ? 8 : 6)]);
    }
    for (const kind of Object.keys(this.marks)) setAttribute(this.marks[kind], 'd', paths[kind]);
    this.drawNumbers(this.numbers, numbers, marksAt + 4);
  }

  drawFlags(transitions, view) {
    const poles = Object.fromEntries(states.map((state) => [state, '']));
    const pennants = Object.fromEntries(states.map((state) => [state, '']));
    const numbers = [];
    for (const each of flagsOf(transitions, (time) => view.x(time))) {
      poles[knownState(each.state)] += pole(each, this.size.spanTop + this.size.spanHeight);
      pennants[knownState(each.state)] += pennant(each);
      if (each.more > 0) numbers.push([`+${each.more}`, each.pennant + 9]);
    }
    for (const state of states) {
      setAttribute(this.poles[state], 'd', poles[state]);
      setAttribute(this.pennants[state], 'd', pennants[state]);
    }
    this.drawNumbers(this.moreFlags, numbers, 9);
  }

  // All in one text; each character has its place.
  drawNumbers(node, numbers, y) {
    setText(node, numbers.map(([text]) => text).join(''));
    setAttribute(node, 'data-numbers', numbers.map(([text]) => text).join(' '));
    setAttribute(node, 'x', numbers.flatMap(([text, x]) => [...text].map((_, i) => Math.round((x + i * charWidth) * 10) / 10)).join(' '));
    setAttribute(node, 'y', y);
  }

  // The marks that are drawn together at a place of the drawing.
  groupAt(x) {
    return this.groups.find(({ left, right }) => left - 1 <= x && x <= right + 1);
  }

  // A letter is at the beginning of the visible part of its span, if there is room for it.
  drawLetters(points, view) {
    const places = Object.fromEntries(states.map((state) => [state, []]));
    const stop = Math.min(view.end, view.until, this.history.end ?? Infinity);
    for (const { state, from, to } of spansOf(points, stop)) {
      const x = Math.max(0, view.screenX(from));
      if (view.screenX(Math.min(to, stop)) - x >= letterWidth) places[knownState(state)].push(Math.round(x) + 5);
    }
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
