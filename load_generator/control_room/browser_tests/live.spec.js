// The live page before a real fleet: lanes, figures, and two pages at once.
import { act, expect, lanesWith, numberIn, openUi, photograph, showFrame, noteAnnouncements, test } from './support/lab.js';
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
  await act(page, '[data-fault=down]');
  await page.waitForFunction(() => seen.last);
  return page.evaluate(() => (seen.last - seen.pressed) * 10);
};

for (const stage of ['distributed', 'redis']) {
  test(`the upstream's Down button opens all three lanes within a second (${stage})`, async ({ page, startUi }) => {
    const ui = await startUi('--stage', stage, '--rate', '100'); // so that each gets its three failures at once
    await openUi(page, ui.url, 3);
    expect(await page.locator('[data-lane]').evaluateAll((lanes) => lanes.map((lane) => lane.dataset.lane)))
      .toEqual(['Instance-A', 'Instance-B', 'Instance-C']);
    await act(page, '[data-fault=healthy]');
    expect(await msUntilAllAreOpen(page)).toBeLessThan(1000);
    await expect(page.locator('[data-fault=down]')).toHaveAttribute('aria-pressed', 'true');
    await expect(page.locator('#agreement-text')).toHaveText('3 open');
    await photograph(page, `down-${stage}`);
  });
}

test('with the load stopped, figures equal those of instances and ledger', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'redis', '--rate', '100');
  await openUi(page, ui.url, 3);
  await act(page, '[data-fault=flaky]');
  await expect.poll(() => numberIn(page, '[data-count=failure]')).toBeGreaterThan(5);
  await expect.poll(() => numberIn(page, '[data-count=blocked]')).toBeGreaterThan(20);
  await act(page, '#rate-stop');
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
  await act(second, '[data-fault=down]');
  for (const each of [page, second]) {
    await expect(lanesWith(each, 'open')).toHaveCount(3);
    await expect(each.locator('[data-fault=down]')).toHaveAttribute('aria-pressed', 'true');
  }
  await act(page, '[data-override=forced_closed]');
  for (const each of [page, second]) await expect(lanesWith(each, 'closed')).toHaveCount(3);
});

test('instances agree only if several answer and their states are equal', async ({ idlePage: page }) => {
  const instances = await page.evaluate(() => Lab.controlRoom.frame.instances.map((each) => ({ ...each, answers: false })));
  const words = ['No instance answers.', 'Only one instance answers.', 'Right: the upstream answers, and both are closed.'];
  for (const [answering, text] of words.entries()) {
    if (answering > 0) instances[answering].answers = true;
    await showFrame(page, { instances });
    await expect(page.locator('#agreement-words')).toHaveText(text);
    await expect(page.locator('#agreement')).toHaveAttribute('data-agree', answering === 0 ? 'unknown' : 'true');
  }
  const agreement = { text: '2 open, 1 closed', agree: false, disagreement_ms: 1500, disagreeing_for_ms: 300 };
  await showFrame(page, { agreement });
  await expect(page.locator('#agreement')).toHaveAttribute('data-agree', 'false');
  await expect(page.locator('#agreement')).toHaveText(/2 open, 1 closed\s+for 300 ms\s+Right: .*\s+disagreed in total for 1\.5 s/);
});

test('to disagree is right where one network is broken, and to agree is wrong', async ({ idlePage: page }) => {
  const { instances, upstream } = await page.evaluate(() => Lab.controlRoom.frame);
  const show = (states, agree, store) => showFrame(page, {
    agreement: { text: states.join(), agree, disagreement_ms: 1, disagreeing_for_ms: 1 }, upstream,
    instances: instances.map((each, i) => ({ ...each, state: states[i], store, network_broken: i === 1 })),
  });
  const banner = page.locator('#agreement');
  await show(['closed', 'open', 'closed'], false, 'memory');
  await expect(page.locator('#agreement-words')).toHaveText('Right: only Instance-B is cut off, and only it is open.');
  await expect(banner).toHaveAttribute('data-tone', 'right');
  const alarm = () => banner.evaluate((node) => getComputedStyle(node).backgroundColor);
  const calm = await alarm();
  await show(['open', 'open', 'open'], true, 'redis');
  await expect(page.locator('#agreement-words'))
    .toHaveText('Wrong: only Instance-B is cut off, and all three are open, because they share one breaker.');
  await expect(banner).toHaveAttribute('data-tone', 'wrong');
  expect(await alarm()).not.toBe(calm);
});

test('while an override is in force there is no countdown', async ({ idlePage: page }) => {
  const instances = await page.evaluate(() => Lab.controlRoom.frame.instances);
  const detail = page.locator('[data-lane] .detail').first();
  const show = (override) => showFrame(page, { instances: instances.map((each) => ({ ...each, state: 'open', retry_after_ms: 5000, override })) });
  await show('');
  await expect(detail).toHaveText('retry in 5.0 s');
  await show('forced_open');
  await expect(detail).toHaveText('forced open');
});

test('the ledger’s figures add up to what was received, whatever became of it', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '60');
  await openUi(page, ui.url, 3);
  await act(page, '[data-override=forced_closed]');
  await act(page, '[data-network=Instance-B]');
  await act(page, '[data-fault=flaky]');
  await expect.poll(() => numberIn(page, '[data-ledger=drop]')).toBeGreaterThan(10);
  await expect.poll(() => numberIn(page, '[data-count=exception]')).toBeGreaterThan(10);
  await expect(page.locator('.mark-unanswered[d^=M]')).not.toHaveCount(0);
  await expect(page.locator('[data-value=unanswered]')).not.toHaveText('0');
  const figures = await page.evaluate(() => ['received', 'success', 'failure', 'hang', 'drop']
    .map((kind) => Number(document.querySelector(`[data-ledger=${kind}]`).textContent)));
  expect(figures.slice(1).reduce((sum, each) => sum + each)).toBe(figures[0]);
  for (const kind of ['area-unanswered', 'area-failed']) await expect(page.locator(`.${kind}`)).toHaveAttribute('d', /^M.*V/);
});

test('an agreement that changes all the time is announced only now and then', async ({ idlePage: page }) => {
  expect(await page.locator('#agreement-text').getAttribute('aria-live')).toBeNull();
  await expect(page.locator('#announcer')).toHaveText(/^3 closed\. Right: the upstream answers/);
  await noteAnnouncements(page);
  const show = (text) => showFrame(page, { agreement: { text, agree: false, disagreement_ms: 1, disagreeing_for_ms: 1 } });
  for (let i = 0; i < 10; i += 1) await show(i % 2 === 0 ? '2 open, 1 closed' : '1 open, 2 closed');
  expect(await page.evaluate(() => announced.length)).toBeLessThanOrEqual(1);
  await expect.poll(async () => {
    await show('2 open, 1 closed');
    return page.evaluate(() => announced.at(-1));
  }).toMatch(/^2 open, 1 closed\. Right: /);
});
