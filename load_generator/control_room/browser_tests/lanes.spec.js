// What lanes show and say, to keys and to pointers, of a history that is made up.
import { expect, openUi, showFrame, test } from './support/lab.js';

const transition = (at, to, cause) =>
  ({ at_ms_since_start: at, instance: 'Instance-A', generation: 2, from: to === 'open' ? 'closed' : 'open', to, cause });
const mark = (at) => ({ at_ms_since_start: at, instance: 'Instance-A', status: 'failure' });
const point = (at, state, store) => ({ at_ms_since_start: at, state, store });

// In one state all the time, but with its own breaker for a while, as when Redis was away.
const localForAWhile = (at, state) => [point(at, state), point(at + 10000, state, 'local'), point(at + 20000, state)];

// A history of another fleet than before; only Instance-A has one.
let fleet = 1000;
const history = ({ from = 0, now, states = [], transitions = [], marks = [], ...others }) =>
  ({ fleet: (fleet += 1), from_ms: from, now_ms: now, states: { 'Instance-A': states }, transitions, marks, ...others });

const firstLane = (page) => page.locator('[data-lane] svg').first();
const tip = (page) => page.locator('.tip');

test('keys stop at every change, however many marks surround it, and show its cause', async ({ idlePage: page }) => {
  const marks = Array.from({ length: 41 }, (_, i) => mark(5000 + 500 * i));
  const transitions = [transition(10100, 'open', 'cause 1.'), transition(15100, 'closed', 'cause 2.')];
  for (let i = 3; i < 12; i += 1) transitions.push(transition(20000 + 20 * i, 'open', `cause ${i}.`));
  await showFrame(page, history({ now: 30000, states: [point(0, 'closed')], transitions, marks }));
  await firstLane(page).press('Home');
  let shown = '';
  for (let before = null, now = await tip(page).textContent(); now !== before;) {
    shown += now;
    before = now;
    await page.keyboard.press('ArrowRight');
    now = await tip(page).textContent();
  }
  for (let i = 1; i < 12; i += 1) expect(shown).toContain(`cause ${i}.`);
});

test('a tooltip says since when a state holds, whichever store held it', async ({ idlePage: page }) => {
  const shown = history({ now: 60000, states: localForAWhile(20000, 'open'), marks: [mark(50000)] });
  await showFrame(page, shown);
  await firstLane(page).press('End');
  await expect(tip(page)).toHaveText(/open since 20\.00 s$/);
  const later = { from_ms: 60000, now_ms: 175000 }; // what is older than two minutes is forgotten
  await showFrame(page, { ...shown, ...later, states: { 'Instance-A': [point(60000, 'open')] }, marks: [mark(100000)] });
  await firstLane(page).press('End');
  await expect(tip(page)).toHaveText(/open since 20\.00 s$/);
  await showFrame(page, history({ from: 81000, now: 201000, states: localForAWhile(81000, 'closed'), marks: [mark(150000)] }));
  await firstLane(page).press('End');
  await expect(tip(page)).toHaveText(/closed since before 1:21\.0$/);
});

test('another fleet leaves nothing of the earlier one in the chart and its figures', async ({ idlePage: page }) => {
  const traffic = (steps) =>
    ({ step_ms: 500, first_step: 0, upstream_calls: steps, upstream_failures: steps, blocked: steps });
  const values = page.locator('.traffic .value');
  await showFrame(page, history({ now: 60000, traffic: traffic(Array(100).fill(4)) }));
  await expect(values).toHaveText(['0', '8', '0', '8']);
  await expect(page.locator('.area-failed')).toHaveAttribute('d', /^M/);
  await showFrame(page, history({ now: 0, traffic: traffic([]) }));
  await expect(values).toHaveText(['–', '–', '–', '–']);
  await expect(page.locator('.area-failed')).toHaveAttribute('d', '');
});

test('the state in a tooltip is the one after all the changes in it', async ({ idlePage: page }) => {
  await showFrame(page, history({
    now: 60000,
    states: [point(0, 'closed'), point(20000, 'open'), point(20300, 'closed')],
    transitions: [transition(20000, 'open', 'failures'), transition(20300, 'closed', 'success')],
  }));
  await firstLane(page).press('Home');
  await expect(tip(page)).toHaveText(/^20\.00 s, Instance-A.*success.*closed since 20\.30 s$/);
});

test('a tooltip moves with the lanes, and is hidden when its moment has left them', async ({ idlePage: page }) => {
  const shown = history({ now: 130000, states: [point(0, 'closed')], marks: [mark(20000), mark(40000)] });
  await showFrame(page, shown);
  await firstLane(page).press('Home');
  const scrollTo = (now) => showFrame(page, { ...shown, from_ms: 130000, now_ms: now, states: {}, marks: [] });
  await scrollTo(135000);
  const [hairline, moment] = await page.evaluate(() => [
    document.querySelector('.hairline').getBoundingClientRect().left,
    document.querySelector('[data-lane] svg').getBoundingClientRect().left + Lab.controlRoom.lanes.view.screenX(20000)]);
  expect(Math.abs(hairline - moment)).toBeLessThan(2);
  await expect(tip(page)).toBeVisible();
  await scrollTo(142000);
  await expect(tip(page)).toBeHidden();
});

test('a lane’s value is its current state, or with the focus the moment chosen by keys', async ({ idlePage: page }) => {
  const shown = history({ now: 60000, states: [point(0, 'closed')], transitions: [transition(20000, 'open', 'failures')] });
  const value = () => firstLane(page).evaluate(({ ariaValueNow: now, ariaValueMax: max, ariaValueText: text }) =>
    ({ now: Number(now), inRange: Number(now) <= Number(max), text }));
  await showFrame(page, shown);
  expect(await value()).toMatchObject({ inRange: true, text: 'closed' });
  expect((await value()).now).toBeGreaterThanOrEqual(60000);
  await firstLane(page).press('Home');
  const later = { ...shown, now_ms: 140000 };
  await showFrame(page, later);
  expect(await value()).toMatchObject({ now: 20000, inRange: true });
  expect((await value()).text).toMatch(/^20\.00 s: closed → open: failures/);
  await expect(page.locator('#announcer')).not.toContainText('failures'); // it would be read out twice
  await firstLane(page).blur();
  await showFrame(page, later);
  expect(await value()).toMatchObject({ inRange: true, text: 'closed' });
  expect((await value()).now).toBeGreaterThanOrEqual(140000);
});

test('a lane keeps the focus when the fleet changes', async ({ idlePage: page }) => {
  await firstLane(page).focus();
  await showFrame(page, history({ now: 60000, states: [point(0, 'closed')] }));
  await expect(firstLane(page)).toBeFocused();
  await expect(page.locator('[data-lane]').first()).toHaveAttribute('data-lane', 'Instance-A');
});

test.describe('on a touch screen', () => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  test('a tooltip stays when the finger is gone, until the next tap elsewhere', async ({ page, idleUi }) => {
    await openUi(page, idleUi.url, 3);
    const transitions = [transition(20000, 'open', 'failures')];
    await showFrame(page, history({ now: 60000, states: [point(0, 'closed')], transitions }));
    const at = await page.evaluate(() => {
      const { left, top } = document.querySelector('[data-lane] svg').getBoundingClientRect();
      return { x: left + Lab.controlRoom.lanes.view.screenX(20000), y: top + 20 };
    });
    await page.touchscreen.tap(at.x, at.y);
    await expect(tip(page)).toContainText('failures');
    await expect(tip(page)).toBeVisible();
    await page.touchscreen.tap(20, 20);
    await expect(tip(page)).toBeHidden();
  });
});

test('a failure that another one would hide is counted beside it, and the tooltip lists both', async ({ idlePage: page }) => {
  const times = [20000, 20050, 20100, 40000];
  await showFrame(page, history({ now: 60000, states: [point(0, 'closed')], marks: times.map(mark) }));
  const drawn = await page.evaluate(() => {
    const lane = document.querySelector('[data-lane]');
    return [lane.querySelector('.mark-failure').getAttribute('d').split('M').length - 1,
      lane.querySelector('.mark-number')?.dataset.numbers];
  });
  expect(drawn).toEqual([2, '3']);
  await firstLane(page).press('Home');
  await expect(tip(page)).toContainText('3 failures at 20.00 s, 20.05 s, 20.10 s');
});

test('a change that follows another one at once does not hide it', async ({ idlePage: page }) => {
  await showFrame(page, history({
    now: 60000,
    states: [point(0, 'closed'), point(20000, 'half_open'), point(20002, 'closed')],
    transitions: [transition(20000, 'half_open', 'timeout over'), transition(20002, 'closed', 'probe succeeded')],
  }));
  const shown = await page.evaluate(() => {
    const box = (css) => {
      const { left, right, width } = document.querySelector(`[data-lane] ${css}`).getBoundingClientRect();
      return { left, right, width };
    };
    return { halfOpen: box('.pennant.flag-half_open'), closed: box('.pennant.flag-closed'), span: box('.span-half_open') };
  });
  expect(shown.halfOpen.right).toBeLessThanOrEqual(shown.closed.left + 2); // outlines
  expect(shown.span.width).toBeGreaterThanOrEqual(6); // two milliseconds in two minutes
});

test('a loss of Redis leaves the span of a state whole, with a line below it', async ({ idlePage: page }) => {
  await showFrame(page, history({ now: 60000, states: localForAWhile(20000, 'open') }));
  const drawn = await page.evaluate(() => ['.span-open', '.local-line'].map((css) =>
    document.querySelector(`[data-lane] ${css}`).getAttribute('d').split('M').length - 1));
  expect(drawn).toEqual([1, 1]);
  await expect(page.locator('[data-lane] .letter-open').first()).toHaveText('O');
});
