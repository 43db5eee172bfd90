// Everything can be done without a mouse.
import { expect, openUi, test } from './support/lab.js';

const mostTabs = 100;

// What has the focus, by the name under which lab.html lists it.
const focused = (page) => page.evaluate(() => {
  const at = document.activeElement;
  const lane = at.closest('[data-lane]');
  if (lane) return `lane ${lane.dataset.lane}`;
  if (at.dataset.object) return `object ${at.dataset.object}`;
  for (const kind of ['fault', 'network', 'override']) if (at.dataset[kind]) return `${kind} ${at.dataset[kind]}`;
  return at.id || at.tagName.toLowerCase();
});

const tabTo = async (page, wanted) => {
  for (let i = 0; i < mostTabs; i += 1) {
    if (await focused(page) === wanted) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${wanted}`);
};

const press = async (page, wanted, ...keys) => {
  await tabTo(page, wanted);
  for (const key of keys) await page.keyboard.press(key);
};

const isPressed = (page, css) => expect(page.locator(css)).toHaveAttribute('aria-pressed', 'true');

test('Tab reaches every control and every lane, and each has an accessible name', async ({ idlePage: page }) => {
  const reached = [];
  for (let i = 0; i < mostTabs; i += 1) {
    await page.keyboard.press('Tab');
    reached.push(await focused(page));
  }
  const ofEach = (kind) => ['A', 'B', 'C'].map((letter) => `object ${kind}:Instance-${letter}`);
  expect(reached).toEqual(expect.arrayContaining([
    'object callers', 'object upstream', ...ofEach('instance'), ...ofEach('switch'), ...ofEach('wire'),
    'fault healthy', 'fault flaky', 'fault slow', 'fault down', 'what-if-instances', 'since-reset',
    'window', 'lane Instance-A', 'lane Instance-B', 'lane Instance-C']));
  const nameless = await page.evaluate(() => {
    const name = (node) => node.getAttribute('aria-label') || node.textContent.trim() ||
      [...(node.labels || [])].map((label) => label.textContent.trim()).join('');
    return [...document.querySelectorAll('button, input, select, summary, [tabindex]')]
      .filter((node) => node.checkVisibility() && !name(node)).map((node) => node.outerHTML);
  });
  expect(nameless).toEqual([]);
});

test('faults, load, networks and overrides can be set by keyboard', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '10');
  await openUi(page, ui.url, 3);
  for (const fault of ['flaky', 'slow', 'down', 'healthy']) {
    await press(page, `fault ${fault}`, 'Enter');
    await isPressed(page, `[data-fault=${fault}]`);
  }
  await press(page, 'object callers', 'Enter');
  await press(page, 'rate', 'Control+a', '2', '5', 'Enter');
  await page.waitForFunction(() => Lab.controlRoom.frame.load.rate === 25);
  await press(page, 'rate-stop', 'Space');
  await page.waitForFunction(() => Lab.controlRoom.frame.load.rate === 0);
  await press(page, 'object wire:Instance-B', 'Enter');
  await press(page, 'network Instance-B', 'Enter');
  await isPressed(page, '[data-network=Instance-B]');
  await press(page, 'object switch:Instance-A', 'Enter');
  for (const mode of ['forced_open', 'forced_closed', 'auto']) {
    await press(page, `override ${mode}`, 'Space');
    await isPressed(page, `[data-override=${mode}]`);
  }
  await press(page, 'window', 'ArrowUp');
  await expect(page.locator('#window')).toHaveValue('60000');
});

test('a run can be chosen, replayed and read by keyboard', async ({ page, startUi, outage }) => {
  expect(outage.runs).toHaveLength(3);
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  await expect(page.locator('#runs option')).not.toHaveCount(0);
  await page.selectOption('#runs', 'outage-redis');
  await press(page, 'replay-run', 'Enter');

  await expect(page.locator('#title')).toHaveText('replay');
  const slider = page.locator('#replay-slider');
  await press(page, 'replay-slider', 'Home');
  await expect(slider).toHaveValue('0');
  await page.keyboard.press('ArrowRight');
  await expect(slider).not.toHaveValue('0');
  await expect(page.locator('#replay-previous')).toHaveAccessibleName('Previous change');
  await expect(page.locator('#replay-next')).toHaveAccessibleName('Next change');
  await press(page, 'replay-next', 'Enter');
  await expect(page.locator('#replay-words')).toHaveText(/Instance-[A-C]/); // "At 1.04 s: Instance-B, closed → open: ..."
  const [reporter] = (await page.locator('#replay-words').textContent()).match(/Instance-[A-C]/);
  await expect(page.locator(`[data-lane=${reporter}]`)).toHaveAttribute('data-state', 'open');
  await press(page, 'replay-speed', 'End');
  await expect(page.locator('#replay-speed')).toHaveValue('20');
  await press(page, 'replay-play', 'Enter');
  await expect(slider).toHaveValue(await slider.getAttribute('max'));

  await press(page, 'lane Instance-A', 'End');
  await expect(page.locator('.tip')).toContainText('Instance-A');
  await expect(page.locator('[data-lane=Instance-A] svg')).toHaveAttribute('aria-valuetext', / since /);
  await press(page, 'replay-live', 'Enter');
  await expect(page.locator('body')).toHaveAttribute('data-mode', 'live');
  await expect(page.locator('#stage')).toBeFocused();
  await expect(page.locator('#title')).toHaveText('live');
  await press(page, 'replay-run', 'Enter');
  await expect(page.locator('body')).toHaveAttribute('data-mode', 'replay');
});
