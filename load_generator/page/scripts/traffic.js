// The chart under the lanes, on their time axis: calls per second that reached the upstream (answered, and failed in
// front of them), and those that breakers blocked, as a line. Drawn by dygraphs, at most once a second; in between it
// is moved with the lanes. Its colours are the style sheet's, read again when the theme changes. Of the library's
// plug-ins none is used: axis and legend are the page's own, and its legend would need styles in markup.
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
    // atLeast: so high is the chart, whatever it shows.
    constructor(atLeast = 1) {
      this.atLeast = atLeast;
      this.rows = [];
      this.drawnAt = -Infinity;
      this.values = {};
      const head = Lab.make('div', { class: 'lane-head' }, Lab.make('span', { class: 'lane-name', text: 'Calls a second' }));
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
        this.drawAnew(traffic, view);
      }
      this.chart.style.transform = `translateX(${-Math.round((view.start - this.drawnStart) * view.scale)}px)`;
      const hidden = Math.max(0, view.width - view.seenX(view.until));
      this.chart.style.clipPath = hidden > 0 ? `inset(0 ${hidden}px 0 0)` : '';
      this.tellValues(Math.min(view.until, view.end));
    }

    drawAnew(traffic, view) {
      this.drawnStart = view.start;
      this.fillRows(traffic, view);
      if (this.rows.length < 2) this.clear();
      else this.drawRows(view);
    }

    drawRows(view) {
      const options = { file: this.rows, dateWindow: [view.start, view.end], valueRange: [0, this.highest(view) * 1.12] };
      if (!this.graph) this.graph = new Dygraph(this.chart, this.rows, { ...this.looks(), ...options, width: view.width, height });
      else if (this.graph.width_ !== view.width) {
        this.graph.updateOptions(options, true);
        this.graph.resize(view.width, height);
      } else this.graph.updateOptions(options);
    }

    // Nothing to draw yet; nor may another story's drawing stay.
    clear() {
      this.graph?.destroy();
      this.graph = null;
    }

    // One row a step, in calls per second; a step that is not over by traffic.until would look like a drop. Rows are used
    // again.
    fillRows(traffic, view) {
      const { step_ms: step, first_step: first = 0, upstream_calls: calls, upstream_failures: failures, blocked } = traffic;
      const count = Math.max(0, Math.min(calls.length, Math.floor(traffic.until / step) - first));
      const perSecond = 1000 / step;
      this.rows.length = Math.min(this.rows.length, count + 1);
      for (let i = 0; i <= count && count > 0; i += 1) {
        const from = Math.min(i, count - 1); // the last one again, at its end
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

    looks() {
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
        rightGap: 0, // a moment lies where it lies in the lanes
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

    // Over what is drawn, with an outline that keeps them legible there, as the lanes' letters have.
    drawNumbers(context, graph) {
      Object.assign(context, { fillStyle: this.ink, strokeStyle: this.ground, lineWidth: 4, lineJoin: 'round', font: '11px system-ui, sans-serif' });
      for (const value of [this.top, this.top / 2]) {
        const place = [Lab.number(value), graph.getArea().x + 3, graph.toDomYCoord(value) + 12];
        context.strokeText(...place);
        context.fillText(...place);
      }
    }

    // The figures beside the chart: of the last step that is over by `time`.
    tellValues(time) {
      const next = this.rows.findLastIndex(([start]) => start <= time);
      const [, calls, failed, blocked] = this.rows[next - 1] || [];
      const figures = { answered: calls - failed, failed, blocked };
      for (const kind of kinds) Lab.setText(this.values[kind], Lab.number(figures[kind]));
      Lab.setAttribute(this.chart, 'aria-label',
        `Calls a second: ${kinds.map((kind) => `${Lab.number(figures[kind])} ${kind}`).join(', ')}`);
    }

    recolour() {
      if (this.graph) this.graph.updateOptions(this.looks());
    }
  }

  Lab.Traffic = Traffic;
}
