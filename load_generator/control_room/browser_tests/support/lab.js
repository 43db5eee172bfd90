// The tests' fixtures, and what most of them do with a page.
import fs from 'node:fs';
import path from 'node:path';
import { test as base, expect } from '@playwright/test';
import { PageMonitor } from './page_monitor.js';
import { bin as builtPrograms, screenshot, work } from './paths.js';
import { getJson, run, startUi } from './programs.js';

export { expect };

const programs = ['load_generator', 'simple_breaker', 'distributed_breaker', 'redis_breaker', 'unreliable_service'];

const usualRace = { instances: 10, failure_threshold: 5, rate: 40, recovery_timeout_ms: 10_000 };

// As the page does it, with its token.
const playRace = async (url) => {
  const [, token] = /name="token" content="([^"]+)"/.exec(await (await fetch(url)).text());
  const headers = { 'Content-Type': 'application/json', 'X-Control-Token': token, Origin: url };
  const started = await fetch(`${url}/control/race`, { method: 'POST', headers, body: JSON.stringify(usualRace) });
  if (!started.ok) throw new Error(await started.text());
  await expect.poll(async () => (await getJson(`${url}/race`)).phase, { timeout: 60_000 }).toBe('over');
};

const keep = (files) => files.map((file) => ({ file, text: fs.readFileSync(file, 'utf8') }));

const restore = (kept) => kept.map(({ file, text }) => {
  fs.writeFileSync(file, text);
  return JSON.parse(text);
});

export const test = base.extend({
  // A folder with the programs. Runs are kept beside it, so each worker has its own.
  bin: [async ({}, use, { parallelIndex }) => {
    const folder = path.join(work, `worker-${parallelIndex}`);
    const bin = path.join(folder, 'bin');
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(bin, { recursive: true });
    for (const name of programs) fs.linkSync(path.join(builtPrograms, name), path.join(bin, name));
    await use(bin);
    fs.rmSync(folder, { recursive: true, force: true });
  }, { scope: 'worker' }],

  runsFolder: [async ({ bin }, use) => use(path.join(path.dirname(bin), 'runs')), { scope: 'worker' }],

  // The outage, played against each stage: { runs, report }. Like the race below it is played once for each worker, and its
  // files are there again for each test, although another one may have been played meanwhile.
  playedOutage: [async ({ bin, runsFolder }, use) => {
    const call = async (...args) => {
      const { code, output } = await run(path.join(bin, 'load_generator'), ...args);
      if (code > 1) throw new Error(output); // 1: an expectation that did not hold, as may happen on a busy machine
    };
    const stages = ['simple', 'distributed', 'redis'];
    await Promise.all(stages.map((stage) => call('scenario', 'outage', '--stage', stage)));
    const files = stages.map((stage) => path.join(runsFolder, `outage-${stage}.json`));
    const report = path.join(runsFolder, 'report.html');
    await call('compare', '--html', report, ...files);
    await use({ runs: keep(files), report });
  }, { scope: 'worker' }],

  outage: async ({ playedOutage: { runs, report } }, use) => use({ runs: restore(runs), report }),

  // A race that is over, with the usual givens: the documents of its runs.
  playedRace: [async ({ idleUi, runsFolder }, use) => {
    await playRace(idleUi.url);
    await use(keep(['distributed', 'redis'].map((variant) => path.join(runsFolder, `the-race-${variant}.json`))));
  }, { scope: 'worker' }],

  race: async ({ playedRace }, use) => use(restore(playedRace)),

  // For tests that change nothing in it: three instances of stage 2, and no load.
  idleUi: [async ({ bin }, use) => {
    const ui = await startUi(bin, ['--stage', 'distributed', '--rate', '0']);
    await use(ui);
    await ui.stop();
  }, { scope: 'worker' }],

  // (...options of `load_generator ui`) => { url, pid }
  startUi: async ({ bin }, use) => {
    const started = [];
    await use(async (...options) => {
      const ui = await startUi(bin, options);
      started.push(ui);
      return ui;
    });
    await Promise.all(started.map((ui) => ui.stop()));
  },

  monitor: [async ({ context, startUi: checkedBeforeItStops }, use) => {
    const monitor = new PageMonitor(context);
    await use(monitor);
    monitor.check();
  }, { auto: true }],

  // A page of the idle fleet.
  idlePage: async ({ page, idleUi }, use) => {
    await openUi(page, idleUi.url, 3);
    await use(page);
  },
});

export const openUi = async (page, url, lanes) => {
  await page.goto(`${url}/lab`);
  await expect(page.locator('[data-lane]')).toHaveCount(lanes);
  await expect(page.locator('#connection')).toHaveAttribute('data-connected', 'true');
};

export const photograph = async (page, name) => {
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: screenshot(name) });
};

// Shows a frame that is made up: these fields, and the last real frame's others. No real one is shown from now on.
export const showFrame = (page, fields) => page.evaluate((made) => {
  const room = Lab.controlRoom;
  room.applyFrame = () => {};
  Object.getPrototypeOf(room).applyFrame.call(room, { ...room.frame, ...made });
  room.draw();
}, fields);

export const lanesWith = (page, state) => page.locator(`[data-lane][data-state=${state}]`);

export const numberIn = async (page, css) => Number(await page.locator(css).textContent());

// From now on, window.announced holds what screen readers announce.
export const noteAnnouncements = (page) => page.evaluate(() => {
  window.announced = [];
  const announcer = document.querySelector('#announcer');
  new MutationObserver(() => announced.push(announcer.textContent)).observe(announcer, { childList: true });
});

// The object of the map whose controls have this one.
const objectOf = (css, instance) => {
  if (css.includes('data-fault')) return 'upstream';
  if (css.startsWith('#rate')) return 'callers';
  if (css.includes('data-redis-do')) return 'redis';
  const name = /data-network=([^\]]+)/.exec(css)?.[1] ?? instance;
  return `${css.includes('data-network') ? 'wire' : css.includes('data-instance-do') ? 'instance' : 'switch'}:${name}`;
};

export const choose = (page, object) => page.click(`[data-object="${object}"]`);

// Presses a control, after choosing its object.
export const act = async (page, css, instance = 'Instance-A') => {
  const object = objectOf(css, instance);
  if (await page.locator(`[data-object="${object}"]`).getAttribute('aria-pressed') !== 'true') await choose(page, object);
  await page.click(css);
};

// Starts a scenario, as the page of the experiments does.
export const startScenario = (page, name, variant) =>
  page.evaluate((scenario) => Lab.request('/control/scenario', scenario), { name, variant });
