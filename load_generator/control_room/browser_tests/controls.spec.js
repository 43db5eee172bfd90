// What the controls show of requested changes, and when they offer none.
import { expect, openUi, showFrame, test } from './support/lab.js';
import { put } from './support/programs.js';

test('an answer disappears when the change that it reports is no longer in force', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  const upstream = await page.evaluate(() => Lab.controlRoom.frame.upstream.url);
  const answerBeside = (css) => page.locator('fieldset').filter({ has: page.locator(css) }).locator('.answer');
  const clickAndRead = async (css) => {
    const answered = page.waitForResponse(/\/control\//);
    await page.click(css);
    const { done } = await (await answered).json();
    await expect(answerBeside(css)).toHaveText(done);
    return done;
  };
  await clickAndRead('[data-fault=down]');
  const stopped = await clickAndRead('#rate-stop');
  await expect(page.locator('[data-fault=down]')).toHaveAttribute('aria-pressed', 'true');
  await page.waitForFunction(() => {
    const answers = [...Lab.controlRoom.controls.answers.values()];
    return answers.length === 2 && answers.every(({ wasInForce }) => wasInForce);
  });
  await put(`${upstream}/fault`, { failure_rate: 0 });
  await expect(answerBeside('[data-fault=down]')).toHaveText('');
  await expect(answerBeside('#rate-stop')).toHaveText(stopped);
});

test('a tick is not lost when the scenarios arrive: nothing can be ticked before', async ({ page, startUi }) => {
  let arrive;
  const held = new Promise((resolve) => { arrive = resolve; });
  await page.route('**/scenarios', async (route) => {
    await held;
    await route.continue();
  });
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  for (const id of ['scenario', 'variant', 'guess', 'no-guess']) await expect(page.locator(`#${id}`)).toBeDisabled();
  await expect(page.locator('#start-hint')).toHaveText('The scenarios are not known yet.');
  arrive();
  await page.check('#no-guess');
  await expect(page.locator('#start-scenario')).toBeEnabled();
});

test('no scenario is offered during a manual run', async ({ idlePage: page }) => {
  await page.check('#no-guess');
  await expect(page.locator('#start-scenario')).toBeEnabled();
  await showFrame(page, { load: { rate: 5, sent: 9, can_change: false } });
  await expect(page.locator('#start-scenario')).toBeDisabled();
  await expect(page.locator('#start-hint')).toHaveText('A manual run is in progress: no scenario can start until it is over.');
  await expect(page.locator('[data-fault=down]')).toBeEnabled();
});

test('the override shown is that of the instances that answer; calls of others are not counted', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  await page.click('[data-override=forced_open]');
  await page.waitForFunction(() => Lab.controlRoom.frame.instances.every(({ override }) => override === 'forced_open'));
  const shown = await page.evaluate(() => {
    const { frame, controls } = Lab.controlRoom;
    const silent = { ...frame.instances[0], name: 'Instance-D', answers: false, override: '' };
    controls.show({ ...frame, instances: [...frame.instances, silent] }, true);
    return document.querySelector('[data-override=forced_open]').getAttribute('aria-pressed');
  });
  expect(shown).toBe('true');
  await expect(page.locator('#rate-now')).toHaveText('The control room sends no calls.');
});

test('during a scenario the choice of minutes is off, and says why', async ({ idlePage: page }) => {
  const choice = page.locator('#window');
  await expect(choice).toBeEnabled();
  const scenario = { number: 1, name: 'outage', variant: 'redis', phase: 'running', elapsed_ms: 1000, duration_ms: 9000 };
  await showFrame(page, { scenario, title: 'outage, redis' });
  await expect(choice).toBeDisabled();
  await expect(choice).toHaveAccessibleDescription('A scenario is shown in full.');
  await showFrame(page, { scenario: null, title: 'live' });
  await expect(choice).toBeEnabled();
});
