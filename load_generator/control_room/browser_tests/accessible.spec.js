// The rules of axe-core (https://github.com/dequelabs/axe-core), on each page in its typical states.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { act, expect, openUi, test } from './support/lab.js';
import { looks, showAs } from './support/looks.js';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Each violation as "rule: elements".
const violations = async (page) => {
  await page.evaluate(axe); // through the debugger: the page's own rules allow no other scripts
  return page.evaluate(async () => (await window.axe.run()).violations.map(({ id, nodes }) =>
    `${id}: ${nodes.slice(0, 5).map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary.split('\n')[1]?.trim()})`).join('; ')}`));
};

const expectAccessible = async (page, name) => expect.soft(await violations(page), name).toEqual([]);

const inEachLook = async (page, name, work) => {
  for (const look of [...looks, { name: 'large-light', width: 1920, height: 1080, mobile: false, colorScheme: 'light' }]) {
    await showAs(page, look);
    await work();
    await expectAccessible(page, `${name}, ${look.name}`);
  }
};

test('the check finds a picture without a text, and a pale one', async ({ page }) => {
  await page.setContent('<!doctype html><html lang=en><title>t</title><main><h1>t</h1><img src="data:,"><p style="color: #aaa">pale</p></main>');
  expect((await violations(page)).map((each) => each.split(':')[0])).toEqual(['color-contrast', 'image-alt']);
});

test('axe finds nothing on the race, before and after', async ({ page, startUi, outage }) => {
  expect(outage.runs).toHaveLength(3);
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await inEachLook(page, 'before', async () => {
    await page.goto('about:blank');
    await page.goto(`${ui.url}/`);
    await expect(page.locator('.picture')).toHaveCount(2);
  });
  await inEachLook(page, 'replay of a simulated race', async () => {
    await page.goto('about:blank');
    await page.goto(`${ui.url}/#/race?n=4&threshold=3&rate=31&break=10&t=1300`);
    await expect(page.locator('.number-line')).toHaveCount(2);
  });
});

test('axe finds nothing in the lab, for each object, and in a replay', async ({ page, startUi, outage }) => {
  expect(outage.runs).toHaveLength(3);
  const ui = await startUi('--stage', 'redis', '--rate', '30');
  await openUi(page, ui.url, 3);
  await act(page, '[data-fault=down]');
  await expect(page.locator('[data-lane][data-state=open]')).toHaveCount(3);
  await inEachLook(page, 'down', async () => {});
  for (const object of ['callers', 'redis', 'instance:Instance-B', 'switch:Instance-B', 'wire:Instance-B']) {
    await page.click(`[data-object="${object}"]`);
    await expectAccessible(page, object);
  }
  await test.step('whatever has happened to the objects', async () => {
    await act(page, '[data-network=Instance-A]');
    await act(page, '[data-redis-do=kill]');
    await expect(page.locator('[data-object="instance:Instance-A"]')).toContainText('local breaker');
    await act(page, '[data-instance-do=kill]', 'Instance-B');
    await act(page, '[data-instance-do=freeze]', 'Instance-C');
    await expect(page.locator('[data-object="instance:Instance-C"]')).toContainText('frozen');
    await expectAccessible(page, 'cut, killed, frozen and on a local breaker');
  });
  await page.goto(`${ui.url}/#/run/outage-redis?t=1500`);
  await expect(page.locator('#title')).toHaveText('replay');
  await inEachLook(page, 'replay', async () => {});
});

test('axe finds nothing on the experiments, and in an opened one', async ({ page, idleUi }) => {
  await page.goto(`${idleUi.url}/experiments`);
  await expect(page.locator('main')).toContainText('thundering-probes');
  await inEachLook(page, 'cards', async () => {});
  await page.goto(`${idleUi.url}/#/experiments/outage-10`);
  await expect(page.locator('dialog')).toBeVisible();
  await inEachLook(page, 'opened', async () => {});
});

test('axe finds nothing in the results of an experiment', async ({ page, startUi, outage }) => {
  expect(outage.runs).toHaveLength(3);
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await page.goto(`${ui.url}/#/experiments/outage`);
  await page.click('#sheet-show');
  await expect(page.locator('#sheet')).toHaveAttribute('data-phase', 'result');
  await inEachLook(page, 'result', async () => {});
});

test('axe finds nothing in a report', async ({ page, outage: { report } }) => {
  await page.goto(`file://${report}`);
  await inEachLook(page, 'report', async () => {});
});

test('where colours are forced, switches, squares and states can be seen', async ({ page, idleUi }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await page.goto(`${idleUi.url}/#/race?n=4&threshold=3&rate=31&break=10&t=1300`);
  await expect(page.locator('.number-line')).toHaveCount(2);
  const seen = await page.evaluate(() => ['.blade', '.hit', '.pip.full', '.wire'].map((css) => {
    const { stroke, fill } = getComputedStyle(document.querySelector(css));
    const ground = getComputedStyle(document.querySelector('.card')).backgroundColor;
    return [stroke, fill].some((colour) => colour !== 'none' && colour !== ground);
  }));
  expect(seen).toEqual([true, true, true, true]);
});
