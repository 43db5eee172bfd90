// Finished runs in the page's replay and in the report, which is opened as a file. Both show what the runs' files say.
import { expect, numberIn, openUi, photograph, test } from './support/lab.js';
import { hardToRead, looks, showAs, sideways } from './support/looks.js';

test.describe.configure({ mode: 'default' }); // in one worker, which plays the outage once

const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
const slider = (page) => page.locator('#replay-slider');
const cursor = async (page) => Number(await slider(page).inputValue());
const setSlider = (page, at) => slider(page).evaluate((node, value) => {
  node.value = value;
  node.dispatchEvent(new Event('input', { bubbles: true }));
}, at);

const replayRun = async (page, ui, name) => {
  await openUi(page, ui.url, 3);
  await page.selectOption('#runs', name);
  await page.click('#replay-run');
  await expect(page.locator('body')).toHaveAttribute('data-mode', 'replay');
};

test('a finished run is replayed: at each moment lanes and figures are those of its file', async ({ page, idleUi, outage }) => {
  const { states, transitions, traffic, measures, instances, length_ms: length } = outage.runs[2];
  await replayRun(page, idleUi, 'outage-redis');
  const stateAt = (instance, at) => states[instance].findLast((each) => each.at_ms_since_start <= at)?.state ?? 'unknown';
  const expectLanesOfNow = async () => {
    const at = await cursor(page);
    for (const instance of instances) {
      const lane = page.locator(`[data-lane="${instance}"]`);
      await expect(lane, `at ${at}`).toHaveAttribute('data-state', stateAt(instance, at));
    }
  };
  await setSlider(page, length);
  for (const kind of ['upstream_calls', 'upstream_failures', 'blocked']) {
    expect(await numberIn(page, `[data-replay-count=${kind}]`), kind).toBe(sum(traffic[kind]));
    expect(sum(traffic[kind]), kind).toBe(measures[kind]);
  }
  expect(await numberIn(page, '[data-replay-count=transitions]')).toBe(transitions.length);
  for (const part of [0.1, 0.5, 1]) {
    await setSlider(page, length * part);
    await expectLanesOfNow();
  }
  await photograph(page, 'replay');

  await setSlider(page, 0);
  // The page steps by time; a run's file may list what two instances report a few milliseconds apart the other way round.
  const byTime = [...transitions].sort((a, b) => a.at_ms_since_start - b.at_ms_since_start);
  for (const { at_ms_since_start: at, cause } of byTime) {
    await page.click('#replay-next');
    expect(await cursor(page)).toBeCloseTo(at, 0);
    await expect(page.locator('#replay-words')).toContainText(cause);
    await expectLanesOfNow();
  }
  await page.click('#replay-previous');
  expect(await cursor(page)).toBeLessThan(byTime.at(-1).at_ms_since_start);
  await page.click('#replay-live');
  await expect(page.locator('body')).toHaveAttribute('data-mode', 'live');
});

test('the address names the run that is replayed, and no longer does once the page is live again', async ({ page, idleUi, outage }) => {
  expect(outage.runs).toHaveLength(3);
  await replayRun(page, idleUi, 'outage-redis');
  expect(page.url()).toBe(`${idleUi.url}/lab#/run/outage-redis`);
  await page.reload();
  await expect(page.locator('body')).toHaveAttribute('data-mode', 'replay');
  await page.click('#replay-live');
  await expect(page.locator('body')).toHaveAttribute('data-mode', 'live');
  expect(page.url()).toBe(`${idleUi.url}/lab#/lab`);
  await page.reload();
  await expect(page.locator('#connection')).toHaveAttribute('data-connected', 'true');
  await expect(page.locator('body')).toHaveAttribute('data-mode', 'live');
});

for (const [width, height] of [[1280, 800], [1920, 1080], [390, 844]]) {
  test(`a replay begins with the page’s head, its controls and its first lane in view (${width} x ${height})`, async ({ page, idleUi, outage }) => {
    expect(outage.runs).toHaveLength(3);
    await page.setViewportSize({ width, height });
    await replayRun(page, idleUi, 'outage-distributed');
    for (const css of ['h1', '#title', '#replay-live', '#replay-slider', '#replay-words']) {
      await expect(page.locator(css)).toBeInViewport({ ratio: 1 });
    }
    await expect(page.locator('[data-lane]').first()).toBeInViewport({ ratio: 1 });
  });
}

test('a replay runs at the chosen speed', async ({ page, idleUi, outage }) => {
  await page.clock.install({ time: 0 });
  await replayRun(page, idleUi, 'outage-redis');
  await page.clock.pauseAt(1_000_000);
  const play = page.locator('#replay-play');
  const length = outage.runs[2].length_ms;
  for (const speed of [0.5, 2, 20]) {
    await page.selectOption('#replay-speed', String(speed));
    const rest = Math.min(length, 1000 * speed); // a second of the watcher's time
    await setSlider(page, length - rest);
    await play.click();
    await page.clock.runFor(rest / speed / 2);
    await expect(play).toHaveText('Pause');
    expect(Math.abs(await cursor(page) - (length - rest / 2)), `at ${speed}x`).toBeLessThan(60 * speed); // a frame or two
    await page.clock.runFor(rest / speed / 2 + 60);
    await expect(play).toHaveText('Play');
    expect(await cursor(page)).toBe(Number(await slider(page).getAttribute('max')));
  }
});

const openReport = async (page, { report }) => {
  await page.goto(`file://${report}`);
  // A shared breaker has one lane, and on a starved machine perhaps one for an instance that was on its local breaker.
  await expect(page.locator('[data-run] [data-lane] .span-closed[d^=M]').nth(4)).toBeAttached();
};

test('a report shows its runs’ figures, expectations, transitions and lanes, and fetches nothing', async ({ page, outage, monitor }) => {
  await openReport(page, outage);
  for (const { variant, expectations, measures, transitions, states, instances, shared_breaker: isShared, length_ms: length } of outage.runs) {
    for (const { measure, at_least: least, at_most: most, because } of expectations) {
      expect(least).toBe(most); // of the outage, all are exact
      await expect(page.locator(`[data-expected="${variant}/${measure}"]`)).toHaveText(`expected exactly ${least}`);
      await expect(page.locator(`[data-measured="${variant}/${measure}"]`))
        .toHaveAttribute('data-held', String(measures[measure] === least));
      await expect(page.locator('.causes')).toContainText(because);
    }
    // Figures have two places after the point; those that are nothing in all runs are left out.
    const figures = await page.locator(`[data-measured^="${variant}/"]`).evaluateAll((nodes) =>
      nodes.map((node) => [node.dataset.measured.split('/')[1], node.textContent]).filter(([, text]) => text !== '–'));
    expect(figures.length).toBeGreaterThan(5);
    for (const [measure, text] of figures) {
      expect(Math.abs(Number(text) - measures[measure]), `${variant}/${measure}`).toBeLessThanOrEqual(0.005001);
    }
    const rows = await page.locator(`[data-transition=${variant}]`).evaluateAll((nodes) =>
      nodes.map((row) => [0, 2, 3, 4].map((column) => row.children[column].textContent)));
    expect(rows).toEqual(transitions.map(({ at_ms_since_start: at, instance, from, to, cause }) =>
      [`${(Math.round(at / 10) / 100).toFixed(2)} s`, instance, `${from} → ${to}`, cause]));
    const block = page.locator(`[data-run=${variant}]`);
    const lanes = isShared ? [['shared breaker', instances[0]]] : instances.map((instance) => [instance, instance]);
    if (!isShared) await expect(block.locator('[data-lane]')).toHaveCount(lanes.length);
    for (const [name, instance] of lanes) {
      const lane = block.locator(`[data-lane="${name}"]`);
      const last = states[instance].findLast((each) => each.at_ms_since_start <= length); // polls may follow the end
      await expect(lane).toHaveAttribute('data-state', last.state);
      await expect(lane.locator('.span-open')).toHaveAttribute('d', /./);
    }
  }
  expect(monitor.requests.map(([, url]) => url)).toEqual([`file://${outage.report}`]);
});

test('a report is legible at each size, in both colours, and on paper', async ({ page, outage }) => {
  for (const look of looks) {
    await showAs(page, look);
    await openReport(page, outage);
    await photograph(page, `report-${look.name}`);
    expect.soft(await hardToRead(page), look.name).toEqual([]);
    expect.soft(await sideways(page), look.name).toBe('');
  }
  const pdf = (await page.pdf({ printBackground: true })).toString('latin1');
  expect(pdf).toMatch(/^%PDF-/);
  expect(pdf).toMatch(/\/Type \/Page\b/);
});

test('in a report the chart ends where the lanes end, on screen and on paper', async ({ page, outage }) => {
  await openReport(page, outage);
  for (const media of ['screen', 'print']) {
    await page.emulateMedia({ media });
    if (media === 'print') await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    const ends = await page.evaluate(() => [...document.querySelectorAll('[data-run]')].map((run) => {
      const right = (css) => Math.max(...[...run.querySelectorAll(css)].map((node) => node.getBoundingClientRect().right));
      return [right('.span[d^=M]'), right('.area-answered')];
    }));
    expect(ends).toHaveLength(3);
    for (const [lanes, chart] of ends) expect(Math.abs(lanes - chart), media).toBeLessThan(2);
  }
});
