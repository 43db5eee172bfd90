// Scenarios on the page: predicted, watched, and judged by their run's file.
import fs from 'node:fs';
import path from 'node:path';
import { expect, noteAnnouncements, numberIn, openUi, startScenario, photograph, predict, test } from './support/lab.js';
import { expectLegible, looks, showAs } from './support/looks.js';
import { getJson } from './support/programs.js';

const verdict = (page) => page.locator('#verdict');
const guess = (page) => page.locator('[data-result=guess]');
const mode = (page) => page.locator('body');

const openIdle = async (page, startUi) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  return ui;
};

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
    await predict(page, 'outage-10', variant, '10');
    await expect(page.locator('#progress')).toBeVisible();
    await expect(verdict(page)).toBeVisible();
    const { measures } = await getJson(`${ui.url}/runs/outage-10-${variant}`);
    const noted = await page.evaluate(() => noted);
    // The page and the run each date an instance's events by the quickest answer that they got from it.
    const difference = Math.abs(noted.at(-1).totalMs - measures.disagreement_ms);
    expect(difference).toBeLessThan(10);
    if (variant === 'distributed') expect(measures.disagreement_ms).toBeGreaterThan(0);
    if (measures.disagreement_ms === 0) expect(noted.filter(({ agree }) => agree === 'false')).toEqual([]);
  });
}

test('guess, expected and measured stand together, legibly, and are the run’s own', async ({ page, startUi, runsFolder }) => {
  const ui = await openIdle(page, startUi);
  await noteAnnouncements(page);
  await predict(page, 'outage', 'distributed', '7');
  await expect(page.locator('#progress')).toBeVisible();
  await expect(verdict(page)).toBeVisible();
  const run = await getJson(`${ui.url}/runs/outage-distributed`);
  const [first] = run.expectations;
  await expect(guess(page)).toHaveText('7');
  await expect(page.locator('[data-result=expected]')).toHaveText(first.expected);
  expect(await numberIn(page, '[data-result=measured]')).toBe(run.measures[first.measure]);
  await expect(page.locator('#verdict-because')).toContainText(first.because);
  await expect(page.locator('#verdict-held')).toHaveText(`The expectation ${first.held ? 'held' : 'did not hold'}.`);
  const announced = await page.evaluate(() => announced.find((text) => text.startsWith('guess 7, expected ')));
  expect(announced.endsWith(first.held ? ': held' : ': not held')).toBe(true);
  await expect(page.locator('#results-rows tr')).toHaveCount(1);
  await expect(page.locator('#results-rows tr')).toContainText('outage');
  await photograph(page, 'verdict');

  await test.step('with a verdict and a replay the page is legible at each size and in both colours', async () => {
    for (const look of looks) {
      await showAs(page, look);
      await page.locator('[data-lane] svg').first().press('End');
      await expectLegible(page, `replay-${look.name}`);
    }
  });

  await test.step('the run is replayed until a later one replaced its file', async () => {
    const replayIt = page.locator('#results-rows button');
    await page.click('#replay-live');
    await replayIt.click();
    await expect(mode(page)).toHaveAttribute('data-mode', 'replay');
    await page.click('#replay-live');
    const file = path.join(runsFolder, 'outage-distributed.json');
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file)), length_ms: run.length_ms + 1 }));
    await replayIt.click();
    await expect(page.locator('#results-answer')).toHaveText('a later run replaced this one');
    await expect(mode(page)).toHaveAttribute('data-mode', 'live');
  });
});

// Stage 1 plays by a virtual clock: its scenarios are over at once, and equal each time.
test('a scenario that is over before it is seen running gives a verdict too, and again', async ({ page, startUi }) => {
  await openIdle(page, startUi);
  for (const each of ['4', '3']) {
    await predict(page, 'outage', 'simple', each);
    await expect(verdict(page)).toBeVisible();
    await expect(guess(page)).toHaveText(each);
    await expect(page.locator('[data-result=measured]')).toHaveText('3');
  }
  await expect(page.locator('#results-rows tr')).toHaveCount(2);
});

test('a guess is not lost when the scenario is over before its request is answered', async ({ page, startUi }) => {
  await openIdle(page, startUi);
  await page.evaluate(() => {
    const realFetch = fetch;
    const isOver = (done) => (Lab.controlRoom.frame.scenario?.phase === 'over' ? done() : setTimeout(isOver, 50, done));
    window.fetch = async (...request) => {
      const answer = await realFetch(...request);
      if (request[0] === '/control/scenario') await new Promise(isOver);
      return answer;
    };
  });
  await predict(page, 'outage', 'simple', '4');
  await expect(verdict(page)).toBeVisible();
  await expect(guess(page)).toHaveText('4');
});

test('a guess is not lost when its scenario starts but the answer comes too late', async ({ page, startUi }) => {
  await openIdle(page, startUi);
  await page.evaluate(() => {
    const realFetch = fetch;
    window.fetch = async (...request) => {
      const answer = await realFetch(...request);
      if (request[0] === '/control/scenario') throw new DOMException('as if ten seconds had passed', 'TimeoutError');
      return answer;
    };
  });
  await predict(page, 'outage', 'simple', '4');
  await expect(verdict(page)).toBeVisible();
  await expect(guess(page)).toHaveText('4');
});

test('a guess is answered although its scenario ended in a hidden page and another one followed', async ({ page, startUi }) => {
  await openIdle(page, startUi);
  await page.evaluate(() => Object.defineProperty(document, 'hidden', { get: () => !window.isLookedAt }));
  await predict(page, 'outage', 'simple', '4');
  await page.waitForFunction(() => { // and the page has noticed it
    const { frame, predict: { isRequesting, prediction } } = Lab.controlRoom;
    return frame.scenario?.phase === 'over' && !isRequesting && prediction === null;
  });
  await startScenario(page, 'outage', 'simple');
  await page.waitForFunction(() => {
    const { number, phase } = Lab.controlRoom.frame.scenario;
    return number === 2 && phase === 'over';
  });
  await page.evaluate(() => {
    window.isLookedAt = true;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await expect(page.locator('#results-rows [data-label=guess]').filter({ hasText: /^4$/ })).not.toHaveCount(0);
});

test('a guess whose scenario ended unseen is answered by its run or declared lost', async ({ page, startUi, runsFolder }) => {
  await openIdle(page, startUi);
  fs.rmSync(path.join(runsFolder, 'recovery-simple.json'), { force: true });
  const unseenRun = (run) => page.waitForFunction((wanted) =>
    window.unseen?.scenario?.phase === 'over' && unseen.scenario.run === wanted, run);
  for (const hasOlderRun of [false, true]) { // an older, equal run must not answer it
    await page.evaluate(() => { Lab.controlRoom.applyFrame = (frame) => { window.unseen = frame; }; });
    await predict(page, 'recovery', 'simple', '4');
    await unseenRun('recovery-simple');
    await startScenario(page, 'outage', 'simple');
    await unseenRun('outage-simple');
    await page.waitForFunction(() => JSON.parse(sessionStorage.getItem('lab-prediction'))?.guess === 4);
    await page.evaluate(() => { delete Lab.controlRoom.applyFrame; });
    await page.waitForFunction(() => sessionStorage.getItem('lab-prediction') === 'null');
    await expect(page.locator('#scenario-answer')).toContainText('This page missed');
    await expect(verdict(page)).toBeVisible({ visible: !hasOlderRun });
    await expect(page.locator('#results-rows tr')).toHaveCount(1);
    if (!hasOlderRun) await page.click('#replay-live');
  }
  await expect(page.locator('#scenario-answer')).toHaveText(/your guess has no answer\.$/);
});
