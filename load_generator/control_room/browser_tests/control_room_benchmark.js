// What the control room's page costs the browser that shows it, and its server, while a fleet is under load: instances
// with a shared breaker whose upstream fails a tenth of the calls, so that marks and changes of state keep coming. One
// page, then two; and before that, what a replay of the race costs. Each figure beside the bound that it is held to; exits
// with 0 only where all hold.
// Options: --duration 6m to 1h, half of it with two pages; --instances; --rate, in calls per second over all of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { bin } from './support/paths.js';
import { startUi } from './support/programs.js';
import { raceBeyondEmptyPage } from './support/race_use.js';
import { BrowserUse, mib, startBrowser } from './support/watched_browser.js';

const minute = 60_000;
const betweenLines = minute / 2;
const settling = 2 * minute; // the server keeps two minutes of history
const bounds = { racePercent: 15, pageMib: 150, browserPercent: 10, serverGrowthMib: 1 };

const { values: options } = parseArgs({ options: {
  duration: { type: 'string', default: '10m' },
  instances: { type: 'string', default: '10' },
  rate: { type: 'string', default: '200' },
} });
const units = { s: 1000, m: minute, h: 60 * minute };
const [, amount, unit] = options.duration.match(/^(\d+)([smh])$/) ?? [];
const duration = Number(amount) * units[unit];
if (!(duration >= 6 * minute && duration <= 60 * minute)) {
  console.error('error: --duration must be 6m to 1h');
  process.exit(2);
}

const widths = [8, 6, 12, 12, 10, 12];
const printRow = (cells) => console.log(cells.map((cell, i) => String(cell).padStart(widths[i])).join(' '));
const printLine = ({ at, pages, pageMib, browserMib, browserPercent, serverMib }) =>
  printRow([(at / minute).toFixed(1), pages, ...[pageMib, browserMib, browserPercent, serverMib].map((each) => each.toFixed(1))]);

// Opens a page, checks that it is live, and lets go of the browser: to be watched would cost it something.
const openPage = async (endpoint, url, doFirst) => {
  const browser = await chromium.connectOverCDP(endpoint);
  const page = await browser.contexts()[0].newPage();
  await page.goto(`${url}/lab`);
  await page.locator('[data-lane]').nth(Number(options.instances) - 1).waitFor();
  if (doFirst) await page.evaluate(doFirst);
  await browser.close(); // only the connection
};

const failATenth = async () => {
  const { error } = await Lab.request('/control/fault', { plan: 'flaky 0.1' });
  if (error) throw new Error(error);
};

const measure = async (browser, startServer) => {
  printRow(['', '', 'page\'s', 'browser\'s', 'browser\'s', 'server\'s']);
  printRow(['minute', 'pages', 'PSS, MiB', 'PSS, MiB', 'CPU, %', 'RSS, MiB']);
  const use = new BrowserUse(browser.program.child.pid);
  use.look();
  await sleep(betweenLines); // with a blank page: what the browser does anyway
  const lines = [{ at: 0, pages: 0, serverMib: 0, ...use.look() }];
  printLine(lines[0]);
  const ui = await startServer();
  await openPage(browser.endpoint, ui.url, failATenth);
  const start = performance.now();
  for (let at = betweenLines; at <= duration; at += betweenLines) {
    await sleep(start + at - performance.now());
    const pages = at * 2 <= duration ? 1 : 2;
    lines.push({ at, pages, serverMib: mib(ui.pid, 'status', 'VmRSS'), ...use.look() });
    printLine(lines.at(-1));
    if (pages === 1 && (at + betweenLines) * 2 > duration) await openPage(browser.endpoint, ui.url);
  }
  return lines;
};

// Of the server, once all that is kept for two minutes has filled up: it may take some for another page, but for
// nothing else.
const growth = (lines, wanted) => {
  const all = lines.filter(({ pages }) => pages === wanted);
  const settled = all.find(({ at }) => at - all[0].at >= settling);
  return all.at(-1).serverMib - settled.serverMib;
};

const judge = (racePercent, lines) => {
  const withOnePage = lines.filter(({ pages }) => pages === 1);
  const verdicts = [
    ['a replay of the race beyond an empty page, % of a core', racePercent, bounds.racePercent],
    ['largest process of a page, MiB', Math.max(...lines.map(({ pageMib }) => pageMib)), bounds.pageMib],
    ['the whole browser with one page, % of a core, mean',
      withOnePage.reduce((sum, { browserPercent }) => sum + browserPercent, 0) / withOnePage.length, bounds.browserPercent],
    ['growth of the server with one page, MiB', growth(lines, 1), bounds.serverGrowthMib],
    ['growth of the server with two pages, MiB', growth(lines, 2), bounds.serverGrowthMib],
  ];
  console.log(`\n${''.padEnd(56)} measured  at most`);
  for (const [what, measured, atMost] of verdicts) {
    const figures = [measured, atMost].map((each) => each.toFixed(1).padStart(8)).join(' ');
    console.log(`${what.padEnd(56)} ${figures}   ${measured <= atMost ? 'held' : 'NOT HELD'}`);
  }
  return verdicts.every(([, measured, atMost]) => measured <= atMost);
};

const started = [];
const start = async (program) => {
  started.push(await program);
  return started.at(-1);
};

// The server's fleet has no load, so that it does nothing meanwhile.
const measureRace = async () => {
  const [browser, ui] = [await start(startBrowser('race', '--window-size=1280,800')), await start(startUi(bin, ['--stage', 'distributed', '--rate', '0']))];
  console.log('an empty page that draws sixty frames a second, and a replay of the race, % of a core:');
  const percent = await raceBeyondEmptyPage(browser, ui.url, ({ empty, replay }) => printRow([empty.toFixed(1), replay.toFixed(1)]));
  await Promise.all([browser.stop(), ui.stop()]);
  return percent;
};

const measureLab = async () => {
  const fleet = ['--stage', 'redis', '--instances', options.instances, '--rate', options.rate];
  return measure(await start(startBrowser('lab')), () => start(startUi(bin, fleet)));
};

try {
  process.exitCode = judge(await measureRace(), await measureLab()) ? 0 : 1;
} finally {
  await Promise.all(started.map((each) => each.stop()));
}
