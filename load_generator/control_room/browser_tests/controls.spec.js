// What the controls show of requested changes, and when they offer none.
import { act, expect, openUi, showFrame, test } from './support/lab.js';
import { put } from './support/programs.js';

test('an answer disappears when the change that it reports is no longer in force', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  const upstream = await page.evaluate(() => Lab.controlRoom.frame.upstream.url);
  const answerBeside = (css) => page.locator('fieldset').filter({ has: page.locator(css) }).locator('.answer');
  const clickAndRead = async (css) => {
    const answered = page.waitForResponse(/\/control\//);
    await act(page, css);
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

test('the override shown is that of the instances that answer; calls of others are not counted', async ({ page, startUi }) => {
  const ui = await startUi('--stage', 'distributed', '--rate', '0');
  await openUi(page, ui.url, 3);
  await act(page, '[data-override=forced_open]');
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
