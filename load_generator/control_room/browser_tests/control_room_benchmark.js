// What the control room's page costs the browser that shows it, and its server, while a fleet is under load: instances
// with a shared breaker whose upstream fails a tenth of the calls, so that marks and changes of state keep coming. One
// page, then two. Each figure beside the bound that it is held to; exits with 0 only where all hold.
// Options: --duration 6m to 1h, half of it with two pages; --instances; --rate, in calls per second over all of them.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { execFileSync } from 'node:child_process';
import { chromium } from '@playwright/test';
import { environment, executablePath, flags, sandboxWorks } from './support/chromium.js';
import { bin, work } from './support/paths.js';
import { Program, startUi } from './support/programs.js';

const minute = 60_000;
const betweenLines = minute / 2;
const settling = 2 * minute; // the server keeps two minutes of history
const bounds = { pageMib: 150, browserPercent: 10, serverGrowthMib: 1 };
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));

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

// Of a process, as /proc says it; '' where it has ended.
const read = (pid, file) => {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};
const mib = (pid, file, field) => Number(read(pid, file).match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))?.[1] ?? 0) / 1024;
const statFields = (pid) => read(pid, 'stat').split(')').pop().trim().split(' '); // from the state on: man 5 proc
const cpuSeconds = (pid) => {
  const [user, system] = statFields(pid).slice(11, 13);
  return (Number(user ?? 0) + Number(system ?? 0)) / ticksPerSecond;
};

const withDescendants = (ancestor) => {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = pids.map((pid) => [pid, Number(statFields(pid)[1])]);
  const found = [ancestor];
  for (const each of found) found.push(...parents.filter(([, parent]) => parent === each).map(([pid]) => pid));
  return found;
};

// The browser's processes, and how much they worked since the last look. PSS: what n processes share counts for each
// with an n-th.
class BrowserUse {
  constructor(pid) {
    this.pid = pid;
    this.cpu = new Map();
    this.lookedAt = performance.now();
  }

  look() {
    const line = { pageMib: 0, browserMib: 0 };
    let worked = 0;
    for (const pid of withDescendants(this.pid)) {
      const cpu = cpuSeconds(pid);
      worked += Math.max(0, cpu - (this.cpu.get(pid) ?? 0));
      this.cpu.set(pid, cpu);
      const size = mib(pid, 'smaps_rollup', 'Pss');
      line.browserMib += size;
      if (read(pid, 'cmdline').includes('--type=renderer')) line.pageMib = Math.max(line.pageMib, size);
    }
    const now = performance.now();
    line.browserPercent = (worked / ((now - this.lookedAt) / 1000)) * 100;
    this.lookedAt = now;
    return line;
  }
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

const startBrowser = async () => {
  const home = path.join(work, 'benchmark');
  fs.rmSync(home, { recursive: true, force: true });
  fs.mkdirSync(home, { recursive: true });
  const program = new Program(executablePath, ['--headless', '--remote-debugging-port=0', `--user-data-dir=${home}/profile`,
    ...flags, ...(sandboxWorks() ? [] : ['--no-sandbox']), 'about:blank'], { env: environment(home) });
  const endpoint = await program.printed(/DevTools listening on (ws:\S+)/);
  return { program, endpoint, stop: () => program.stop() };
};

const measure = async (browser, startServer) => {
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

const judge = (lines) => {
  const withOnePage = lines.filter(({ pages }) => pages === 1);
  const verdicts = [
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

printRow(['', '', 'page\'s', 'browser\'s', 'browser\'s', 'server\'s']);
printRow(['minute', 'pages', 'PSS, MiB', 'PSS, MiB', 'CPU, %', 'RSS, MiB']);
const started = [];
const start = async (program) => {
  started.push(await program);
  return started.at(-1);
};
try {
  const browser = await start(startBrowser());
  const fleet = ['--stage', 'redis', '--instances', options.instances, '--rate', options.rate];
  const startServer = () => start(startUi(bin, fleet));
  process.exitCode = judge(await measure(browser, startServer)) ? 0 : 1;
} finally {
  await Promise.all(started.map((each) => each.stop()));
}
