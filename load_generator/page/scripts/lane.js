// One instance's lane: its name, its current state, and an SVG of its history. However many events there are, it has one
// path per state, per kind of mark and per flag colour, and one text for all letters of a state; marks that would cover
// each other are drawn once. A drawing is reused, and only moved, until the history changes.
'use strict';

{
  const roomy = { height: 54, spanTop: 10, spanHeight: 25, marksAt: 45 };
  const compact = { height: 40, spanTop: 7, spanHeight: 17, marksAt: 32 };
  const closeBy = 4; // px; marks of one kind within them are drawn once
  const letterWidth = 15;

  const at = (event) => event.at_ms_since_start;

  class Lane {
    constructor(name, tooltip) {
      this.name = name;
      this.drawn = '';
      this.drawnGrid = '';
      this.shownUntil = 0;
      this.state = Lab.make('strong', { class: 'state' });
      this.detail = Lab.make('span', { class: 'detail' });
      this.makeDrawing();
      this.row = Lab.make('div', { class: 'lane', 'data-lane': name },
        Lab.make('div', { class: 'lane-head' }, Lab.make('span', { class: 'lane-name', text: name, title: name }), this.state, this.detail),
        Lab.make('div', { class: 'lane-plot' }, this.svg));
      if (tooltip) tooltip.attach(this);
    }

    makeDrawing() {
      const paths = (prefix, kinds, more = '') =>
        Object.fromEntries(kinds.map((kind) => [kind, Lab.draw('path', { class: `${prefix} ${prefix}-${kind}${more}` })]));
      this.spans = paths('span', Lab.states);
      this.marks = paths('mark', Object.keys(Lab.markKinds));
      this.flags = paths('flag', Lab.states);
      this.local = Lab.draw('path', { class: 'local-line' });
      this.grid = Lab.draw('path', { class: 'grid' });
      this.letters = Object.fromEntries(Lab.states.map((state) => [state, Lab.draw('text', { class: `letter letter-${state}` })]));
      this.moved = [Lab.draw('g', {}, this.grid, ...Object.values(this.spans), this.local),
        Lab.draw('g', {}, ...Object.values(this.flags), ...Object.values(this.marks))];
      this.svg = Lab.draw('svg', { role: 'slider', tabindex: 0, 'aria-label': `History of ${this.name}`, 'aria-valuemin': 0 },
        Lab.draw('g', { 'clip-path': 'url(#until)' }, this.moved[0]), ...Object.values(this.letters), this.moved[1]);
    }

    setSize(many) {
      this.size = many ? compact : roomy;
      Lab.setAttribute(this.svg, 'height', this.size.height);
    }

    // The state beside the name, and for screen readers.
    setState(state, detail) {
      Lab.setAttribute(this.row, 'data-state', Lab.knownState(state));
      Lab.setText(this.state, Lab.stateName(state));
      Lab.setText(this.detail, detail);
      if (!this.hasFocus) this.setValue(this.shownUntil, `${Lab.stateName(state)} ${detail}`.trim());
    }

    // With the focus, the value is the moment that the user chose with keys, not the current state: a screen reader would
    // read out each change of that.
    get hasFocus() {
      return document.activeElement === this.svg;
    }

    setValue(time, text) {
      Lab.setAttribute(this.svg, 'aria-valuenow', Math.round(time));
      Lab.setAttribute(this.svg, 'aria-valuetext', text);
    }

    draw(history, view) {
      this.history = history;
      this.shownUntil = Math.min(view.until, view.end);
      Lab.setAttribute(this.svg, 'aria-valuemax', Math.ceil(view.end));
      Lab.setAttribute(this.svg, 'width', view.width);
      for (const group of this.moved) Lab.setAttribute(group, 'transform', `translate(${view.shift})`);
      const shown = [history.transitions, history.marks].map((events) => Lab.firstAfter(events, view.until));
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

    drawSpans(states, view) {
      const { spanTop, spanHeight } = this.size;
      const paths = Object.fromEntries(Lab.states.map((state) => [state, '']));
      let local = '';
      states.forEach((state, i) => {
        const x = view.x(at(state));
        const end = view.x(i + 1 < states.length ? at(states[i + 1]) : this.history.end ?? view.farAhead);
        const width = Math.max(1.5, Math.round((end - x) * 10) / 10);
        paths[Lab.knownState(state.state)] += `M${x} ${spanTop}h${width}v${spanHeight}h${-width}z`;
        if (state.store === 'local') local += `M${x} ${spanTop + spanHeight + 2}h${width}`;
      });
      for (const state of Lab.states) Lab.setAttribute(this.spans[state], 'd', paths[state]);
      Lab.setAttribute(this.local, 'd', local);
    }

    drawMarks(marks, view) {
      const paths = {};
      const last = {};
      const add = (kind, x) => {
        if (last[kind] !== undefined && x - last[kind] < closeBy) return;
        last[kind] = x;
        const { shape, size } = Lab.markKinds[kind];
        paths[kind] = (paths[kind] || '') + shape(x, this.size.marksAt, size);
      };
      for (const mark of marks) {
        const x = view.x(at(mark));
        if (mark.wasted) add('wasted', x);
        add(Lab.kindOf(mark), x);
      }
      for (const kind of Object.keys(this.marks)) Lab.setAttribute(this.marks[kind], 'd', paths[kind] || '');
    }

    drawFlags(transitions, view) {
      const paths = {};
      for (const transition of transitions) {
        const state = Lab.knownState(transition.to);
        paths[state] = (paths[state] || '') + Lab.flag(view.x(at(transition)), this.size.spanTop + this.size.spanHeight);
      }
      for (const state of Lab.states) Lab.setAttribute(this.flags[state], 'd', paths[state] || '');
    }

    // A letter is at the beginning of the visible part of its span, if there is room for it.
    drawLetters(states, view) {
      const places = Object.fromEntries(Lab.states.map((state) => [state, []]));
      const stop = Math.min(view.end, view.until, this.history.end ?? Infinity);
      states.forEach((state, i) => {
        const x = Math.max(0, view.screenX(at(state)));
        const end = view.screenX(i + 1 < states.length ? Math.min(at(states[i + 1]), stop) : stop);
        if (end - x >= letterWidth) places[Lab.knownState(state.state)].push(Math.round(x) + 5);
      });
      for (const state of Lab.states) {
        Lab.setText(this.letters[state], Lab.stateLetter(state).repeat(places[state].length));
        Lab.setAttribute(this.letters[state], 'x', places[state].join(' '));
        Lab.setAttribute(this.letters[state], 'y', this.size.spanTop + this.size.spanHeight / 2 + 4.5);
      }
    }

    drawGrid(view) {
      const path = view.ticks().times.map((time) => `M${view.x(time)} 0V${this.size.height}`).join('');
      if (path !== this.drawnGrid) this.grid.setAttribute('d', path);
      this.drawnGrid = path;
    }
  }

  Lab.Lane = Lane;
}
