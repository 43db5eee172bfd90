// A browser that is watched from outside, by what the system says of its processes: a devtools connection would cost it
// something, so there is none while it is measured.
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { environment, executablePath, flags, sandboxWorks } from './chromium.js';
import { work } from './paths.js';
import { Program } from './programs.js';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']));

// Of a process, as /proc says it; '' where it has ended.
const read = (pid, file) => {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
};
export const mib = (pid, file, field) => Number(read(pid, file).match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))?.[1] ?? 0) / 1024;
const statFields = (pid) => read(pid, 'stat').split(')').pop().trim().split(' '); // from the state on: man 5 proc
const cpuSeconds = (pid) => {
  const [user, system] = statFields(pid).slice(11, 13);
  return (Number(user ?? 0) + Number(system ?? 0)) / ticksPerSecond;
};

const withDescendants = (ancestor) => {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = pids.map((pid) => [pid, Number(statFields(pid)[1])]);
  const found = [ancestor];
  for (const each of found) found.push(...parents.filter(([, parent]) => parent === each).map(([pid]) => pid));
  return found;
};

// The browser's processes, and how much they worked since the last look. PSS: what n processes share counts for each
// with an n-th.
export class BrowserUse {
  constructor(pid) {
    this.pid = pid;
    this.cpu = new Map();
    this.lookedAt = performance.now();
  }

  look() {
    const line = { pageMib: 0, browserMib: 0 };
    let worked = 0;
    for (const pid of withDescendants(this.pid)) {
      const cpu = cpuSeconds(pid);
      worked += Math.max(0, cpu - (this.cpu.get(pid) ?? 0));
      this.cpu.set(pid, cpu);
      const size = mib(pid, 'smaps_rollup', 'Pss');
      line.browserMib += size;
      if (read(pid, 'cmdline').includes('--type=renderer')) line.pageMib = Math.max(line.pageMib, size);
    }
    const now = performance.now();
    line.browserPercent = (worked / ((now - this.lookedAt) / 1000)) * 100;
    this.lookedAt = now;
    return line;
  }
}

// `name` is that of its folder; `options` are further ones of chromium.
export const startBrowser = async (name, ...options) => {
  const home = path.join(work, 'benchmark', name);
  fs.rmSync(home, { recursive: true, force: true });
  fs.mkdirSync(home, { recursive: true });
  const program = new Program(executablePath, ['--headless', '--remote-debugging-port=0', `--user-data-dir=${home}/profile`,
    ...options, ...flags, ...(sandboxWorks() ? [] : ['--no-sandbox']), 'about:blank'], { env: environment(home) });
  const endpoint = await program.printed(/DevTools listening on (ws:\S+)/);
  return { program, endpoint, stop: () => program.stop() };
};
