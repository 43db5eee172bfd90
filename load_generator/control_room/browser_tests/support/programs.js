// Programs of the lab, started for a test. They end with it, and also when the test runner is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export class Program {
  constructor(file, args, options = {}) {
    this.output = '';
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => { this.output += text; });
    }
    this.ended = once(this.child, 'close').then(([code]) => code);
  }

  // The first group of `pattern`, once the program has printed it.
  printed(pattern) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.output.match(pattern);
        if (found) resolve(found[1]);
      };
      for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', look);
      this.ended.then(() => reject(new Error(`the program ended: ${this.output}`)));
    });
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}

// `load_generator ui` on a free port: { url, pid, stop() }.
export const startUi = async (bin, args) => {
  const program = new Program(path.join(bin, 'load_generator'), ['ui', '--port', '0', ...args]);
  const url = await program.printed(/the control room: (http:\/\/[^/ ]+)/);
  return { url, pid: program.child.pid, stop: () => program.stop() };
};

// Runs a program to its end: { code, output }.
export const run = async (file, ...args) => {
  const program = new Program(file, args);
  return { code: await program.ended, output: program.output };
};

export const getJson = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
};

export const put = async (url, body) => {
  const response = await fetch(url, { method: 'PUT', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
};
