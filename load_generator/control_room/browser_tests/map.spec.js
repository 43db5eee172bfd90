// The lab's map: each object can be chosen and broken, and the map, the counters and the banner say what follows.
import { act, choose, expect, lanesWith, numberIn, openUi, test } from './support/lab.js';
import { getJson } from './support/programs.js';

const object = (page, name) => page.locator(`[data-object="${name}"]`);
const enabled = (page, css) => expect(page.locator(css)).toBeEnabled();

test('an instance is killed, started, frozen and resumed on the map', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '30');
  await openUi(page, ui.url, 3);
  const instance = object(page, 'instance:Instance-B');
  await choose(page, 'instance:Instance-B');
  for (const [action, process] of [['kill', 'killed'], ['start', 'running'], ['freeze', 'frozen'], ['resume', 'running']]) {
    await enabled(page, `[data-instance-do=${action}]`);
    await act(page, `[data-instance-do=${action}]`, 'Instance-B');
    await expect(instance).toHaveAttribute('data-process', process);
  }
  await expect(lanesWith(page, 'closed')).toHaveCount(3);
});

test('while Redis is away each instance uses a local breaker, and the map says so', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'redis', '--rate', '60');
  await openUi(page, ui.url, 3);
  await expect(object(page, 'redis')).toContainText('one breaker for all switches');
  await act(page, '[data-redis-do=kill]');
  await expect(object(page, 'redis')).toHaveAttribute('data-process', 'killed');
  await expect(page.locator('.object-instance').filter({ hasText: 'local breaker' })).toHaveCount(3);
  await act(page, '[data-redis-do=start]');
  await expect(object(page, 'redis')).toContainText('one breaker for all switches');
  await act(page, '[data-redis-do=freeze]');
  await expect(object(page, 'redis')).toHaveAttribute('data-process', 'frozen');
  await act(page, '[data-redis-do=resume]');
  await expect(page.locator('.object-instance').filter({ hasText: 'local breaker' })).toHaveCount(0);
});

test('one switch can be forced open, and the others stay as they are', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  await choose(page, 'switch:Instance-C');
  await page.check('#only-this');
  await act(page, '[data-override=forced_open]', 'Instance-C');
  await expect(page.locator('.object-switch[data-state=open]')).toHaveCount(1);
  await expect(object(page, 'switch:Instance-C')).toHaveAccessibleName(/open, forced/);
});

test('the counters begin again with each fault and with Reset, and equal what the instances report', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '50');
  await openUi(page, ui.url, 3);
  await act(page, '[data-fault=down]');
  await expect(lanesWith(page, 'open')).toHaveCount(3);
  await act(page, '#rate-stop');
  await page.waitForFunction(() => Lab.controlRoom.frame.load.rate === 0);
  await expect.poll(async () => {
    const before = await page.evaluate(() => Lab.controlRoom.frame.calls.blocked);
    await page.waitForFunction((now) => Lab.controlRoom.frame.now_ms > now, await page.evaluate(() => Lab.controlRoom.frame.now_ms));
    return await page.evaluate(() => Lab.controlRoom.frame.calls.blocked) === before;
  }).toBe(true);
  await page.evaluate(() => Lab.controlRoom.showCounts());
  const failed = await numberIn(page, '[data-since=failure]');
  expect(failed).toBeGreaterThanOrEqual(3);
  const total = (await Promise.all((await page.evaluate(() => Lab.controlRoom.frame.instances)).map(({ url }) => getJson(`${url}/status`))))
    .reduce((sum, { calls }) => sum + calls.failure, 0);
  expect(failed).toBe(total);
  await page.click('#since-reset');
  await expect(page.locator('[data-since=failure]')).toHaveText('0');
});

test('instances that were started elsewhere cannot be ended from the page', async ({ page, context, startUi }) => {
  const fleet = await startUi('--stage', 'distributed', '--rate', '0');
  const its = await context.newPage();
  await openUi(its, fleet.url, 3);
  const { instances, upstream } = await its.evaluate(() => Lab.controlRoom.frame);
  const ui = await startUi('--targets', instances.map(({ url }) => url).join(), '--upstream', upstream.url);
  await openUi(page, ui.url, 3);
  await choose(page, 'instance:Instance-A');
  await expect(page.locator('#process-hint')).toHaveText('This page has not started it, and cannot end it.');
  for (const action of ['kill', 'start', 'freeze', 'resume']) await expect(page.locator(`[data-instance-do=${action}]`)).toBeDisabled();
});

test('a slider is answered at once, and leads to the race that runs it', async ({ page, idleUi, monitor }) => {
  monitor.allowMessages(/400/);
  await openUi(page, idleUi.url, 3);
  await expect(page.locator('#what-if-left')).toHaveText('50');
  const set = (name, value) => page.locator(`[data-what-if=${name}]`).fill(String(value));
  await set('failure_threshold', 3);
  await expect(page.locator('#what-if-left')).toHaveText('30');
  await expect(page.locator('#what-if-right')).toHaveText('3');
  await set('instances', 1000);
  await expect(page.locator('#what-if-answer')).toContainText('raise rate');
  await set('rate', 1000);
  await expect(page.locator('#what-if-left')).toHaveText('3000');
  await expect(page.locator('#run-for-real')).toBeHidden();
  await set('instances', 4);
  await expect(page.locator('#what-if-left')).toHaveText('12');
  await page.click('#run-for-real');
  await expect(page.locator('[data-given=instances]')).toHaveValue('4');
  await expect(page.locator('[data-given=rate]')).toHaveValue('1000');
});
