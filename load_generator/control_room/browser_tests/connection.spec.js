// A page whose connection breaks, falls silent, is refused, or leads to another server than before.
import { expect, lanesWith, openUi, test } from './support/lab.js';
import { put } from './support/programs.js';
import { startRelay } from './support/relay.js';

const connection = (page) => page.locator('#connection');
const downButton = (page) => page.locator('[data-fault=down]');

// [[instance, from, to, cause, time], ...] of each lane.
const transitions = (page) => page.evaluate(() => [...Lab.controlRoom.history.histories.values()].map((history) =>
  history.transitions.map((t) => [t.instance, t.from, t.to, t.cause, t.at_ms_since_start])));

test('a page without a connection says so, and catches up afterwards', async ({ page, context, startUi, monitor }) => {
  monitor.allowMessages(/net::ERR_/);
  const ui = await startUi('--stage', 'distributed', '--rate', '50');
  const relay = await startRelay(ui.url);
  await openUi(page, relay.url, 3);
  await expect(lanesWith(page, 'closed')).toHaveCount(3);
  const upstream = await page.evaluate(() => Lab.controlRoom.frame.upstream.url);
  relay.cut();
  await expect(connection(page)).toHaveAttribute('data-connected', 'false');
  await expect(connection(page)).toHaveText('connection lost, reconnecting');
  await expect(downButton(page)).toBeDisabled();

  await put(`${upstream}/fault`, { failure_rate: 1 });
  const other = await context.newPage();
  await openUi(other, ui.url, 3);
  await expect(lanesWith(other, 'open')).toHaveCount(3);
  expect(await lanesWith(page, 'closed').count()).toBe(3);
  relay.mend();
  await expect(lanesWith(page, 'open')).toHaveCount(3);
  await expect(connection(page)).toHaveText('connected');

  // All that happened meanwhile is in the lane, as in that of the page that saw it happen.
  const caughtUp = await transitions(page);
  expect(caughtUp).toHaveLength(3);
  for (const lane of caughtUp) expect(lane.length).toBeGreaterThanOrEqual(1);
  await expect.poll(async () => (await transitions(other)).map((lane, i) => lane.slice(0, caughtUp[i].length))).toEqual(caughtUp);
  relay.stop();
});

test('one page too many shows the server’s reason and gets the next free place', async ({ page, startUi, monitor }) => {
  monitor.allowMessages(/status of 503/);
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  const others = await Promise.all(Array.from({ length: 16 }, async () => {
    const leaving = new AbortController();
    const { body } = await fetch(`${ui.url}/events`, { signal: leaving.signal });
    await body.getReader().read();
    return leaving;
  }));
  const { error } = await (await fetch(`${ui.url}/events`)).json();
  await page.goto(`${ui.url}/lab`);
  await expect(connection(page)).toHaveText(error);
  await expect(connection(page)).toHaveAttribute('data-connected', 'false');
  expect(await page.locator('.controls button:enabled').count()).toBe(0);
  await expect(page.locator('#why-not')).toHaveText('Waiting for the fleet.');
  others.pop().abort();
  await expect(connection(page)).toHaveAttribute('data-connected', 'true');
  await expect(downButton(page)).toBeEnabled();
  for (const each of others) each.abort();
});

test('a list that could not be read is read when there is a connection again', async ({ idlePage: page }) => {
  await page.evaluate(() => {
    window.realFetch = fetch;
    window.fetch = () => Promise.reject(new Error('as if there were no server'));
    return Lab.controlRoom.fetchRuns();
  });
  await expect(page.locator('#runs-answer')).toHaveText('the finished runs cannot be read');
  await expect(page.locator('#runs-answer')).toHaveClass('answer error');
  await page.evaluate(() => {
    window.fetch = realFetch;
    Lab.controlRoom.connection(false);
    Lab.controlRoom.connection(true);
  });
  await expect(page.locator('#runs-answer')).not.toHaveClass(/error/);
});

test('a page of an earlier server reloads itself when the server refuses its token', async ({ page, startUi, monitor }) => {
  monitor.allowMessages(/status of 403/);
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  await page.evaluate(() => {
    document.querySelector('meta[name=token]').content = 'of the server before';
    window.isOld = true;
  });
  await downButton(page).click();
  await page.waitForFunction(() => !window.isOld && document.querySelector('#connection')?.dataset.connected === 'true');
  await downButton(page).click();
  await expect(downButton(page)).toHaveAttribute('aria-pressed', 'true');
});

test('a silent stream counts as no connection until the next frame', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  process.kill(ui.pid, 'SIGSTOP');
  try {
    await expect(connection(page)).toHaveText('no updates for three seconds, waiting');
    await expect(connection(page)).toHaveAttribute('data-connected', 'false');
    await expect(downButton(page)).toBeDisabled();
  } finally {
    process.kill(ui.pid, 'SIGCONT');
  }
  await expect(connection(page)).toHaveText('connected');
  await expect(downButton(page)).toBeEnabled();
});
