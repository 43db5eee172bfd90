// The report, opened as a file: its poster, timelines, measures and appendix, on screens of each size, by keyboard, and on
// paper. Runs are those of the programs, and copies of them that are changed.
import fs from 'node:fs';
import path from 'node:path';
import { expect, photograph, test as base } from './support/lab.js';
import { hardToRead, looks, showAs, sideways } from './support/looks.js';
import { pagesOf, withoutSpaces } from './support/pdf.js';
import { run } from './support/programs.js';

const designs = ['simple', 'distributed', 'redis'];
const wide = { name: 'wide-light', width: 1920, height: 1080, mobile: false, colorScheme: 'light' };
const read = (file) => JSON.parse(fs.readFileSync(file));

const test = base.extend({
  // Runs of a scenario in virtual time: (scenario, ...variants) => documents.
  simulated: [async ({ bin, runsFolder }, use) => {
    await use(async (scenario, ...variants) => {
      const { code, output } = await run(path.join(bin, 'load_generator'), 'simulate', scenario);
      if (code > 1) throw new Error(output);
      return variants.map((variant) => read(path.join(runsFolder, `${scenario}-${variant}-simulated.json`)));
    });
  }, { scope: 'worker' }],

  // Opens a report of these run documents.
  openReport: async ({ page, bin }, use, { outputDir }) => {
    await use(async (documents, fragment = '') => {
      fs.mkdirSync(outputDir, { recursive: true });
      const files = documents.map((document, i) => path.join(outputDir, `run-${i}.json`));
      files.forEach((file, i) => fs.writeFileSync(file, JSON.stringify(documents[i])));
      const report = path.join(outputDir, 'report.html');
      const { code, output } = await run(path.join(bin, 'load_generator'), 'compare', '--html', report, ...files);
      if (code > 1) throw new Error(output);
      await page.goto(`file://${report}${fragment}`);
      await expect(page.locator('.number-line').first()).toBeAttached();
    });
  },
});

const poster = (page, name) => page.locator(`[data-poster="${name}"]`);
const column = (page, variant) => page.locator(`[data-poster-design="${variant}"]`);
const squares = (page, variant) => column(page, variant).locator('.squares path').evaluate((path) => (path.getAttribute('d').match(/M/g) ?? []).length);
const lanesIn = (page, variant) => page.locator(`[data-run="${variant}"] [data-lane]`).evaluateAll((lanes) => lanes.map((lane) => lane.dataset.lane));

test.describe('the poster', () => {
  test('has question, givens, figures, squares, expected bands, reasons and the verdict', async ({ page, simulated, openReport }) => {
    const runs = await simulated('outage-10', ...designs);
    await openReport(runs);
    await expect(poster(page, 'outage-10').locator('.poster-question')).toHaveText(runs[0].question);
    await expect(poster(page, 'outage-10').locator(':scope > .chips .chip')).toHaveText(['10 instances', '50 calls a second',
      'upstream healthy for 1 s, then down', 'open after 5 failures in a row', 'stays open for 60 s']);
    await expect(page.locator('.poster-figure b')).toHaveText(['5', '50', '5']);
    for (const [i, variant] of designs.entries()) {
      expect(await squares(page, variant)).toBe([5, 50, 5][i]);
      await expect(column(page, variant).locator('.band')).toHaveCount(1);
      await expect(column(page, variant).locator('.mark-word')).toHaveText(`measured ${[5, 50, 5][i]}`);
      await expect(column(page, variant).locator('.poster-result')).toHaveText(`held: expected exactly ${[5, 50, 5][i]}`);
      await expect(page.locator('.poster-why dd').nth(i)).toHaveText(runs[i].expectations[0].because);
    }
    await expect(page.locator('.poster')).toContainText('One square is 1 call.');
    await expect(page.locator('.poster-verdict')).toHaveText('Held: measured as predicted in all 3 designs. Of all 8 expectations of these runs, each held.');
    const sizes = await page.locator('.squares').evaluateAll((all) => all.map((each) => each.getBoundingClientRect().width));
    expect(new Set(sizes).size, 'areas can be compared').toBe(1);
  });

  test('says what did not hold', async ({ page, simulated, openReport }) => {
    const [distributed, redis] = await simulated('outage-10', 'distributed', 'redis');
    redis.measures.counted_failures = 17;
    await openReport([distributed, redis]);
    await expect(column(page, 'redis')).toHaveAttribute('data-held', 'false');
    await expect(column(page, 'redis').locator('.poster-result')).toHaveText('did not hold: expected exactly 5');
    await expect(page.locator('.poster-verdict')).toHaveText(/^Not held: redis was expected to have exactly 5 counted failures, and had 17\. Of all 7 expectations of these runs, 6 held\.$/);
  });

  test('draws one square for ten calls where there are more than 300', async ({ page, simulated, openReport }) => {
    const [distributed, redis] = await simulated('outage-10', 'distributed', 'redis');
    distributed.measures.counted_failures = 2980;
    await openReport([distributed, redis]);
    expect([await squares(page, 'distributed'), await squares(page, 'redis')]).toEqual([298, 1]);
    await expect(page.locator('.poster')).toContainText('One square is 10 calls.');
  });

  test('is there for each scenario, and links lead to each', async ({ page, simulated, openReport }) => {
    await openReport([...await simulated('outage', 'distributed', 'redis'), ...await simulated('outage-10', 'distributed', 'redis')]);
    await expect(page.locator('[data-poster]')).toHaveCount(2);
    const first = await page.locator('#report > :first-child > :first-child').getAttribute('data-poster');
    expect(first).toBe('outage');
    await page.getByRole('link', { name: 'outage-10' }).click();
    await expect(poster(page, 'outage-10')).toBeInViewport();
  });

  test('can be shown without the rest, for a picture', async ({ page, simulated, openReport }) => {
    await openReport(await simulated('outage-10', ...designs), '#poster');
    await expect(poster(page, 'outage-10')).toBeVisible();
    for (const part of ['.timelines', '.measures', '.appendix', '.top', 'footer']) await expect(page.locator(part)).toBeHidden();
    expect(await sideways(page)).toBe('');
  });
});

test.describe('timelines', () => {
  test('are cropped to what matters, and say what was cut off', async ({ page, simulated, openReport }) => {
    await openReport(await simulated('outage-10', ...designs));
    const [start, end] = (await page.locator('.timelines').getAttribute('data-part')).split(' ').map(Number);
    expect([start, end]).toEqual([900, 2200]);
    await expect(page.locator('.cut')).toHaveText(/^Drawn from 0\.90 s to 2\.20 s of 4\.\d\d s\. Cut off: the first 0\.90 s and the last 2\.\d\d s, in which no call failed and no breaker changed its state\.$/);
    const labels = await page.locator('[data-run=distributed] .axis text:not([visibility=hidden])').allTextContents();
    for (const label of labels) expect(parseFloat(label)).toBeGreaterThanOrEqual(0.9);
    for (const label of labels) expect(parseFloat(label)).toBeLessThanOrEqual(2.2);
  });

  test('have one thick lane for a shared breaker, with the instance that reported each change, and a lane for each separate one', async ({ page, simulated, openReport }) => {
    const runs = await simulated('outage-10', ...designs);
    await openReport(runs);
    expect(await lanesIn(page, 'simple')).toEqual(runs[0].instances);
    expect(await lanesIn(page, 'distributed')).toEqual(runs[1].instances);
    expect(await lanesIn(page, 'redis')).toEqual(['shared breaker']);
    const reporter = runs[2].transitions[0].instance.replace('Instance-', '');
    await expect(page.locator('[data-run=redis] .reporter')).toHaveText([reporter]);
    await expect(page.locator('[data-run=redis] .reporter-tick')).toHaveAttribute('d', /^M[\d.]+ 48v6$/);
    const height = (variant) => page.locator(`[data-run=${variant}] .lane svg`).first().evaluate((svg) => svg.clientHeight);
    expect(await height('redis')).toBeGreaterThan(1.5 * await height('distributed'));
  });

  test('show an instance that was on its local breaker in its own lane', async ({ page, simulated, openReport }) => {
    const [redis] = await simulated('redis-down', 'redis');
    const inTrouble = redis.instances.filter((name) => redis.states[name].some(({ store }) => store === 'local'));
    expect(inTrouble).toHaveLength(3);
    const [healed] = inTrouble;
    redis.states[healed] = redis.states[healed].filter(({ store }) => store !== 'local');
    await openReport([redis]);
    expect(await lanesIn(page, 'redis')).toEqual(['shared breaker', ...inTrouble.slice(1)]);
    await expect(page.locator(`[data-lane="${inTrouble[1]}"] .local-line`)).toHaveAttribute('d', /./);
    await expect(page.locator('.legend')).toContainText('local breaker');
  });
});

test('measures are in groups, with bars and what was expected beside what was measured', async ({ page, simulated, openReport }) => {
  await openReport(await simulated('outage-10', ...designs));
  await expect(page.locator('.group')).toHaveText(['Calls', 'Breaker', 'Latency', 'Store']);
  const cell = page.locator('td', { has: page.locator('[data-measured="redis/upstream_failures"]') });
  await expect(cell.locator('[data-expected]')).toHaveText('expected 5 to 14');
  const width = (variant, part) => page.locator(`td:has([data-measured="${variant}/upstream_failures"]) .bar-${part}`).evaluate((node) => node.getBoundingClientRect().width);
  expect(await width('distributed', 'measured') / await width('redis', 'measured')).toBeCloseTo(10, 1);
  expect(await width('redis', 'band') / await width('redis', 'measured')).toBeCloseTo(9 / 5, 1);
  await expect(page.locator('[data-group=Latency] [data-latency="answered"] td')).toHaveText([/^[\d.]+ \/ [\d.]+ \/ [\d.]+$/, /\//, /\//]);
});

test.describe('the appendix', () => {
  test('has settings, the command that repeats a run, version, machine and date', async ({ page, outage }) => {
    await page.goto(`file://${outage.report}`);
    for (const { variant, played } of outage.runs) {
      const part = (name) => page.locator(`[data-played-run="${variant}"] [data-played="${name}"] dd`);
      await expect(part('command')).toHaveText(played.command);
      expect(played.command).toBe(`load_generator scenario outage --stage ${variant}`);
      await expect(part('version')).toHaveText(played.version);
      await expect(part('machine')).toHaveText(played.machine);
      await expect(part('date')).toHaveText(`${played.at.slice(0, 10)} ${played.at.slice(11, 19)} UTC`);
    }
    await expect(page.locator('[data-setting="failure_threshold"] td')).toHaveText(['3', '3', '3']);
    await expect(page.locator('[data-setting="plan"] td').first()).toHaveText('healthy 1s, down');
  });

  test('of runs of an older version says that these are not recorded', async ({ page, simulated, openReport }) => {
    const old = (await simulated('outage', 'distributed', 'redis')).map(({ settings, played, calls, ...rest }) => rest);
    await openReport(old);
    await expect(page.locator('.settings-missing')).toContainText('not recorded');
    await expect(page.locator('[data-played-run=redis] [data-played=command] dd')).toHaveText('not recorded');
    await expect(page.locator('.poster .chip')).toHaveText(['settings not recorded']);
    await expect(page.locator('.poster-figure b')).toHaveText(['9', '3']);
  });
});

test('text of a run becomes text, never markup', async ({ page, simulated, openReport }) => {
  const evil = '<img src=x onerror="document.title = 1">';
  const [redis] = await simulated('outage', 'redis');
  redis.variant = `redis${evil}`.slice(0, 60);
  redis.question = `Is ${evil} a question?`;
  redis.expectations[0].because = evil;
  redis.transitions[0].cause = evil;
  redis.settings.plan = evil;
  redis.played.command = evil;
  await openReport([redis]);
  await expect(page.locator('.poster-question')).toHaveText(redis.question);
  await expect(page.locator('[data-played=command] dd')).toHaveText(evil);
  await expect(page.locator('img')).toHaveCount(0);
});

test('a report can be used with keys only', async ({ page, simulated, openReport }) => {
  await openReport(await simulated('outage-10', ...designs));
  const places = [];
  for (let i = 0; i < 20; i += 1) {
    await page.keyboard.press('Tab');
    places.push(await page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent));
  }
  expect(places.slice(0, 2)).toEqual(['outage-10', 'History of simple_breaker']);
  expect(places.slice(11, 16)).toEqual(['History of Instance-J', 'History of shared breaker', 'Measures', 'Transitions', 'Settings']);
  await page.locator('[data-run=redis] [data-lane] svg').focus();
  await page.keyboard.press('End');
  await expect(page.locator('[data-run=redis] .tip')).toContainText('reported by Instance-');
});

test.describe('legible', () => {
  for (const [scenario, ...variants] of [['outage-10', ...designs], ['redis-down', 'distributed', 'redis', 'redis-before']]) {
    test(`at each size and in both colours (${scenario})`, async ({ page, simulated, openReport }) => {
      const runs = await simulated(scenario, ...variants);
      for (const look of [...looks, wide]) {
        await showAs(page, look);
        await openReport(runs);
        await photograph(page, `report-${scenario}-${look.name}`);
        expect.soft(await hardToRead(page), look.name).toEqual([]);
        expect.soft(await sideways(page), look.name).toBe('');
      }
    });
  }
});

test.describe('on paper', () => {
  // What is wider than the sheet, or than the place that cuts it off.
  const cutOff = (page) => page.evaluate(() => [...document.querySelectorAll('main *')]
    .filter((node) => node.checkVisibility() && node.getBoundingClientRect().width > 0 && !node.closest('svg'))
    .filter((node) => node.getBoundingClientRect().right > 691 || (getComputedStyle(node).overflowX !== 'visible' && node.scrollWidth > node.clientWidth + 1))
    .map((node) => `${node.className || node.tagName}: ${node.textContent.slice(0, 40)}`));

  for (const colorScheme of ['light', 'dark']) {
    test(`a comparison of three designs has four numbered pages, the poster on the first, in light colours (screen: ${colorScheme})`, async ({ page, simulated, openReport }) => {
      await page.emulateMedia({ colorScheme });
      const runs = await simulated('outage-10', ...designs);
      await openReport(runs);
      const pages = pagesOf(await page.pdf({ format: 'A4', printBackground: true })).map((text) => withoutSpaces(text.normalize('NFKC')));
      expect(pages).toHaveLength(4);
      pages.forEach((text, i) => expect(text).toContain(`page${i + 1}of4`));
      const on = (number, ...texts) => texts.forEach((text) => expect(pages[number - 1], text).toContain(withoutSpaces(text.normalize('NFKC'))));
      on(1, runs[0].question, 'stays open for 60 s', ...runs.map(({ expectations }) => expectations[0].because), 'Held: measured as predicted in all 3 designs.', 'One square is 1 call.');
      on(2, 'What happened when', 'Instance-J', 'shared breaker', 'wasted failed although another instance was already open');
      on(3, 'Expected and measured', 'upstream failures', 'redis scripts');
      on(4, 'Every transition and its cause', ...runs.flatMap(({ expectations }) => expectations.map(({ because }) => because)), 'recovery_timeout_ms',
        ...runs.map(({ played }) => played.command ?? 'not recorded'));

      await page.setViewportSize({ width: 690, height: 1000 });
      await page.emulateMedia({ media: 'print', colorScheme });
      await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
      expect(await cutOff(page)).toEqual([]);
      expect(await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--card').trim())).toBe('#ffffff');
    });
  }

  test('each scenario begins with its poster on a page', async ({ page, simulated, openReport }) => {
    const runs = [...await simulated('outage', ...designs), ...await simulated('outage-10', ...designs)];
    await openReport(runs);
    const pages = pagesOf(await page.pdf({ format: 'A4', printBackground: true })).map((text) => withoutSpaces(text.normalize('NFKC')));
    expect(pages).toHaveLength(8);
    for (const [index, { question }] of [[0, runs[0]], [4, runs[3]]]) expect(pages[index]).toContain(withoutSpaces(question));
  });
});
