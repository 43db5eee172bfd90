// The live page before a real fleet: lanes, figures, and two pages at once.
import { expect, lanesWith, numberIn, openUi, photograph, showFrame, noteAnnouncements, test } from './support/lab.js';
import { getJson } from './support/programs.js';

// From the press of the button to the moment at which the last lane is open on the page. Counts naps instead of reading
// a clock: while other processes keep the machine busy, a nap takes longer and counts no more.
const msUntilAllAreOpen = async (page) => {
  await expect(lanesWith(page, 'closed')).toHaveCount(3);
  await page.evaluate(() => {
    window.seen = { naps: 1 };
    setInterval(() => { seen.naps += 1; }, 10);
    const lanes = [...document.querySelectorAll('[data-lane]')];
    const isOpen = (lane) => lane.dataset.state === 'open' && lane.querySelector('.span-open').getAttribute('d');
    document.addEventListener('click', () => { seen.pressed = seen.naps; }, { capture: true, once: true });
    new MutationObserver(() => {
      if (lanes.every(isOpen)) seen.last ??= seen.naps;
    }).observe(document.querySelector('#lanes'), { subtree: true, attributes: true });
  });
  await page.click('[data-fault=down]');
  await page.waitForFunction(() => seen.last);
  return page.evaluate(() => (seen.last - seen.pressed) * 10);
};

for (const stage of ['distributed', 'redis']) {
  test(`the upstream's Down button opens all three lanes within a second (${stage})`, async ({ page, startUi }) => {
    const ui = await startUi('--stage', stage, '--rate', '100'); // so that each gets its three failures at once
    await openUi(page, ui.url, 3);
    expect(await page.locator('[data-lane]').evaluateAll((lanes) => lanes.map((lane) => lane.dataset.lane)))
      .toEqual(['Instance-A', 'Instance-B', 'Instance-C']);
    await page.click('[data-fault=healthy]');
    expect(await msUntilAllAreOpen(page)).toBeLessThan(1000);
    await expect(page.locator('[data-fault=down]')).toHaveAttribute('aria-pressed', 'true');
    await expect(page.locator('#agreement-text')).toHaveText('3 open');
    await photograph(page, `down-${stage}`);
  });
}

test('with the load stopped, figures equal those of instances and ledger', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'redis', '--rate', '100');
  await openUi(page, ui.url, 3);
  await page.click('[data-fault=flaky]');
  await expect.poll(() => numberIn(page, '[data-count=failure]')).toBeGreaterThan(5);
  await expect.poll(() => numberIn(page, '[data-count=blocked]')).toBeGreaterThan(20);
  await page.click('#rate-stop');
  await page.waitForFunction(() => Lab.controlRoom.frame.load.rate === 0);
  const { upstream, instances } = await page.evaluate(() => Lab.controlRoom.frame);
  // Both are read again with each look, for the last calls may still be under way.
  const differences = async () => {
    const { total } = await getJson(`${upstream.url}/ledger`);
    const statuses = await Promise.all(instances.map(({ url }) => getJson(`${url}/status`)));
    const different = [];
    for (const kind of ['received', 'success', 'failure', 'hang', 'drop']) {
      if (await numberIn(page, `[data-ledger=${kind}]`) !== total[kind]) different.push(`ledger ${kind}`);
    }
    for (const status of ['success', 'failure', 'exception', 'blocked']) {
      const sum = statuses.reduce((all, { calls }) => all + calls[status], 0);
      if (await numberIn(page, `[data-count=${status}]`) !== sum) different.push(`calls ${status}`);
    }
    return different;
  };
  await expect.poll(differences).toEqual([]);
  expect(await numberIn(page, '[data-count=failure]')).toBeGreaterThan(5);
});

test('two pages show the same, whichever of them changes something', async ({ page, context, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '30');
  const second = await context.newPage();
  await openUi(page, ui.url, 3);
  await openUi(second, ui.url, 3);
  await second.click('[data-fault=down]');
  for (const each of [page, second]) {
    await expect(lanesWith(each, 'open')).toHaveCount(3);
    await expect(each.locator('[data-fault=down]')).toHaveAttribute('aria-pressed', 'true');
  }
  await page.click('[data-override=forced_closed]');
  for (const each of [page, second]) await expect(lanesWith(each, 'closed')).toHaveCount(3);
});

test('instances agree only if several answer and their states are equal', async ({ idlePage: page }) => {
  const instances = await page.evaluate(() => Lab.controlRoom.frame.instances.map((each) => ({ ...each, answers: false })));
  const words = ['No instance answers.', 'Only one instance answers.', 'Instances agree.'];
  for (const [answering, text] of words.entries()) {
    if (answering > 0) instances[answering].answers = true;
    await showFrame(page, { instances });
    await expect(page.locator('#agreement-words')).toHaveText(text);
    await expect(page.locator('#agreement')).toHaveAttribute('data-agree', answering === 0 ? 'unknown' : 'true');
  }
  const agreement = { text: '2 open, 1 closed', agree: false, disagreement_ms: 1500, disagreeing_for_ms: 300 };
  await showFrame(page, { agreement });
  await expect(page.locator('#agreement')).toHaveAttribute('data-agree', 'false');
  await expect(page.locator('#agreement')).toHaveText(/2 open, 1 closed\s+Instances disagree.*for 300 ms\s+disagreed for 1\.5 s/);
});

test('an agreement that changes all the time is announced only now and then', async ({ idlePage: page }) => {
  expect(await page.locator('#agreement-text').getAttribute('aria-live')).toBeNull();
  await expect(page.locator('#announcer')).toHaveText(/^3 closed\. Instances agree\./);
  await noteAnnouncements(page);
  const show = (text) => showFrame(page, { agreement: { text, agree: false, disagreement_ms: 1, disagreeing_for_ms: 1 } });
  for (let i = 0; i < 10; i += 1) await show(i % 2 === 0 ? '2 open, 1 closed' : '1 open, 2 closed');
  expect(await page.evaluate(() => announced.length)).toBeLessThanOrEqual(1);
  await expect.poll(async () => {
    await show('2 open, 1 closed');
    return page.evaluate(() => announced.at(-1));
  }).toMatch(/^2 open, 1 closed\. Instances disagree/);
});
