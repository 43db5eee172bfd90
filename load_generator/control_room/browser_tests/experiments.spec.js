// The page of the experiments: cards, guesses for each design, the play of all of them, and what came out.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from './support/lab.js';
import { expectLegible, looks, showAs } from './support/looks.js';
import { getJson } from './support/programs.js';

const card = (page, name) => page.locator(`[data-experiment="${name}"]`);
const design = (page, name) => page.locator(`[data-design="${name}"]`);
const sheet = (page) => page.locator('#sheet');
const field = (page, name) => design(page, name).locator('input[type=number]');

const openExperiments = async (page, startUi, fragment = '') => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await page.goto(at(ui, `experiments${fragment}`));
  await expect(card(page, 'metrics-only')).toBeVisible();
  return ui;
};

const guessAndPlay = async (page, guesses) => {
  for (const [name, guess] of Object.entries(guesses)) {
    if (guess === null) await design(page, name).locator('input[type=checkbox]').check();
    else await field(page, name).fill(String(guess));
  }
  await page.click('#sheet-play');
};

const at = (ui, place) => new URL(place, ui.url).href;

const isInPhase = (page, phase) => expect(sheet(page)).toHaveAttribute('data-phase', phase);

// What moves although nothing was pressed, from now on: window.shifts.
const noteShifts = (page) => page.evaluate(() => {
  window.shifts = [];
  new PerformanceObserver((list) => shifts.push(...list.getEntries().filter(({ hadRecentInput, value }) => !hadRecentInput && value > 0.001).map(({ value, sources }) =>
    `${value.toFixed(4)}: ${sources.map(({ node }) => node?.id || node?.className || node?.nodeName).join(', ')}`))).observe({ type: 'layout-shift' });
});

test('there is a card for each experiment, in chapters, with its givens', async ({ page, startUi }) => {
  const ui = await openExperiments(page, startUi);
  const scenarios = await getJson(at(ui, 'scenarios'));
  const names = await page.locator('[data-experiment]').evaluateAll((cards) => cards.map((each) => each.dataset.experiment));
  expect(names).toEqual(scenarios.map(({ name }) => name));
  expect(names.slice(0, 3)).toEqual(['outage', 'outage-10', 'flaky']);
  await expect(page.locator('.chapter h2')).toHaveText([...new Set(scenarios.map(({ chapter }) => chapter))]);
  await expect(card(page, 'outage-10').locator('.experiment-question')).toHaveText(scenarios[1].question);
  await expect(card(page, 'outage-10').locator('.chip')).toHaveText(['10 instances', '50 calls a second', 'upstream healthy for 1 s, then down',
    'open after 5 failures in a row', 'stays open for 60 s']);
});

test('all designs are played, and lines, figures and words are those of the runs', async ({ page, startUi }) => {
  const ui = await openExperiments(page, startUi);
  await card(page, 'outage').click();
  await expect(page).toHaveURL(/#\/experiments\/outage$/);
  await expect(page.locator('#sheet-title')).toHaveText('outage');
  await expect(page.locator('#sheet-meaning')).toHaveText(/^Counted failures: failed calls/);
  await expect(design(page, 'simple').locator('.design-meaning')).toHaveText(/^Upstream failures: /);
  await expect(design(page, 'redis').locator('.because')).toBeHidden();

  await test.step('nothing is played before each design has a guess within its bounds', async () => {
    await page.click('#sheet-play');
    await expect(page.locator('#sheet-answer')).toHaveText('For simple guess a whole number from 0 to 25, or tick “I do not know”.');
    await expect(field(page, 'simple')).toBeFocused();
    await field(page, 'simple').fill('26');
    await page.click('#sheet-play');
    await expect(page.locator('#sheet-answer')).toContainText('For simple');
  });

  await field(page, 'distributed').fill('7');
  await expect(design(page, 'distributed').locator('input[type=range]')).toHaveValue('7');
  await noteShifts(page);
  await guessAndPlay(page, { simple: 4, distributed: 7, redis: null });
  await isInPhase(page, 'playing');
  await expect(page.locator('#sheet-stop')).toBeFocused();
  await expect(page.locator('#sheet-progress')).toHaveText(/of 8\.0 s$/);
  await isInPhase(page, 'result');
  expect(await page.evaluate(() => shifts)).toEqual([]);

  for (const name of ['simple', 'distributed', 'redis']) {
    const run = await getJson(at(ui, `runs/outage-${name}`));
    const [first, ...others] = run.expectations;
    const row = design(page, name);
    const guessed = { simple: 'You guessed 4. ', distributed: 'You guessed 7. ', redis: '' }[name];
    const measured = run.measures[first.measure];
    await expect(row.locator('.design-result')).toHaveText(`${guessed}Expected ${first.expected}, measured ${measured}: ${first.held ? 'held' : 'did not hold'}.`);
    await expect(row.locator('.number-line .mark-word', { hasText: 'measured' })).toHaveText(`measured ${measured}`);
    await expect(row.locator('.number-line .guess')).toHaveCount(guessed === '' ? 0 : 1);
    await expect(row.locator('.because')).toHaveText(`Because: ${first.because}.`);
    await expect(row).toHaveAttribute('data-result', first.held ? 'held' : 'not-held');
    await expect(page.locator('#sheet-others-lists > div', { has: page.locator('h4', { hasText: name }) }).locator('li')).toHaveCount(others.length);
    const change = Math.min(...run.transitions.map(({ at_ms_since_start: at }) => at));
    await expect(row.locator('.watch-link')).toHaveAttribute('href', `lab#/run/outage-${name}?t=${Math.floor(change - 100)}`);
  }
  const axes = await page.locator('.number-line').evaluateAll((lines) => lines.map((line) => [...line.querySelectorAll('.axis-number')].map((each) => each.textContent).join()));
  expect(new Set(axes).size).toBe(1);
  await expect(page.locator('#sheet-announcer')).toContainText('distributed: You guessed 7.');

  await test.step('the report can be kept', async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#sheet-save')]);
    expect(download.suggestedFilename()).toBe('outage-report.html');
    const report = fs.readFileSync(await download.path(), 'utf8');
    for (const name of ['simple', 'distributed', 'redis']) expect(report).toContain(`"variant":"${name}"`);
  });

  await test.step('a page that is loaded again shows the result again', async () => {
    const words = await design(page, 'distributed').locator('.design-result').textContent();
    await page.reload();
    await isInPhase(page, 'result');
    await expect(design(page, 'distributed').locator('.design-result')).toHaveText(words);
  });

  await test.step('the link leads to the replay, just before the first change', async () => {
    await design(page, 'redis').locator('.watch-link').click();
    await expect(page.locator('#replay-title')).toContainText('outage, redis');
    const time = Number(new URLSearchParams(page.url().split('?')[1]).get('t'));
    await expect.poll(async () => Number(await page.locator('#replay-slider').inputValue())).toBe(time);
    await expect(page.locator('#replay-words')).toHaveText('Nothing has changed yet.');
    await page.evaluate(() => { location.hash = '#/run/outage-distributed'; });
    await expect(page.locator('#replay-title')).toContainText('outage, distributed');
  });

  await test.step('back on the page, the card says what held, and another guess can be made', async () => {
    await page.goto(at(ui, 'experiments'));
    await expect(card(page, 'outage').locator('.played')).toHaveText(/^\d+ of \d+ expectations held$/);
    await card(page, 'outage').locator('a').press('Enter');
    await page.click('#sheet-again');
    await isInPhase(page, 'guess');
    await expect(field(page, 'distributed')).toHaveValue('');
    await page.click('#sheet-show');
    await expect(design(page, 'distributed').locator('.design-result')).toHaveText(/^Expected /);
  });
});

test('an experiment that does not start shows its error, and can be started again', async ({ page, startUi, bin }) => {
  await openExperiments(page, startUi, '#/experiments/outage');
  const program = path.join(bin, 'redis_breaker');
  fs.renameSync(program, `${program}.away`);
  try {
    await guessAndPlay(page, { simple: 3, distributed: 9, redis: 3 });
    await isInPhase(page, 'playing');
    await isInPhase(page, 'guess');
  } finally {
    fs.renameSync(`${program}.away`, program);
  }
  await expect(page.locator('#sheet-answer')).toContainText('redis_breaker');
  await expect(field(page, 'distributed')).toHaveValue('9');
  await page.click('#sheet-play');
  await isInPhase(page, 'playing');
  await expect(page.locator('#sheet-answer')).toHaveText('');
});

test('while another experiment runs, none can be started, and the reason is shown', async ({ page, startUi, context, monitor }) => {
  monitor.allowMessages(/409 \(Conflict\)/);
  const ui = await openExperiments(page, startUi, '#/experiments/outage');
  const other = await context.newPage();
  await other.goto(at(ui, 'experiments#/experiments/recovery'));
  await guessAndPlay(other, { simple: 1, distributed: 1, redis: 1 });
  await isInPhase(other, 'playing');
  await expect(other.locator('#sheet-progress')).toHaveText(/^distributed, /);
  await guessAndPlay(page, { simple: 1, distributed: 1, redis: 1 });
  await expect(page.locator('#sheet-answer')).toContainText('a scenario is running');
  await isInPhase(page, 'guess');
});

test('while an experiment is played another one is refused, and the first goes on to its end', async ({ page, startUi, monitor }) => {
  monitor.allowMessages(/503|EventSource/);
  await openExperiments(page, startUi, '#/experiments/outage');
  await page.route('**/events', (route) => route.fulfill({ status: 503, json: { error: '8 pages look on already' } }));
  await guessAndPlay(page, { simple: 3, distributed: 9, redis: 3 });
  await isInPhase(page, 'playing'); // and stays so without updates, however fast the machine is
  await page.keyboard.press('Escape');
  await card(page, 'recovery').click();
  await guessAndPlay(page, { simple: 1, distributed: 1, redis: 1 });
  await expect(page.locator('#sheet-answer')).toHaveText('outage is being played; wait for its end, or stop it');
  await isInPhase(page, 'guess');
  await page.keyboard.press('Escape');
  await expect(card(page, 'outage').locator('.played')).toHaveText('is being played');
  await card(page, 'outage').click();
  await isInPhase(page, 'playing');
  await page.unroute('**/events');
  await isInPhase(page, 'result');
  await expect(page.locator('.design-result .verdict-word')).toHaveCount(3);
});

test('Stop ends the play, and no design is started after it', async ({ page, startUi }) => {
  const ui = await openExperiments(page, startUi, '#/experiments/backoff');
  await guessAndPlay(page, { distributed: 1, 'distributed-growing': 2, redis: 3, 'redis-growing': 4 });
  await expect(page.locator('#sheet-progress')).toHaveText(/^distributed, [0-4]\.\d s of 28\.0 s$/);
  await page.click('#sheet-stop');
  await isInPhase(page, 'guess');
  await expect(page.locator('#sheet-answer')).toContainText('stopped');
  await expect(field(page, 'redis-growing')).toHaveValue('4');
  expect(await getJson(at(ui, 'runs'))).not.toContain('backoff-distributed');
});

test('without updates the reason is shown, and the play goes on when they are back', async ({ page, startUi, monitor }) => {
  monitor.allowMessages(/503|EventSource/);
  await openExperiments(page, startUi, '#/experiments/outage');
  await page.route('**/events', (route) => route.fulfill({ status: 503, json: { error: '8 pages look on already' } }));
  await guessAndPlay(page, { simple: 3, distributed: 9, redis: 3 });
  await expect(page.locator('#sheet-progress')).toHaveText('8 pages look on already');
  await page.unroute('**/events');
  await isInPhase(page, 'result');
  await expect(page.locator('.design-result .verdict-word')).toHaveCount(3);
});

test('what the server sends stays text', async ({ page, startUi }) => {
  const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
  await page.route('**/scenarios', async (route) => {
    const scenarios = await (await route.fetch()).json();
    Object.assign(scenarios[0], { question: markup, chapter: markup, plan: markup });
    scenarios[0].variants[0].name = markup;
    scenarios[0].variants[0].breaker = { [markup]: markup };
    await route.fulfill({ json: scenarios });
  });
  await openExperiments(page, startUi, '#/experiments/outage');
  await expect(page.locator('#sheet-question')).toHaveText(markup);
  await expect(page.locator('.chapter h2').first()).toHaveText(markup);
  await expect(page.locator('.design h3').first()).toHaveText(markup);
  await page.click('#sheet-play');
  await expect(page.locator('#sheet-answer')).toContainText(markup);
  await expect(page.locator('main img, #sheet img, main b')).toHaveCount(0);
  await expect(page).toHaveTitle(/^Experiments/);
});

test('a page that is loaded again goes on, also while the experiment is closed', async ({ page, startUi }) => {
  await openExperiments(page, startUi, '#/experiments/late-result');
  await guessAndPlay(page, { distributed: 20, redis: 20, naive: 5 });
  await expect(page.locator('#sheet-progress')).toHaveText(/^distributed, /);
  await page.keyboard.press('Escape');
  await expect(sheet(page)).toBeHidden();
  await expect(card(page, 'late-result').locator('.played')).toHaveText('is being played');
  await page.reload();
  await expect(card(page, 'late-result').locator('.played')).toHaveText('is being played');
  await card(page, 'late-result').click();
  await isInPhase(page, 'playing');
  await isInPhase(page, 'result');
  await expect(design(page, 'redis').locator('.design-result')).toHaveText(/^You guessed 20\. Expected at least 15, measured \d+: /);
  const [band, axis] = await Promise.all(['.band', '.axis'].map((part) => design(page, 'redis').locator(part).first().boundingBox()));
  expect(Math.abs(band.x + band.width - axis.x - axis.width), 'without an upper bound the band reaches the end').toBeLessThan(2);
});

test('an experiment is opened, guessed, played and closed by keyboard', async ({ page, startUi }) => {
  await openExperiments(page, startUi);
  const tabTo = async (wanted) => {
    for (let i = 0; i < 60; i += 1) {
      if (await wanted.evaluate((node) => node === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${wanted}`);
  };
  const link = card(page, 'outage').locator('a');
  await tabTo(link);
  await page.keyboard.press('Enter');
  await expect(page.locator('#sheet-title')).toBeFocused();
  await tabTo(design(page, 'simple').locator('input[type=range]'));
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect(field(page, 'simple')).toHaveValue('2');
  await tabTo(field(page, 'distributed'));
  await page.keyboard.type('9');
  await tabTo(design(page, 'redis').locator('input[type=checkbox]'));
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await expect(page.locator('#sheet-stop')).toBeFocused();
  await isInPhase(page, 'result');
  await expect(page.locator('#sheet-title')).toBeFocused();
  for (const wanted of [design(page, 'redis').locator('.watch-link'), page.locator('#sheet-save'), page.locator('#sheet-again')]) await tabTo(wanted);
  await page.keyboard.press('Escape');
  await expect(sheet(page)).toBeHidden();
  await expect(link).toBeFocused();
  await expect(page).toHaveURL(/experiments#\/experiments$/);
});

test('an address opens its experiment, and Back closes it', async ({ page, startUi }) => {
  const ui = await openExperiments(page, startUi);
  await card(page, 'flaky').click();
  await expect(page.locator('#sheet-title')).toHaveText('flaky');
  await page.goBack();
  await expect(sheet(page)).toBeHidden();
  await page.goto(at(ui, 'lab#/experiments/recovery'));
  await expect(page).toHaveURL(/\/experiments#\/experiments\/recovery$/);
  await expect(page.locator('#sheet-title')).toHaveText('recovery');
});

test('every control of an opened experiment has a name that screen readers can read', async ({ page, startUi }) => {
  await openExperiments(page, startUi, '#/experiments/outage-10');
  for (const [name, what] of [['simple', 'upstream failures'], ['redis', 'counted failures']]) {
    await expect(design(page, name).locator('input[type=range]')).toHaveAccessibleName(`Your guess for ${name}: ${what}`);
    await expect(field(page, name)).toHaveAccessibleName(`Your guess as a number for ${name}: ${what}`);
    await expect(design(page, name).locator('input[type=checkbox]')).toHaveAccessibleName(`I do not know, for ${name}`);
  }
  await expect(sheet(page)).toHaveAccessibleName('outage-10');
  await expect(page.locator('#sheet-play')).toHaveAccessibleDescription(/^takes about 9 s/);
});

test('cards, guesses and results are legible at each size and in both colours', async ({ page, startUi, outage }) => {
  test.setTimeout(180_000);
  expect(outage.runs).toHaveLength(3);
  await openExperiments(page, startUi);
  const wide = [{ name: 'wide-light', width: 1920, height: 1080, mobile: false, colorScheme: 'light' }];
  const check = async (what) => {
    for (const look of [...looks, ...wide]) {
      await showAs(page, look);
      await expectLegible(page, `experiments-${what}-${look.name}`);
    }
  };
  await check('cards');
  await card(page, 'backoff').click(); // takes two minutes, unless it is stopped
  await field(page, 'redis').fill('30');
  await check('guess');
  await guessAndPlay(page, { distributed: 75, 'distributed-growing': 15, redis: 30, 'redis-growing': null });
  await isInPhase(page, 'playing');
  await expect(page.locator('#sheet-progress')).toHaveText(/of 28\.0 s$/);
  await check('playing');
  await page.click('#sheet-stop');
  await isInPhase(page, 'guess');
  await page.keyboard.press('Escape');
  await card(page, 'outage').click();
  await page.click('#sheet-show');
  await isInPhase(page, 'result');
  await check('result');
});
