// The lab's map: callers, instances, their switches and wires, the upstream and Redis. Each object is a button; pressing it
// chooses the object, and the panel beside the map shows what can be done to it. Nothing on the map moves when its state
// changes: what changes is colour, drawing and words.

import { draw, make, setAttribute, setText } from '../shared/text.js';
import { mapOf } from './model.js';

const conditions = { healthy: 'healthy', flaky: 'flaky', slow: 'slow', down: 'down', other: 'faulty', away: 'no answer' };
const processes = { running: '', unknown: 'no answer', killed: 'killed', frozen: 'frozen' };
const stateWords = { closed: 'closed', open: 'open', half_open: 'half-open', unknown: 'unknown' };
const mostPips = 8;

const switchGlyph = () => draw('svg', { viewBox: '0 0 40 20', width: 40, height: 20, 'aria-hidden': 'true', class: 'switch-glyph' },
  draw('circle', { cx: 5, cy: 14, r: 3 }), draw('circle', { cx: 35, cy: 14, r: 3 }),
  draw('line', { class: 'blade', x1: 5, y1: 14, x2: 35, y2: 14 }));

const wireGlyph = () => draw('svg', { viewBox: '0 0 100 12', preserveAspectRatio: 'none', 'aria-hidden': 'true', class: 'wire-glyph' },
  draw('line', { class: 'whole', x1: 0, y1: 6, x2: 100, y2: 6 }),
  draw('path', { class: 'cut', d: 'M0 6H42M58 6H100M44 1L52 11M50 1L58 11' }));

// A button of the map; `kind` and `name` are what it stands for. The spaces keep its words apart where they are spoken.
const object = (kind, name, ...children) =>
  make('button', { type: 'button', class: `object object-${kind}`, 'data-object': name ? `${kind}:${name}` : kind, 'aria-pressed': 'false' },
    ...children.flatMap((child) => [child, ' ']));

class Row {
  constructor(instance) {
    const { name, letter } = instance;
    this.name = name;
    this.note = make('small');
    this.instance = object('instance', name, make('b', { text: letter }), this.note);
    this.state = make('small');
    this.switch = object('switch', name, switchGlyph(), this.state);
    this.pips = make('span', { class: 'pips', 'aria-hidden': 'true' });
    this.cut = make('small');
    this.wire = object('wire', name, wireGlyph(), this.cut);
    this.nodes = [this.instance, this.switch, this.pips, this.wire];
  }

  show({ state, failures, override, isCut, isLocal, process }) {
    const about = processes[process] || (isLocal ? 'local breaker' : '');
    setText(this.note, about);
    setAttribute(this.instance, 'data-process', process);
    setAttribute(this.instance, 'aria-label', `${this.name}: ${about || 'running'}`);
    setAttribute(this.switch, 'data-state', state);
    const forced = override ? ', forced' : '';
    setText(this.state, `${stateWords[state]}${forced}`);
    setAttribute(this.switch, 'aria-label', `Switch of ${this.name}: ${stateWords[state]}${forced}`);
    const pips = state === 'closed' ? Math.min(failures, mostPips) : 0;
    setText(this.pips, '●'.repeat(pips));
    setAttribute(this.wire, 'data-cut', isCut);
    setText(this.cut, isCut ? 'cut' : '');
    setAttribute(this.wire, 'aria-label', `Wire from ${this.name} to the upstream: ${isCut ? 'cut' : 'whole'}`);
  }
}

export class FleetMap {
  // choose(kind, name) is called when an object is chosen; the upstream is chosen at the start.
  constructor(holder, choose) {
    this.holder = holder;
    this.choose = choose;
    this.chosen = 'upstream';
    this.rows = [];
    this.rate = make('small');
    this.callers = object('callers', '', make('b', { text: 'callers' }), this.rate);
    this.condition = make('small');
    this.upstream = object('upstream', '', make('b', { text: 'upstream' }), this.condition);
    this.sharing = make('small');
    this.redis = object('redis', '', make('b', { text: 'Redis' }), this.sharing);
    holder.addEventListener('click', (event) => this.pressed(event.target.closest('.object')));
  }

  pressed(node) {
    if (node === null) return;
    this.chosen = node.dataset.object;
    this.showChosen();
    const [kind, name = ''] = this.chosen.split(/:(.*)/s);
    this.choose(kind, name);
  }

  showChosen() {
    for (const node of this.holder.querySelectorAll('.object')) setAttribute(node, 'aria-pressed', node.dataset.object === this.chosen);
  }

  show(frame) {
    const map = mapOf(frame);
    this.build(map);
    setText(this.rate, map.rate > 0 ? `${map.rate} a second` : 'no load');
    setText(this.condition, conditions[map.condition]);
    setAttribute(this.upstream, 'data-condition', map.condition);
    this.rows.forEach((row, i) => row.show(map.instances[i]));
    if (map.redis) this.showRedis(map);
  }

  build({ instances, redis }) {
    const shape = JSON.stringify([instances.map(({ name }) => name), redis !== null]);
    if (shape === this.shape) return;
    this.shape = shape;
    this.rows = instances.map((instance) => new Row(instance));
    const grid = make('div', { class: 'map-grid' }, this.callers, make('div', { class: 'map-rows' }, ...this.rows.flatMap(({ nodes }) => nodes)), this.upstream);
    this.holder.replaceChildren(grid, ...(redis ? [make('div', { class: 'map-redis' }, this.redis)] : []));
    this.showChosen();
  }

  showRedis({ redis, instances }) {
    const { process, away, isShared } = redis;
    const known = process === 'unknown' ? '' : processes[process];
    const about = known || (away === 0 ? 'one breaker for all switches' : isShared ? `${away} of ${instances.length} do without it` : 'all do without it');
    setText(this.sharing, about);
    setAttribute(this.redis, 'data-process', process === 'unknown' && away > 0 ? 'away' : process);
  }
}
