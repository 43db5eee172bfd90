// The report draws the runs that it contains. For each scenario: the lanes of all its runs on one time axis, calls per
// second under them, expectations beside measurements, and every transition with its cause. It fetches nothing. For paper
// the lanes are drawn again, as wide as the sheet and in light colours. A canvas drawn again just before printing comes
// out empty, so each chart has an image in light colours ready.
'use strict';

{
  const at = (event) => event.at_ms_since_start;
  const drawings = [];

  const most = (numbers, least = 0) => numbers.reduce((a, b) => Math.max(a, b), least);
  const mostASecond = ({ traffic: { step_ms: step, upstream_calls: calls, blocked } }) => (most(blocked, most(calls)) * 1000) / step;

  const runBlock = (run, length, top) => {
    const plots = Lab.make('div');
    const { disagreement_ms: disagreed, wasted } = run.measures;
    const summary = [`instances disagreed for ${Lab.duration(disagreed ?? 0)}`, `${Lab.number(wasted ?? 0)} calls wasted`];
    const block = Lab.make('section', { class: 'run', 'data-run': run.variant },
      Lab.make('h3', {}, Lab.make('b', { text: `${Lab.designName(run.variant)}${run.again}` }), run.instances.length > 1 ? ` ${summary.join(', ')}` : ''),
      plots);
    const traffic = new Lab.Traffic(top);
    const lanes = new Lab.Lanes(plots, traffic);
    const histories = Lab.historiesOf(run);
    run.traffic.until = run.length_ms;
    drawings.push({ traffic, show: (paper) => {
      lanes.below = paper ? null : traffic;
      lanes.measure();
      lanes.show(histories, run.traffic, 0, length);
      for (const [name, history] of histories) lanes.setState(name, Lab.stateAt(history, run.length_ms).state, 'at the end');
    } });
    return block;
  };

  const causeList = (runs) => Lab.make('dl', { class: 'causes' }, ...runs.flatMap((run) => run.expectations.flatMap((expectation) => [
    Lab.make('dt', { text: `${run.variant}${run.again}, ${Lab.measureName(expectation.measure)}: ${expectation.expected}` }),
    Lab.make('dd', { text: expectation.because })])));

  const transitionRow = (run, transition) => Lab.make('tr', { 'data-transition': run.variant },
    Lab.make('td', { class: 'figure', text: Lab.time(at(transition)) }), Lab.make('td', { text: `${run.variant}${run.again}` }),
    Lab.make('td', { text: transition.instance }),
    Lab.make('td', { text: `${Lab.stateName(transition.from)} → ${Lab.stateName(transition.to)}` }),
    Lab.make('td', { text: transition.cause }));

  const transitionTable = (runs) => {
    const rows = runs.flatMap((run) => run.transitions.map((transition) => transitionRow(run, transition)));
    if (rows.length === 0) return Lab.make('p', { class: 'quiet', text: 'No breaker changed its state.' });
    const heads = ['time', 'design', 'reported by', 'change', 'cause'];
    return Lab.make('div', { class: 'scrolled' }, Lab.make('table', { class: 'results transitions' },
      Lab.make('thead', {}, Lab.make('tr', {}, ...heads.map((text) => Lab.make('th', { scope: 'col', text })))),
      Lab.make('tbody', {}, ...rows)));
  };

  const scenarioSection = (runs) => {
    const length = most(runs.map((run) => run.length_ms));
    const top = most(runs.map(mostASecond), 1);
    runs.forEach((run, i) => {
      const earlier = runs.slice(0, i).filter(({ variant }) => variant === run.variant).length;
      run.again = earlier > 0 ? `, run ${earlier + 1}` : '';
    });
    return Lab.make('section', { class: 'card scenario', 'data-scenario': runs[0].name },
      Lab.make('h2', { text: runs[0].name }), Lab.make('p', { class: 'question', text: runs[0].question }),
      ...runs.map((run) => runBlock(run, length, top)), Lab.legend(),
      Lab.make('h3', { text: 'Expected and measured' }), Lab.figureTable(runs), causeList(runs),
      Lab.make('h3', { text: 'Every transition and its cause' }), transitionTable(runs));
  };

  const byScenario = (runs) => {
    const groups = new Map();
    for (const run of runs) groups.set(run.name, [...(groups.get(run.name) || []), run]);
    return [...groups.values()];
  };

  const drawAll = (paper) => drawings.forEach(({ show }) => show(paper));

  const addImage = ({ chart }) => {
    const layers = chart.querySelectorAll('canvas');
    if (layers.length === 0) return;
    const image = Lab.make('canvas', { width: layers[0].width, height: layers[0].height });
    for (const layer of layers) image.getContext('2d').drawImage(layer, 0, 0);
    chart.append(Lab.make('img', { class: 'image', alt: '', src: image.toDataURL() }));
  };

  const inPaperColours = (work) => {
    const recolour = () => drawings.forEach(({ traffic }) => traffic.recolour());
    document.documentElement.classList.add('paper');
    recolour();
    work();
    document.documentElement.classList.remove('paper');
    recolour();
  };

  const print = (paper) => {
    document.documentElement.classList.toggle('paper', paper);
    drawAll(paper);
  };

  const runs = JSON.parse(Lab.byId('runs').textContent);
  const groups = byScenario(runs);
  Lab.definePatterns();
  const names = groups.map(([first]) => first.name);
  Lab.setText(Lab.byId('report-of'), `${names.join(', ')}: ${Lab.count(runs.length, 'run')}`);
  document.title = `Runs side by side: ${names.join(', ')}`;
  Lab.byId('report').replaceChildren(...groups.map(scenarioSection));
  drawAll(false);
  inPaperColours(() => drawings.forEach(({ traffic }) => addImage(traffic)));
  addEventListener('beforeprint', () => print(true));
  addEventListener('afterprint', () => print(false));
}
