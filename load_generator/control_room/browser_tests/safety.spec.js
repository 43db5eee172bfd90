// What instances say is text on the page, whatever it looks like.
import http from 'node:http';
import { once } from 'node:events';
import { expect, openUi, photograph, test } from './support/lab.js';

const evilBreaker = "<script>hacked = 'breaker'</script>";
const evilInstance = '<b onclick=hacked=1>"\'&amp;</b>';
const evilCause = '<img src=x onerror="hacked=\'cause\'">';
const turned = '\u202e'; // marks that turn the direction of text are the only characters that get lost

// An instance and its upstream in one, which opened when it was first asked.
const startEvilServer = async () => {
  let firstAsked;
  const date = () => ({ at_ms: (firstAsked ??= Date.now()), age_ms: Date.now() - firstAsked });
  const answers = {
    '/status': () => ({
      instance: turned + evilInstance,
      breaker: { name: evilBreaker, state: 'open', generation: 2, store: 'local', store_error: evilCause },
      calls: { success: 1, failure: 3, exception: 0, blocked: 2 },
      transitions: [
        { generation: 2, from: 'closed', to: 'open', cause: turned + evilCause, ...date() }],
    }),
    '/fault': () => ({ failure_rate: 0, latency_ms: 0, hang_rate: 0, drop_rate: 0 }),
    '/ledger': () => ({ total: {}, callers: { [evilInstance]: { received: 4 } } }),
  };
  const server = http.createServer(({ url }, response) => {
    response.statusCode = answers[url] ? 200 : 404;
    response.end(JSON.stringify(answers[url]?.() ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

test('a breaker called <script>, and a cause with an <img> that would run one, stay text', async ({ page, startUi }) => {
  const server = await startEvilServer();
  const url = `http://127.0.0.1:${server.address().port}`;
  const ui = await startUi('--targets', url, '--upstream', url);
  await openUi(page, ui.url, 1);
  await expect(page.locator('#breaker')).toHaveText(evilBreaker);
  await expect(page.locator('.lane-name').first()).toHaveText(evilInstance);
  await expect(page.locator('[data-lane]')).toHaveAttribute('data-state', 'open');
  await expect(page.locator('#stores')).toContainText(evilCause);
  await page.locator('[data-lane] svg').press('End');
  await expect(page.locator('.tip')).toContainText(evilCause);
  await expect(page.locator('#networks')).toContainText(evilInstance);

  expect(await page.content()).not.toContain(turned);
  expect(await page.evaluate(() => typeof hacked)).toBe('undefined');
  expect(await page.locator('img, b[onclick], script:not([src])').count()).toBe(0);
  await photograph(page, 'evil-names');
  server.close();
  server.closeAllConnections();
});
