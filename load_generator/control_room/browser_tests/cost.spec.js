// What a replay of the race costs the page, counted in work and not in time, so that a busy machine changes nothing.
import { expect, test } from './support/lab.js';

const watched = 12; // changes of the document
const pause = 200; // ms between two of them, at least

// Counts what the page does until the document has changed so often: { frames that scripts ask for, ms }.
const watchWork = (changes) => new Promise((resolve) => {
  const start = performance.now();
  const request = requestAnimationFrame;
  let frames = 0;
  let left = changes;
  window.requestAnimationFrame = (draw) => {
    frames += 1;
    return request(draw);
  };
  const observer = new MutationObserver(() => {
    left -= 1;
    if (left > 0) return;
    observer.disconnect();
    resolve({ frames, ms: performance.now() - start });
  });
  observer.observe(document.querySelector('main'), { subtree: true, childList: true, attributes: true, characterData: true });
});

test('a slow replay of ten instances at 100 calls a second asks for no frame, and changes the page five times a second', async ({ page, idleUi }) => {
  await page.goto(`${idleUi.url}#/race?n=10&threshold=5&rate=100&break=10&t=950`);
  await expect(page.locator('#play')).toBeEnabled();
  await page.click('#play');
  await expect(page.locator('#moment')).toContainText('1/10 speed');
  const { frames, ms } = await page.evaluate(watchWork, watched);
  console.log(`frames that scripts asked for: ${frames}; changes of the document a second: ${((watched * 1000) / ms).toFixed(1)}`);
  expect(frames).toBe(0);
  expect(ms).toBeGreaterThan((watched - 3) * pause);
});

test('the canvases cover no more than the way of the calls', async ({ page, idleUi }) => {
  await page.goto(`${idleUi.url}#/race?n=10&threshold=5&rate=100&break=10&t=1100`);
  await expect(page.locator('#play')).toBeEnabled();
  const pixels = await page.evaluate(() => [...document.querySelectorAll('canvas')].map(({ width, height }) => width * height));
  const picture = await page.locator('.picture').first().boundingBox();
  console.log(`pixels drawn a frame: ${pixels.join(' or ')}, of a picture of ${Math.round(picture.width * picture.height)}`);
  for (const each of pixels) expect(each).toBeLessThan(picture.width * picture.height * 0.85);
});
