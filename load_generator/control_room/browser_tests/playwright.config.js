// Run by scripts/dev/browser_tests.sh. No retries: a test that fails now and then has a fault, or found one.
import fs from 'node:fs';
import path from 'node:path';
import { defineConfig } from '@playwright/test';
import { environment, executablePath, flags, sandboxWorks } from './support/chromium.js';
import { work } from './support/paths.js';

const home = path.join(work, 'home');
fs.mkdirSync(home, { recursive: true });

export default defineConfig({
  testDir: '.',
  outputDir: path.join(work, 'results'),
  reporter: 'list',
  fullyParallel: true,
  workers: 3, // they mostly wait, for scenarios that take their time
  timeout: 90_000,
  expect: { timeout: 30_000 },
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    actionTimeout: 30_000,
    launchOptions: { executablePath, chromiumSandbox: sandboxWorks(), args: flags, env: environment(home) },
  },
});
