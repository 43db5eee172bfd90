// Explains in words what a lane shows at a point, for the pointer and for keys. Left and Right step through the lane's
// events, Home and End go to the first and the last. The explanation is shown as a tooltip and is the lane's value, which
// screen readers read out. A hairline marks the same moment in all lanes and in the chart.
import { firstAfter, firstAt, knownMarks, stateAt } from './fleet_history.js';
import { kindNames, kindOf } from './mark_kinds.js';
import { announce, at, count, make, stateName, time, transitionText } from './text.js';

const reach = 7; // px to either side
const mostTransitions = 5; // each on its own line
const mostTimes = 5; // of one kind of marks

const within = (events, from, to) => events.slice(firstAt(events, from), firstAfter(events, to));

// "2 failures at 1.00 s, 1.10 s; 1 late result at 1.20 s, wasted"
const marksText = (marks) => {
  const byKind = new Map();
  for (const mark of marks) byKind.set(kindOf(mark), [...(byKind.get(kindOf(mark)) ?? []), mark]);
  return Object.entries(kindNames).filter(([kind]) => byKind.has(kind)).map(([kind, name]) => {
    const those = byKind.get(kind);
    const wasted = those.filter((mark) => mark.wasted).length;
    const times = those.length <= mostTimes ? ` at ${those.map((mark) => time(at(mark))).join(', ')}` : '';
    return `${count(those.length, ...name)}${times}${wasted > 0 ? `, ${wasted === those.length ? '' : `${wasted} `}wasted` : ''}`;
  });
};

const stateText = (history, moment) => {
  const { state, store, since, is_cut: isCut } = stateAt(history, moment);
  const local = store === 'local' ? ', local breaker: Redis is unavailable' : '';
  return `${stateName(state)} since ${isCut ? 'before ' : ''}${time(since)}${local}`;
};

const nearestOf = (events, time) => {
  const distance = (event) => Math.abs(at(event) - time);
  return [...events].sort((a, b) => distance(a) - distance(b)).slice(0, mostTransitions).sort((a, b) => at(a) - at(b));
};

// { time, lines }: the events around a time, which becomes that of the nearest event, and the state after them. Marks that
// are drawn together are explained together.
const explain = (history, time, slack, until, group) => {
  const end = Math.min(time + slack, until);
  const transitions = within(history.transitions, time - slack, end);
  const marks = within(knownMarks(history, until), Math.min(group?.from ?? Infinity, time - slack), Math.min(until, Math.max(group?.to ?? -Infinity, end)));
  const times = [...transitions, ...marks].map(at);
  const nearest = times.reduce((best, each) => (Math.abs(each - time) < Math.abs(best - time) ? each : best), times[0] ?? time);
  const lines = nearestOf(transitions, time).map(transitionText);
  if (transitions.length > mostTransitions) lines.push(`and ${count(transitions.length - mostTransitions, 'more change')}`);
  lines.push(...marksText(marks));
  lines.push(stateText(history, Math.max(nearest, ...times)));
  return { time: nearest, lines };
};

// The moments at which keys stop, in order: every change, so that each cause can be read, and marks that are farther than
// `slack` from the stop before.
const stops = (history, slack, until) => {
  const changes = new Set(history.transitions.map(at));
  const times = [...changes, ...knownMarks(history, until).map(at)].filter((time) => time <= until).sort((a, b) => a - b);
  let last = -Infinity;
  return times.filter((time) => {
    const isStop = time - last > (changes.has(time) ? 0 : slack);
    if (isStop) last = time;
    return isStop;
  });
};

export class Tooltip {
  // `lanes` has the view, and the element that all plots lie in.
  constructor(lanes) {
    this.lanes = lanes;
    this.tip = make('div', { class: 'tip', hidden: true });
    this.hairline = make('div', { class: 'hairline', hidden: true });
    lanes.element.append(this.tip, this.hairline);
    document.addEventListener('pointerdown', (event) => {
      if (!this.shown?.lane.svg.contains(event.target)) this.hide();
    });
  }

  attach(lane) {
    const { svg } = lane;
    svg.addEventListener('pointermove', (event) => this.point(lane, event));
    svg.addEventListener('pointerdown', (event) => this.point(lane, event));
    svg.addEventListener('pointerleave', (event) => {
      if (event.pointerType !== 'touch') this.hide(); // for touch, the next tap elsewhere hides it
    });
    svg.addEventListener('keydown', (event) => this.key(lane, event));
    svg.addEventListener('blur', () => this.hide());
  }

  point(lane, event) {
    const { view } = this.lanes;
    const time = view.time(event.clientX - lane.svg.getBoundingClientRect().left);
    if (!lane.history || time > Math.min(view.until, view.end)) return this.hide();
    return this.show(lane, explain(lane.history, time, reach / view.scale, view.until, lane.groupAt(view.x(time))));
  }

  key(lane, event) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === 'Escape') this.hide();
    if (step === undefined || !lane.history) return;
    event.preventDefault();
    const { view } = this.lanes;
    const slack = reach / view.scale;
    const times = stops(lane.history, slack, Math.min(view.until, view.end)).filter((time) => time >= view.start);
    if (times.length === 0) return announce(`${lane.name}: nothing has happened`);
    lane.stoppedAt = this.next(times, lane.stoppedAt, step);
    const explanation = explain(lane.history, lane.stoppedAt, slack, view.until, lane.groupAt(view.x(lane.stoppedAt)));
    this.show(lane, explanation);
    lane.setValue(explanation.time, `${time(explanation.time)}: ${explanation.lines.join('; ')}`);
  }

  next(times, current, step) {
    if (step === Infinity || (current === undefined && step < 0 && step > -Infinity)) return times[times.length - 1];
    if (step === -Infinity || current === undefined) return times[0];
    if (step < 0) return times.findLast((time) => time < current) ?? times[0];
    return times.find((time) => time > current) ?? times[times.length - 1];
  }

  show(lane, { time: moment, lines }) {
    this.shown = { lane, time: moment };
    this.tip.replaceChildren(make('b', { text: `${time(moment)}, ${lane.name}` }), ...lines.map((text) => make('span', { text })));
    this.place();
  }

  // At the shown moment's current place, as the lanes move; below the plot and within the drawing.
  place() {
    if (!this.shown) return;
    const { lane, time } = this.shown;
    const { view } = this.lanes;
    if (time < view.start || time > Math.min(view.until, view.end)) return this.hide();
    this.tip.hidden = false;
    this.hairline.hidden = false;
    const around = this.lanes.element.getBoundingClientRect();
    const plot = lane.svg.getBoundingClientRect();
    const left = plot.left - around.left + view.screenX(time);
    const width = this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(left - width / 2, around.width - width))}px`;
    this.tip.style.top = `${plot.bottom - around.top + 2}px`;
    this.hairline.style.left = `${Math.round(left)}px`;
  }

  hide() {
    this.shown = null;
    this.tip.hidden = true;
    this.hairline.hidden = true;
  }
}
