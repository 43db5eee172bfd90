// What a replay of the race costs the browser, beyond an empty page that asks for as many frames: of ten instances on
// each side at 100 calls a second, one replay after the other. Both pages are measured in turns, for as long each, so a
// machine that is busy with other work for a while is so for both; the median of the differences counts.
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from '@playwright/test';
import { BrowserUse } from './watched_browser.js';

const pairs = 5;
const measured = 15_000; // ms: two replays
const settling = 2000; // ms after a page has been opened
const blank = 'about:blank';
const race = '#/race?n=10&threshold=5&rate=100&break=10&t=950';

const askForFrames = () => {
  const next = () => requestAnimationFrame(next);
  next();
};

const playOnAndOn = () => {
  setInterval(() => {
    const button = document.querySelector('#play');
    if (button.textContent === 'Play') button.click();
  }, 100);
};

// The connection ends before the measurement, for it would cost something too; the page before is closed.
const showOnly = async (endpoint, url, doFirst) => {
  const browser = await chromium.connectOverCDP(endpoint);
  const [context] = browser.contexts();
  const page = await context.newPage();
  for (const each of context.pages()) if (each !== page) await each.close();
  await page.goto(url);
  if (url !== blank) await page.locator('#play:enabled').waitFor();
  await page.evaluate(doFirst);
  await browser.close();
};

// In percent of a core.
const percentOf = async ({ endpoint, program }, url, doFirst) => {
  await showOnly(endpoint, url, doFirst);
  await sleep(settling);
  const use = new BrowserUse(program.child.pid);
  use.look();
  await sleep(measured);
  return use.look().browserPercent;
};

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// `show({ empty, replay })` is called after each pair.
export const raceBeyondEmptyPage = async (browser, serverUrl, show) => {
  const differences = [];
  for (let i = 0; i < pairs; i += 1) {
    const empty = await percentOf(browser, blank, askForFrames);
    const replay = await percentOf(browser, `${serverUrl}/${race}`, playOnAndOn);
    show({ empty, replay });
    differences.push(replay - empty);
  }
  return median(differences);
};
