// The README's picture is taken by scripts/dev/picture.sh, with chromium and without Playwright.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from './support/lab.js';
import { root } from './support/paths.js';
import { run } from './support/programs.js';

test('the README’s picture can be taken again', async ({}, { outputDir }) => {
  const picture = path.join(outputDir, 'report.png');
  const { code, output } = await run(path.join(root, 'scripts/dev/picture.sh'), picture);
  expect(code, output).toBe(0);
  const png = fs.readFileSync(picture);
  expect(png.subarray(0, 6).toString('latin1')).toBe('\x89PNG\r\n');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1280, 850]);
  expect(png.length).toBeGreaterThan(30_000);
  expect(png.length).toBeLessThanOrEqual(200 * 1024);
});
