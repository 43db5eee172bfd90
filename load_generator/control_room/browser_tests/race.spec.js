// The race, with real programs: what it shows is what its runs say, at any moment.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from './support/lab.js';
import { expectLegible, looks, showAs } from './support/looks.js';

const figureOf = (page, fleet, name) => page.locator(`[data-fleet=${fleet}] [data-figure=${name}]`);
const phase = (page, name) => page.waitForFunction((wanted) => document.body.dataset.phase === wanted, name, { timeout: 30_000 });

const openRace = async (page, url, query = '') => {
  await page.goto(`${url}#/race${query}`);
  await expect(page.locator('.picture')).toHaveCount(2);
};

// A short race: 3 instances, a threshold of 2.
const short = '?n=3&threshold=2&rate=60&break=10';

const playToItsEnd = async (page) => {
  await page.click('#skip');
  await phase(page, 'replay');
};

// The replay of the race that has been played (see lab.js), at a moment.
const usual = '?n=10&threshold=5&rate=40&break=10';
const openPlayed = async (page, url, time) => {
  await openRace(page, url, `${usual}&t=${time}`);
  await expect(page.locator('#world')).toHaveText('A replay of a race with real programs.');
};

// From now on window.noted lists each phase and each word of the play button, also those that pass by themselves.
const noteChanges = (page) => page.evaluate(() => {
  window.noted = [];
  const button = document.querySelector('#play');
  new MutationObserver(() => noted.push(document.body.dataset.phase)).observe(document.body, { attributeFilter: ['data-phase'] });
  new MutationObserver(() => noted.push(button.textContent)).observe(button, { childList: true });
});

const moveTo = (page, time) => page.evaluate((at) => {
  const scrubber = document.querySelector('#scrubber');
  scrubber.value = at;
  scrubber.dispatchEvent(new Event('input'));
}, time);

// How many pixels of the canvases are drawn on. A worker draws them, so they are copied first.
const flyingPixels = () => [...document.querySelectorAll('canvas')].reduce((sum, { width, height }, i, all) => {
  const copy = new OffscreenCanvas(width, height).getContext('2d');
  copy.drawImage(all[i], 0, 0);
  return sum + copy.getImageData(0, 0, width, height).data.filter((value, at) => at % 4 === 3 && value > 0).length;
}, 0);

const runsIn = (folder) => ['distributed', 'redis'].map((variant) =>
  JSON.parse(fs.readFileSync(path.join(folder, `the-race-${variant}.json`))));

const end = (call) => call.at_ms_since_start + call.took_ms;
const reachedUpstream = (call) => ['failure', 'exception'].includes(call.status) && call.upstream_calls > 0;

test('ten breakers cost fifty calls and one shared breaker five, and the page shows what the ledgers say', async ({ page, startUi, runsFolder }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openRace(page, ui.url);
  await page.fill('#guess-left', '30');
  await page.fill('#guess-right', '12');
  await noteChanges(page);
  await page.click('#start');
  await page.waitForFunction(() => noted.includes('Pause'));
  expect(await page.evaluate(() => noted), 'the replay starts by itself').toEqual(expect.arrayContaining(['starting', 'live', 'replay', 'Pause']));
  const runs = runsIn(runsFolder);
  await moveTo(page, runs[0].length_ms);
  for (const [i, fleet] of ['distributed', 'redis'].entries()) {
    const failed = Object.values(runs[i].ledger).reduce((sum, { failure }) => sum + failure, 0);
    await expect(figureOf(page, fleet, 'hits')).toHaveText(String(failed));
    const [expected] = runs[i].expectations;
    expect(failed).toBeGreaterThanOrEqual(expected.at_least);
  }
  await expect(page.locator('#verdict-words')).toContainText('You guessed 30. Expected');
  await expect(page.locator('#verdict-words')).toContainText('You guessed 12. Expected');
  await expect(page.locator('.number-line svg')).toHaveCount(2);
});

test('at a hundred random moments each figure equals the calls and transitions of the run files until then', async ({ page, idleUi, race: runs }) => {
  await openPlayed(page, idleUi.url, 0);
  // A breaker opens a moment before or after its caller has the answer; the page shows both at once.
  const isBetween = (time) => runs.some((run) => run.transitions.some(({ at_ms_since_start: at }) => Math.abs(time - at) <= 20));
  const times = Array.from({ length: 100 }, () => Math.random() * runs[0].length_ms).filter((time) => !isBetween(time));
  const moments = await page.evaluate((all) => all.map((time) => {
    const scrubber = document.querySelector('#scrubber');
    scrubber.value = time;
    scrubber.dispatchEvent(new Event('input'));
    return [...document.querySelectorAll('[data-fleet]')].map((card) => ({
      figures: ['hits', 'answered', 'blocked'].map((name) => Number(card.querySelector(`[data-figure=${name}]`).textContent)),
      open: card.querySelectorAll('.switch[data-state=open]').length,
      squares: [...card.querySelectorAll('.hit')].reduce((sum, { attributes: { d } }) => sum + (d?.value.match(/M/g) ?? []).length, 0),
    }));
  }), times);
  expect(moments.length).toBeGreaterThan(20);
  times.forEach((time, i) => runs.forEach((run, side) => {
    const over = run.calls.filter((call) => end(call) <= time);
    const count = (status) => over.filter((call) => call.status === status).length;
    const hits = over.filter(reachedUpstream).length;
    const opened = new Set(run.transitions.filter(({ at_ms_since_start: at, to }) => at <= time && to === 'open').map(({ instance }) => instance));
    expect(moments[i][side], `at ${time}`).toEqual({ figures: [hits, count('success'), count('blocked')], squares: hits,
      open: run.shared_breaker && opened.size > 0 ? run.instances.length : opened.size });
  }));
});

test('a call that is answered after the load has ended is counted at the end of the replay', async ({ page, idleUi, race: [run], runsFolder }) => {
  const blocked = run.calls.filter(({ status }) => status === 'blocked');
  const late = { ...blocked[0], at_ms_since_start: run.length_ms - 10, took_ms: 500 };
  fs.writeFileSync(path.join(runsFolder, 'the-race-distributed.json'), JSON.stringify({ ...run, calls: [...run.calls, late] }));
  await openPlayed(page, idleUi.url, 1e6);
  await expect(figureOf(page, 'distributed', 'blocked')).toHaveText(String(blocked.length + 1));
});

test('the address holds the givens and the moment: a page that opens it shows the same', async ({ page, context, idleUi, race }) => {
  expect(race).toHaveLength(2);
  await openPlayed(page, idleUi.url, 0);
  await moveTo(page, 1040);
  expect(page.url()).toContain('#/race?n=10&threshold=5&rate=40&break=10&t=1040');
  const figures = () => document.querySelector('main').innerText.match(/\d+/g).join(' ');
  const shown = await page.evaluate(figures);
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(other.locator('#moment')).toHaveText(/^1\.04 s/);
  expect(await other.evaluate(figures)).toBe(shown);
  await other.goto(`${idleUi.url}/lab#/race?n=4`);
  await expect(other.locator('[data-given=instances]')).toHaveValue('4');
});

test('the verdict has the guess for its givens, and none for a race with others', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  const verdict = page.locator('#verdict-words');
  await openRace(page, ui.url, short);
  await page.fill('#guess-left', '8');
  await page.fill('#guess-right', '3');
  await page.click('#start');
  await phase(page, 'replay');
  await expect(verdict).toContainText('You guessed 8. Expected exactly 6');
  await openRace(page, ui.url, `${usual}&t=2000`);
  await expect(verdict).toContainText('Expected exactly 50');
  await expect(verdict).not.toContainText('You guessed');
  await openRace(page, ui.url, `${short}&t=2000`);
  await expect(verdict).toContainText('You guessed 8. Expected exactly 6');
});

// Long enough to be watched and stopped on any machine.
const long = '?n=10&threshold=20&rate=10&break=60';

test('two pages watch one race until it is stopped, and a second one cannot be started meanwhile', async ({ page, context, startUi, monitor }) => {
  monitor.allowMessages(/409/);
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openRace(page, ui.url, long);
  const other = await context.newPage();
  await openRace(other, ui.url, long);
  await page.click('#skip');
  await phase(page, 'live');
  await other.click('#skip');
  await expect(other.locator('#race-answer')).toContainText(/running/);
  await other.reload();
  await phase(other, 'live');
  await page.click('#stop');
  for (const each of [page, other]) {
    await phase(each, 'ready');
    await expect(each.locator('#race-answer')).toContainText('stopped');
  }
});

test('a race that is stopped leaves the page ready for the next', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openRace(page, ui.url, long);
  await page.click('#skip');
  await page.click('#stop');
  await phase(page, 'ready');
  await expect(page.locator('#race-answer')).toContainText('stopped');
  await openRace(page, ui.url, short);
  await playToItsEnd(page);
});

test('givens that allow no race are refused in a sentence, and the others are drawn at once', async ({ page, idleUi, monitor }) => {
  monitor.allowMessages(/400/);
  await openRace(page, idleUi.url);
  const change = async (given, value) => {
    await page.fill(`[data-given=${given}]`, value);
    await page.locator(`[data-given=${given}]`).blur();
  };
  await change('instances', '26');
  await expect(page.locator('[data-fleet=redis] .switch')).toHaveCount(26);
  await change('failure_threshold', '20');
  await change('rate', '1');
  await expect(page.locator('#race-answer')).not.toBeEmpty();
  await expect(page.locator('#start')).toBeDisabled();
  await change('rate', '200');
  await expect(page.locator('#race-answer')).toBeEmpty();
  await expect(page.locator('#start')).toBeEnabled();
});

test('a race can be guessed, started, watched and stepped through by keyboard', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openRace(page, ui.url, short);
  const tabTo = async (id) => {
    for (let i = 0; i < 30; i += 1) {
      if (await page.evaluate(() => document.activeElement.id) === id) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${id}`);
  };
  await tabTo('guess-left');
  await page.keyboard.type('6');
  await page.keyboard.press('Enter');
  await expect(page.locator('#race-answer')).toContainText('right'); // a guess is missing
  await page.keyboard.type('2');
  await page.keyboard.press('Enter');
  await phase(page, 'replay');
  await moveTo(page, 0);
  await noteChanges(page);
  await page.keyboard.press('p');
  await page.keyboard.press('p');
  expect(await page.evaluate(() => noted)).toEqual(['Pause', 'Play']);
  await moveTo(page, 0);
  await page.keyboard.press('.');
  await expect(page.locator('#moment')).toHaveText(/^1\.00 s/);
  await page.keyboard.press('.');
  await expect(page.locator('.switch[data-state=open]')).not.toHaveCount(0);
  await tabTo('scrubber');
  await page.keyboard.press('Home');
  await expect(page.locator('#moment')).toHaveText(/^0\.00 s/);
  await tabTo('again');
  await page.keyboard.press('Enter');
  await phase(page, 'ready');
});

const fleetsTop = () => document.querySelector('.fleets').getBoundingClientRect().top;

// The longest verdicts: both guesses and what was expected, and either as expected or not.
const showLongestVerdict = async (held) => {
  const { verdictWords } = await import('/race/words.js');
  const left = { guess: 100_000, expected: 'exactly 520', low: 520, high: 520, measured: 520, held };
  const lines = verdictWords([left, { ...left, expected: '20 to 45', low: 20, high: 45 }]).map((text) => Object.assign(document.createElement('p'), { textContent: text }));
  document.querySelector('#verdict-words').replaceChildren(...lines);
};

for (const { name, width, height } of looks.filter(({ colorScheme }) => colorScheme === 'light')) {
  test(`nothing moves by itself during a whole race, whatever its verdict (${name})`, async ({ page, startUi }) => {
    const ui = await startUi('--stage', 'distributed', '--rate', '0');
    await page.setViewportSize({ width, height });
    await page.addInitScript(() => {
      window.shifts = [];
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput, sources } of list.getEntries()) {
          if (!hadRecentInput) shifts.push([value, ...sources.map(({ node }) => node?.id || node?.className || node?.nodeName)]);
        }
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await openRace(page, ui.url, short);
    const top = await page.evaluate(fleetsTop);
    await playToItsEnd(page);
    await moveTo(page, 5000);
    expect(await page.evaluate(() => shifts)).toEqual([]);
    expect(await page.evaluate(fleetsTop)).toBe(top);
    for (const held of [true, false]) {
      await page.evaluate(showLongestVerdict, held);
      expect(await page.evaluate(fleetsTop), `a verdict that ${held ? 'held' : 'did not hold'}`).toBe(top);
    }
  });
}

test('where people want no motion, nothing flies, and squares and switches still show the race', async ({ page, idleUi, race }) => {
  expect(race).toHaveLength(2);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await openPlayed(page, idleUi.url, 1500);
  expect(await page.evaluate(flyingPixels)).toBe(0);
  expect(Number(await figureOf(page, 'distributed', 'hits').textContent())).toBeGreaterThan(0);
});

test('dots fly on their canvases, and are gone at the end', async ({ page, idleUi }) => {
  await openRace(page, idleUi.url, `${short}&t=1045`);
  await phase(page, 'replay');
  await expect.poll(() => page.evaluate(flyingPixels)).toBeGreaterThan(100);
  await page.setViewportSize({ width: 900, height: 800 });
  await expect.poll(() => page.evaluate(flyingPixels)).toBeGreaterThan(100);
  await moveTo(page, 1e6);
  await expect.poll(() => page.evaluate(flyingPixels)).toBe(0);
});

test('the race is legible at each size and in both colours, before and after', async ({ page, idleUi, race }) => {
  expect(race).toHaveLength(2);
  for (const look of [...looks, { name: 'large-dark', width: 1920, height: 1080, mobile: false, colorScheme: 'dark' }]) {
    await showAs(page, look);
    await page.goto('about:blank');
    await openRace(page, idleUi.url);
    await expectLegible(page, `race-before-${look.name}`);
    await page.goto('about:blank');
    await openPlayed(page, idleUi.url, 1400);
    await expect(page.locator('.number-line')).toHaveCount(2);
    await expectLegible(page, `race-after-${look.name}`);
    if (look.mobile) continue;
    expect.soft(await page.evaluate(() => document.documentElement.scrollHeight), look.name).toBeLessThanOrEqual(look.height);
  }
});

test('the picture and the report can be saved', async ({ page, idleUi, race }) => {
  expect(race).toHaveLength(2);
  await openPlayed(page, idleUi.url, 1040);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-picture')]);
  expect(download.suggestedFilename()).toBe('race-10-instances-1040ms.png');
  const file = fs.readFileSync(await download.path());
  expect([...file.subarray(1, 4)].map((byte) => String.fromCharCode(byte)).join('')).toBe('PNG');
  expect(file.length).toBeGreaterThan(10_000);
  const [report] = await Promise.all([page.waitForEvent('download'), page.click('#save-report')]);
  expect(fs.readFileSync(await report.path(), 'utf8')).toContain('The upstream dies');
});
