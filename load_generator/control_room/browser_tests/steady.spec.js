// Nothing on the page moves, not even when a control is pressed: what comes and goes has its place beforehand.
import { expect, lanesWith, openUi, test } from './support/lab.js';

// From now on, window.shifts lists what moved: its elements, and from where to where.
const noteShifts = (page) => page.evaluate(() => {
  window.shifts = [];
  const text = ({ node: moved, previousRect: from, currentRect: to }) => {
    const node = moved?.nodeType === Node.TEXT_NODE ? moved.parentElement : moved;
    return `${node?.id || node?.className?.baseVal || node?.className || node?.tagName} '${node?.textContent.slice(0, 30)}': ` +
      `${[from, to].map(({ x, y, width, height }) => [x, y, width, height].map(Math.round).join()).join(' > ')}`;
  };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) shifts.push(entry.sources.map(text).join('; '));
  }).observe({ type: 'layout-shift' });
});

// Without a user's input, which would excuse what moves then; so other pages that show the same are tested as well.
const click = (page, css) => page.locator(css).evaluate((node) => node.click());

// What moved is reported with the next frames.
const shifts = async (page) => {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  return page.evaluate(() => window.shifts);
};

for (const [stage, width, height] of [['distributed', 1280, 800], ['redis', 1920, 1080], ['redis', 390, 844]]) {
  test(`nothing moves by itself in a whole outage with every control pressed (${stage}, ${width} x ${height})`, async ({ page, startUi }) => {
    await page.setViewportSize({ width, height });
    const ui = await startUi('--stage', stage, '--rate', '60');
    await openUi(page, ui.url, 3);
    await expect(page.locator('#what-if-left')).toHaveText('50');
    await expect(page.locator('.area-answered')).toHaveAttribute('d', /^M/);
    await expect(page.locator('#agreement-words')).toHaveText(/^Right: the upstream answers/);
    await noteShifts(page);
    const press = async (css) => {
      await expect(page.locator(css)).toBeEnabled();
      await click(page, css);
      await expect(page.locator(css)).toHaveAttribute('aria-pressed', 'true');
    };
    await press('[data-fault=down]');
    await expect(lanesWith(page, 'open')).toHaveCount(3);
    await expect(page.locator('.span-half_open[d^=M]')).not.toHaveCount(0); // a probe failed
    await press('[data-fault=healthy]');
    await expect(lanesWith(page, 'closed')).toHaveCount(3);
    for (const fault of ['flaky', 'slow', 'healthy']) await press(`[data-fault=${fault}]`);
    await click(page, '[data-object="switch:Instance-A"]');
    await press('[data-override=forced_open]');
    await expect(page.locator('[data-lane] .detail').filter({ hasText: 'forced open' })).toHaveCount(3);
    await press('[data-override=forced_closed]');
    await click(page, '[data-object="wire:Instance-B"]');
    await press('[data-network=Instance-B]');
    await expect.poll(() => page.locator('[data-count=exception]').textContent()).not.toBe('0');
    await click(page, '[data-object="switch:Instance-A"]');
    await press('[data-override=auto]');
    await expect(page.locator('#agreement-words')).toHaveText(/^(Right|Wrong)/);
    await click(page, '[data-object="wire:Instance-B"]');
    await click(page, '[data-network=Instance-B]');
    await expect(lanesWith(page, 'closed')).toHaveCount(3);
    await click(page, '[data-object=callers]');
    await page.locator('#rate').evaluate((node) => { node.value = '-1'; });
    await click(page, '#rate-apply');
    await expect(page.locator('#rate-control .answer')).toHaveText('the rate must be a number, 0 or more');
    await page.locator('#rate').evaluate((node) => { node.value = '30'; });
    await click(page, '#rate-apply');
    await page.waitForFunction(() => Lab.controlRoom.frame.load.rate === 30);
    await click(page, '#rate-stop');
    await expect(page.locator('#rate-now')).toHaveText(/^Stopped/);
    expect(await shifts(page)).toEqual([]);
  });
}
