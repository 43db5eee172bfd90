// A scenario that runs is shown live, and its run can be replayed from its address.
import { expect, openUi, startScenario, test } from './support/lab.js';
import { getJson } from './support/programs.js';

const openIdle = async (page, startUi) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  return ui;
};

const isOver = (page) => page.waitForFunction(() => Lab.controlRoom.frame.scenario?.phase === 'over', null, { timeout: 30_000 });

// From now on, window.noted is what the agreement line showed while a scenario's instances were on the page.
const noteAgreement = (page) => page.evaluate(() => {
  window.noted = [];
  const byId = (id) => document.getElementById(id);
  const note = () => {
    if (!byId('title').textContent.startsWith('outage')) return;
    noted.push({ agree: byId('agreement').dataset.agree, totalMs: Number(byId('disagreement-ms').dataset.ms) });
  };
  const everything = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(note).observe(byId('agreement'), everything);
});

// Each of ten instances has a breaker, which open one after the other; or they share one. How long they disagree depends
// on the machine, so the page is compared with the run.
for (const variant of ['distributed', 'redis']) {
  test(`the page shows how long ten instances disagreed in an outage (${variant})`, async ({ page, startUi }) => {
    const ui = await openIdle(page, startUi);
    await noteAgreement(page);
    await startScenario(page, 'outage-10', variant);
    await expect(page.locator('#why-not')).toHaveText(/^A scenario is running/);
    await isOver(page);
    const { measures } = await getJson(`${ui.url}/runs/outage-10-${variant}`);
    const noted = await page.evaluate(() => noted);
    // Both learn how the instances' clocks differ from theirs from the same answers, but read their own clock after each.
    expect(Math.abs(noted.at(-1).totalMs - measures.disagreement_ms)).toBeLessThan(5);
    if (variant === 'distributed') expect(measures.disagreement_ms).toBeGreaterThan(0);
    if (measures.disagreement_ms === 0) expect(noted.filter(({ agree }) => agree === 'false')).toEqual([]);
  });
}

test('the address of a run and a moment opens its replay there', async ({ page, startUi, outage }) => {
  expect(outage.runs).toHaveLength(3);
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await page.goto(`${ui.url}/#/run/outage-distributed?t=1500`);
  await expect(page.locator('#title')).toHaveText('replay');
  await expect(page.locator('#replay-title')).toHaveText(/outage/);
  await expect(page.locator('#replay-time')).toHaveText(/1\.50 s/);
  expect(Number(await page.locator('#replay-slider').getAttribute('max'))).toBe((await getJson(`${ui.url}/runs/outage-distributed`)).length_ms);
});
