// The chart of calls a second under the lanes.
import { expect, showFrame, test } from './support/lab.js';

const traffic = (steps) => ({ step_ms: 500, first_step: 0, upstream_calls: steps, upstream_failures: steps.map(() => 1), blocked: steps.map(() => 2) });

test('the numbers of the chart’s scale stay where they are while time passes', async ({ idlePage: page }) => {
  const steps = Array.from({ length: 300 }, (_, i) => 4 + (i % 3));
  const frame = { fleet: 2000, from_ms: 0, states: {}, transitions: [], marks: [], traffic: traffic(steps) };
  const places = [];
  for (const now of [130000, 130300, 130800, 135000]) {
    await showFrame(page, { ...frame, now_ms: now });
    places.push(await page.evaluate(() => [...document.querySelectorAll('.chart, .level')].map((node) => {
      const { left, top } = node.getBoundingClientRect();
      return `${node.textContent} at ${left} ${top}`;
    })));
  }
  for (const later of places.slice(1)) expect(later).toEqual(places[0]);
});

test('the chart shows calls without an answer, in the lanes’ time', async ({ idlePage: page }) => {
  const lost = { ...traffic([4, 4, 4, 4]), upstream_failures: [0, 0, 3, 0], upstream_unanswered: [0, 0, 3, 0], unanswered: [0, 0, 3, 0] };
  await showFrame(page, { fleet: 2001, from_ms: 0, now_ms: 1500, states: {}, transitions: [], marks: [], traffic: lost });
  await expect(page.locator('.traffic .value')).toHaveText(['2', '0', '6', '4']);
  const [inChart, inLanes] = await page.evaluate(() => {
    const edge = (node) => node.getBoundingClientRect();
    return [edge(document.querySelector('.area-unanswered')).right,
      edge(document.querySelector('[data-lane] svg')).left + Lab.controlRoom.lanes.view.screenX(1500)];
  });
  expect(Math.abs(inChart - inLanes)).toBeLessThan(2);
});
