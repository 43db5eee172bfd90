// The chart under the lanes, on their time axis: calls per second that reached the upstream (answered, with failed ones in
// front of them), and calls that breakers blocked, as a line. dygraphs draws it at most once a second; in between it moves
// with the lanes. Its colours are those of the style sheet, read again when the theme changes. It uses none of the
// library's plug-ins: the page has its own axis and legend, and the library's legend would need styles in markup.
'use strict';

{
  Dygraph.PLUGINS = [];
  const height = 110;
  const leastPause = 950; // ms

  const ceilings = [1, 1.5, 2, 3, 4, 5, 6, 8];
  const ceiling = (value) => {
    const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
    return (ceilings.find((each) => each * power >= value) || 10) * power;
  };

  const kinds = ['answered', 'failed', 'blocked'];

  class Traffic {
    // atLeast: the chart's smallest height, in calls per second.
    constructor(atLeast = 1) {
      this.atLeast = atLeast;
      this.rows = [];
      this.drawnAt = -Infinity;
      this.values = {};
      const head = Lab.make('div', { class: 'lane-head' }, Lab.make('span', { class: 'lane-name', text: 'Calls per second' }));
      for (const kind of kinds) {
        this.values[kind] = Lab.make('span', { class: 'value' });
        head.append(Lab.make('span', { class: `key key-${kind}` }, `${kind} `, this.values[kind]));
      }
      this.chart = Lab.make('div', { class: 'chart', role: 'img' });
      this.element = Lab.make('div', { class: 'traffic' }, head, Lab.make('div', { class: 'lane-plot' }, this.chart));
      matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.recolour());
    }

    draw(traffic, view) {
      this.view = view;
      const now = performance.now();
      if (traffic !== this.traffic || view.drawing !== this.drawing || now - this.drawnAt > leastPause) {
        this.drawnAt = now;
        this.drawing = view.drawing;
        this.traffic = traffic;
        this.redraw(traffic, view);
      }
      this.chart.style.transform = `translateX(${-Math.round((view.start - this.drawnStart) * view.scale)}px)`;
      const hidden = Math.max(0, view.width - view.screenX(view.until));
      this.chart.style.clipPath = hidden > 0 ? `inset(0 ${hidden}px 0 0)` : '';
      this.showValues(Math.min(view.until, view.end));
    }

    redraw(traffic, view) {
      this.drawnStart = view.start;
      this.fillRows(traffic, view);
      if (this.rows.length < 2) this.clear();
      else this.drawRows(view);
    }

    drawRows(view) {
      const options = { file: this.rows, dateWindow: [view.start, view.end], valueRange: [0, this.highest(view) * 1.12] };
      if (!this.graph) this.graph = new Dygraph(this.chart, this.rows, { ...this.appearance(), ...options, width: view.width, height });
      else if (this.graph.width_ !== view.width) {
        this.graph.updateOptions(options, true);
        this.graph.resize(view.width, height);
      } else this.graph.updateOptions(options);
    }

    // There is nothing to draw yet; a drawing of another fleet must not stay.
    clear() {
      this.graph?.destroy();
      this.graph = null;
    }

    // One row per step, in calls per second. A step that is not over by traffic.until is left out: it would look like a
    // drop. Rows are reused.
    fillRows(traffic, view) {
      const { step_ms: step, first_step: first = 0, upstream_calls: calls, upstream_failures: failures, blocked } = traffic;
      const count = Math.max(0, Math.min(calls.length, Math.floor(traffic.until / step) - first));
      const perSecond = 1000 / step;
      this.rows.length = Math.min(this.rows.length, count + 1);
      for (let i = 0; i <= count && count > 0; i += 1) {
        const from = Math.min(i, count - 1); // repeats the last step at its end
        const row = this.rows[i] || (this.rows[i] = [0, 0, 0, 0]);
        row[0] = (first + i) * step;
        row[1] = calls[from] * perSecond;
        row[2] = failures[from] * perSecond;
        row[3] = blocked[from] * perSecond;
      }
    }

    highest(view) {
      let most = this.atLeast;
      for (const row of this.rows) if (row[0] >= view.start) most = Math.max(most, row[1], row[3]);
      this.top = ceiling(most);
      return this.top;
    }

    appearance() {
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => style.getPropertyValue(name).trim();
      this.ink = colour('--quiet');
      this.line = colour('--grid');
      this.ground = colour('--card');
      const series = (name, alpha) => ({ color: colour(`--${name}`), fillGraph: true, fillAlpha: alpha, strokeWidth: 1.5 });
      return {
        labels: ['time', 'answered', 'failed', 'blocked'],
        stepPlot: true,
        series: {
          answered: series('answered', 0.28),
          failed: series('failed', 0.75),
          blocked: { color: colour('--blocked'), strokePattern: [5, 3], strokeWidth: 2, strokeBorderWidth: 1.5, strokeBorderColor: this.ground },
        },
        axes: { x: { drawAxis: false }, y: { drawAxis: false } },
        legend: 'never',
        highlightCircleSize: 0,
        rightGap: 0, // a moment is at the same place as in the lanes
        interactionModel: {},
        underlayCallback: (context, area, graph) => this.drawGround(context, area, graph),
        drawCallback: (graph) => this.drawNumbers(graph.hidden_ctx_, graph),
      };
    }

    drawGround(context, area, graph) {
      context.strokeStyle = this.line;
      context.lineWidth = 1;
      context.beginPath();
      for (const time of this.view.ticks().times) {
        const x = Math.round(graph.toDomXCoord(time)) + 0.5;
        context.moveTo(x, area.y);
        context.lineTo(x, area.y + area.h);
      }
      for (const value of [this.top, this.top / 2]) {
        const y = Math.round(graph.toDomYCoord(value)) + 0.5;
        context.moveTo(area.x, y);
        context.lineTo(area.x + area.w, y);
      }
      context.stroke();
    }

    // Over the drawing, with an outline that keeps them legible, as the lanes' letters have.
    drawNumbers(context, graph) {
      Object.assign(context, { fillStyle: this.ink, strokeStyle: this.ground, lineWidth: 4, lineJoin: 'round', font: '11px system-ui, sans-serif' });
      for (const value of [this.top, this.top / 2]) {
        const place = [Lab.number(value), graph.getArea().x + 3, graph.toDomYCoord(value) + 12];
        context.strokeText(...place);
        context.fillText(...place);
      }
    }

    // The figures beside the chart, of the last step that is over by `time`.
    showValues(time) {
      const next = this.rows.findLastIndex(([start]) => start <= time);
      const [, calls, failed, blocked] = this.rows[next - 1] || [];
      const figures = { answered: calls - failed, failed, blocked };
      for (const kind of kinds) Lab.setText(this.values[kind], Lab.number(figures[kind]));
      Lab.setAttribute(this.chart, 'aria-label',
        `Calls per second: ${kinds.map((kind) => `${Lab.number(figures[kind])} ${kind}`).join(', ')}`);
    }

    recolour() {
      if (this.graph) this.graph.updateOptions(this.appearance());
    }
  }

  Lab.Traffic = Traffic;
}
