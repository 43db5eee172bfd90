// All lanes of a fleet over one time axis. show() gives them histories and a window; they draw at once, and again when
// their width changes. Lanes appear and disappear with the instances; hidden lanes have no width and are not drawn.
// `below` is drawn under the lanes, on the same axis: the traffic chart. `makeLane` makes the lane of a name.
import { Axis, View } from './axis.js';
import { setUntil } from './marks.js';
import { Lane } from './lane.js';
import { make } from './text.js';
import { Tooltip } from './tooltip.js';

const manyLanes = 5;

export class Lanes {
  constructor(element, below = null, makeLane = (name, tooltip) => new Lane(name, tooltip)) {
    this.element = element;
    this.below = below;
    this.makeLane = makeLane;
    this.isOnPaper = false;
    this.view = new View();
    this.lanes = new Map();
    this.axis = new Axis();
    this.rows = make('div', { class: 'lane-rows' });
    this.axisPlot = make('div', { class: 'lane-plot' }, this.axis.svg);
    element.classList.add('lanes');
    element.append(this.rows, make('div', { class: 'axis-row' }, make('div', { class: 'lane-head' }), this.axisPlot));
    this.tooltip = new Tooltip(this);
    if (below) element.append(below.element);
    this.width = 0;
    new ResizeObserver(() => {
      this.measure();
      this.redraw();
    }).observe(this.axisPlot);
  }

  // After changes to the document this costs a layout of the page, so it is not done for each drawing.
  measure() {
    this.width = Math.floor(this.axisPlot.clientWidth);
  }

  // traffic: of the same fleet; until: the time up to which events are shown.
  show(histories, traffic, start, end, until = Infinity) {
    this.shown = { histories, traffic, start, end, until };
    this.redraw();
  }

  redraw() {
    const { width } = this;
    if (!this.shown || width === 0) return;
    const { histories, traffic, start, end, until } = this.shown;
    this.fit([...histories.keys()]);
    this.view.set(start, end, width, until);
    setUntil(until < end ? this.view.screenX(until) : width);
    for (const [name, lane] of this.lanes) lane.draw(histories.get(name), this.view);
    this.axis.draw(this.view);
    if (this.below) this.below.draw(traffic, this.view);
    this.tooltip.place();
  }

  fit(names) {
    if (names.length === this.lanes.size && names.every((name) => this.lanes.has(name))) return;
    this.tooltip.hide();
    const focused = /** @type {any} */ (document.activeElement.closest('.lane'))?.dataset.lane;
    this.lanes = new Map(names.map((name) => [name, this.lanes.get(name) || this.makeLane(name, this.tooltip)]));
    this.setSizes();
    this.element.classList.toggle('many', names.length > manyLanes);
    this.rows.replaceChildren(...[...this.lanes.values()].map((lane) => lane.row));
    this.lanes.get(focused)?.svg.focus({ preventScroll: true });
  }

  setSizes() {
    for (const lane of this.lanes.values()) lane.setSize(this.lanes.size > manyLanes, this.isOnPaper);
  }

  // On paper many lanes are slim.
  setPaper(isOnPaper) {
    this.isOnPaper = isOnPaper;
    this.setSizes();
  }

  // For another fleet with the same names: discards all drawings.
  reset() {
    this.lanes = new Map();
    this.view = new View();
  }

  setState(name, state, detail) {
    this.lanes.get(name)?.setState(state, detail);
  }
}
