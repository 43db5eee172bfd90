// The page can be read on a desktop and on a phone, in light and in dark colours.
import { act, expect, lanesWith, openUi, test } from './support/lab.js';
import { expectLegible, hardToRead, looks, showAs, sideways } from './support/looks.js';

test('the check of legibility finds what is small, pale or too wide', async ({ page }) => {
  await page.setContent(`<!doctype html><body style="background: #fff">
    <p style="color: #888">pale</p><p style="font-size: 10px">small</p><p style="color: rgb(0 0 0 / 40%)">see-through</p>
    <div style="background: #333"><p style="color: #222">dark</p><p style="color: #fff">fine</p></div>
    <svg><text y=20 fill="#999">drawn</text></svg><button disabled style="color: #eee">disabled</button>
    <input id=faint style="border: 1px solid #ddd">
    <p hidden style="color: #fff">unseen</p><p style="width: 3000px" id=wide>wide</p>`);
  expect(await hardToRead(page)).toEqual(['contrast 3.54: pale', '10 px: small', 'contrast 2.85: see-through',
    'contrast 1.26: dark', 'contrast 2.85: drawn', 'edge 1.36: faint']);
  expect(await sideways(page)).toContain('wide');
});

test('an empty answer is not marked as not done', async ({ idlePage: page }) => {
  const isMarked = (text) => page.evaluate((shown) => { // in one step: no frame comes between
    const answer = document.querySelector('[data-for=upstream] .answer');
    answer.classList.add('error');
    answer.textContent = shown;
    return getComputedStyle(answer, '::before').content !== 'none';
  }, text);
  expect(await isMarked('')).toBe(false);
  expect(await isMarked('a fault')).toBe(true);
});

// Gives each field the largest value that it allows. Those whose text is cut off, each in a line.
const cutFields = (page) => page.evaluate(() => [...document.querySelectorAll('input[type=number]')].filter((field) => field.checkVisibility()).map((field) => {
  field.value = field.max || '1000';
  return field;
}).filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  .map((field) => `${field.id || field.dataset.given || field.className}: ${field.value}, ${field.scrollWidth} > ${field.clientWidth} px`));

test('the largest value of each field has room at each size', async ({ page, idleUi }) => {
  for (const look of [...looks.slice(0, 2), { name: 'large', width: 1920, height: 1080, mobile: false, colorScheme: 'light' }]) {
    await showAs(page, look);
    await page.goto(`${idleUi.url}/`);
    await expect(page.locator('#start')).toBeEnabled();
    expect.soft(await cutFields(page), `race, ${look.name}`).toEqual([]);
    await openUi(page, idleUi.url, 3);
    await act(page, '#rate');
    expect.soft(await cutFields(page), `lab, ${look.name}`).toEqual([]);
    await page.goto(`${idleUi.url}/experiments#/experiments/outage-10`);
    await expect(page.locator('#sheet input[type=number]').first()).toBeVisible();
    expect.soft(await cutFields(page), `experiments, ${look.name}`).toEqual([]);
  }
});

for (const instances of [3, 10]) {
  test(`live, the page is legible at each size and in both colours (${instances} instances)`, async ({ page, startUi }) => {
    const ui = await startUi('--stage', 'redis', '--rate', '60', '--instances', String(instances));
    await openUi(page, ui.url, instances);
    await act(page, '[data-fault=flaky]');
    await expect(lanesWith(page, 'open')).toHaveCount(instances);
    await act(page, '[data-network=Instance-B]');
    for (const look of looks) {
      await showAs(page, look);
      await openUi(page, ui.url, instances);
      await expect(page.locator('.span-open[d^=M]')).not.toHaveCount(0);
      await page.evaluate(() => document.querySelectorAll('details').forEach((each) => { each.open = true; }));
      await expectLegible(page, `live-${instances}-${look.name}`);
    }
  });
}

test('instances known only by long URLs can be distinguished at each size, uncut', async ({ page, startUi }) => {
  const urls = ['http://a-long-name-of-a-machine.localhost:1', 'http://a-long-name-of-a-machine.localhost:2'];
  const ui = await startUi('--targets', urls.join(), '--upstream', 'http://127.0.0.1:1');
  for (const look of looks) {
    await showAs(page, look);
    await openUi(page, ui.url, 2);
    await expect(page.locator('[data-network]')).toHaveCount(2);
    const cut = await page.evaluate(() => [...document.querySelectorAll('.lane-name, [data-network] b, .stores b')]
      .filter((each) => (each.scrollHeight > each.clientHeight + 1 && each.clientHeight > 0) ||
        each.getBoundingClientRect().right > each.parentElement.getBoundingClientRect().right)
      .map((each) => each.textContent));
    expect.soft(cut, look.name).toEqual([]);
    await expect(page.locator('.lane-name').first()).toHaveAttribute('title', urls[0]);
    await expectLegible(page, `urls-${look.name}`);
  }
});
