// The replay of runs that are made up, with what real ones seldom have: transitions before the load begins, after its
// end, and several at once.
import { expect, numberIn, test } from './support/lab.js';

const transition = (at, instance, to, cause) =>
  ({ at_ms_since_start: at, instance, generation: 2, from: 'closed', to, cause });

const madeUpRun = (...transitions) => {
  const closed = [{ at_ms_since_start: 1.2, state: 'closed' }];
  return {
    name: 'made-up', variant: 'distributed', question: 'What if?', instances: ['Instance-A', 'Instance-B'], length_ms: 1000,
    transitions, states: { 'Instance-A': closed, 'Instance-B': closed }, marks: [],
    traffic: { step_ms: 200, upstream_calls: [1, 2, 3, 4, 5], upstream_failures: [1, 1, 1, 1, 1], blocked: [0, 0, 0, 0, 1] },
  };
};

const replay = (page, run) => page.evaluate((document) => Lab.controlRoom.replay.open(document), run);
const counted = (page, kind) => numberIn(page, `[data-replay-count=${kind}]`);
const time = (page) => page.locator('#replay-time');
const words = (page) => page.locator('#replay-words');
const chartValues = (page) => page.locator('.traffic .value'); // answered, failed, no answer, blocked; in calls a second

test('a replay starts with what happened before the load began, and without calls', async ({ idlePage: page }) => {
  await replay(page, madeUpRun(
    transition(-1.494, 'Instance-A', 'open', 'forced open'), transition(500, 'Instance-A', 'closed', 'automatic again')));
  expect(await counted(page, 'upstream_calls')).toBe(15);
  for (const [shown, calls] of [['0.50 s', 3], ['0.00 s', 0], ['0.00 s', 0]]) { // to the last, to the first, before it
    await page.click('#replay-previous');
    await expect(time(page)).toHaveText(`${shown} of 1.00 s`);
    expect(await counted(page, 'upstream_calls')).toBe(calls);
    expect(await page.evaluate(() => Lab.controlRoom.replay.cursor)).toBeGreaterThanOrEqual(0);
  }
});

test('a replay judges whether instances that differ do so rightly, where the file says what was done to them', async ({ idlePage: page }) => {
  const opened = madeUpRun(transition(400, 'Instance-B', 'open', 'three failures'));
  opened.states['Instance-B'] = [...opened.states['Instance-B'], { at_ms_since_start: 400, state: 'open' }];
  const judgement = page.locator('#replay-judgement');
  await replay(page, opened);
  await expect(judgement).toHaveText('');
  await replay(page, { ...opened, settings: { instances: 2, rate: 10, plan: 'healthy' }, faults: [{ cut_off: 'Instance-B' }] });
  await expect(judgement).toHaveText('Right: only Instance-B is cut off, and only it is open.');
  await expect(judgement).toHaveAttribute('data-tone', 'right');
  await replay(page, { ...opened, settings: { instances: 2, rate: 10, plan: 'down' }, faults: [] });
  await expect(judgement).toHaveText('Wrong: the upstream is down, and Instance-A still sends it calls.');
});

test('between two steps a replay counts calls up to the earlier step, and says so', async ({ idlePage: page }) => {
  await replay(page, madeUpRun(
    transition(150, 'Instance-A', 'open', 'early'), transition(590, 'Instance-A', 'closed', 'between')));
  const callsAreOf = page.locator('.stepped-to').first();
  await expect(callsAreOf).toHaveText('');
  await page.click('#replay-previous');
  await expect(callsAreOf).toHaveText('up to 0.40 s');
  expect(await counted(page, 'upstream_calls')).toBe(3);
  await expect(chartValues(page)).toHaveText(['5', '5', '0', '0']); // of the second step, the last one that is over
  await page.click('#replay-previous');
  await expect(callsAreOf).toHaveText('up to 0.00 s');
  expect(await counted(page, 'upstream_calls')).toBe(0);
  await expect(chartValues(page)).toHaveText(['–', '–', '–', '–']);
});

test('an unfinished last step does not drop the chart’s figures to 0', async ({ idlePage: page }) => {
  const run = { ...madeUpRun(), length_ms: 1001 };
  for (const kind of ['upstream_calls', 'upstream_failures', 'blocked']) run.traffic[kind].push(0);
  await replay(page, run);
  await expect(chartValues(page)).toHaveText([/^19\.9/, /^4\.9/, '0', /^4\.9/]); // of the last 201 ms
  expect(await counted(page, 'upstream_calls')).toBe(15);
});

test('a replay shows all transitions, also at one moment and after the load’s end', async ({ idlePage: page }) => {
  const causes = ['first', 'second', 'third', 'last'];
  await replay(page, madeUpRun(
    transition(400, 'Instance-A', 'half_open', causes[0]), transition(400, 'Instance-A', 'open', causes[1]),
    transition(400, 'Instance-B', 'open', causes[2]), transition(1010, 'Instance-B', 'closed', causes[3])));
  expect(await counted(page, 'transitions')).toBe(4);
  for (const cause of ['third', 'second', 'first']) {
    await page.click('#replay-previous');
    await expect(words(page)).toHaveText(new RegExp(`${cause}$`));
  }
  await expect(words(page)).toHaveText(/^At 0\.40 s \(1 of 3\): Instance-A/);
  await page.click('#replay-previous');
  await expect(words(page)).toHaveText('Nothing has changed yet.');
  for (const cause of [...causes, 'last']) {
    await page.click('#replay-next');
    await expect(words(page)).toHaveText(new RegExp(`${cause}$`));
  }
  await expect(time(page)).toHaveText('1.01 s of 1.01 s');
});

test('a replay has states at 0, and announces also a key that changes nothing', async ({ idlePage: page }) => {
  await replay(page, madeUpRun(transition(400, 'Instance-A', 'open', 'only once')));
  await page.click('#replay-previous');
  await page.click('#replay-previous');
  await expect(time(page)).toHaveText('0.00 s of 1.00 s');
  await expect(page.locator('#replay-agreement')).toHaveText('2 closed');
  const announced = () => page.evaluate(() => document.querySelector('#announcer').textContent); // with its last space
  const first = await announced();
  await page.click('#replay-previous');
  const second = await announced();
  expect(first).toMatch(/^Nothing has changed yet\./);
  expect(second).toMatch(/^Nothing has changed yet\./);
  expect(second).not.toBe(first);
});

test('letters are keys only with the focus in the replay, and a held one plays once', async ({ idlePage: page }) => {
  await replay(page, madeUpRun(transition(400, 'Instance-A', 'open', 'only once')));
  await expect(page.locator('[data-fault=down]')).toBeEnabled();
  await page.locator('[data-fault=down]').press(',');
  await expect(time(page)).toHaveText('1.00 s of 1.00 s');
  await page.locator('#replay-slider').press(',');
  await expect(time(page)).toHaveText('0.40 s of 1.00 s');
  await page.evaluate(() => {
    for (const repeat of [false, true]) {
      document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'p', repeat, bubbles: true }));
    }
  });
  await expect.poll(() => page.evaluate(() => Lab.controlRoom.replay.cursor)).toBe(1000);
});

test('with a list of calls, crosses, figures and cause of a moment agree', async ({ idlePage: page }) => {
  const call = (at, status, took = 1) => ({ at_ms_since_start: at, took_ms: took, instance: 'Instance-A', status,
    upstream_calls: status === 'blocked' ? 0 : 1, probe: false, late: false });
  const failures = [100, 310, 505].map((at) => call(at, 'failure'));
  const opened = transition(505.8, 'Instance-A', 'open', '3 failures in a row');
  const run = madeUpRun(opened);
  run.calls = [...failures, call(550, 'blocked'), call(640, 'blocked'), call(700, 'exception', 250)];
  run.marks = failures.map(({ at_ms_since_start: at }) => ({ at_ms_since_start: at, instance: 'Instance-A', status: 'failure' }));
  run.states['Instance-A'] = [...run.states['Instance-A'], { at_ms_since_start: 505.8, state: 'open' }];
  run.traffic = { step_ms: 200, upstream_calls: [1, 1, 1, 1, 0], upstream_failures: [1, 1, 1, 1, 0], blocked: [0, 0, 1, 1, 0] };
  await replay(page, run);
  await page.click('#replay-previous');
  await expect(words(page)).toContainText('3 failures in a row');
  expect(await counted(page, 'upstream_failures')).toBe(3);
  expect(await counted(page, 'blocked')).toBe(0);
  const lane = page.locator('[data-lane]').first();
  await expect(lane).toHaveAttribute('data-state', 'open');
  expect(await lane.locator('.mark-failure').evaluate((node) => node.getAttribute('d').split('M').length - 1)).toBe(3);
  for (const [at, blocked, unanswered] of [[645, 2, 0], [949, 2, 0], [950, 2, 1]]) {
    await page.locator('#replay-slider').evaluate((node, value) => {
      node.value = value;
      node.dispatchEvent(new Event('input', { bubbles: true }));
    }, at);
    expect(await counted(page, 'blocked')).toBe(blocked);
    expect(await counted(page, 'unanswered')).toBe(unanswered);
    await expect(lane.locator('.mark-unanswered')).toHaveAttribute('d', unanswered > 0 ? /^M/ : '');
  }
});

for (const [width, height] of [[1280, 800], [1920, 1080], [390, 844]]) {
  test(`the replay’s head and controls stay in view, however far it is scrolled (${width} x ${height})`, async ({ idlePage: page }) => {
    await page.setViewportSize({ width, height });
    await replay(page, madeUpRun(transition(400, 'Instance-A', 'open', 'only once')));
    await page.evaluate(() => document.querySelectorAll('details').forEach((each) => { each.open = true; }));
    await page.locator('[data-replay-count=wasted]').scrollIntoViewIfNeeded();
    for (const css of ['.replay-head', '#replay-live', '#replay-play', '#replay-slider', '#replay-words']) {
      await expect(page.locator(css)).toBeInViewport({ ratio: 1 });
    }
    await expect(page.locator('[data-replay-count=wasted]')).toBeInViewport();
  });
}
