// Checks that a page writes nothing to the console and sends requests to its own server only.
import { expect } from '@playwright/test';

export class PageMonitor {
  constructor(context) {
    this.messages = [];
    this.requests = []; // [page's origin, URL]
    this.allowed = [];
    const homes = new Map(); // the origin that each page was opened from
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.messages.push(message.text());
    });
    context.on('weberror', (error) => this.messages.push(String(error.error())));
    context.on('request', (request) => {
      const url = request.url();
      if (/^(data|blob|about):/.test(url)) return;
      const page = request.frame().page();
      if (!homes.has(page)) homes.set(page, new URL(url).origin);
      this.requests.push([homes.get(page), url]);
    });
  }

  // For tests that break something: console messages that this causes.
  allowMessages(pattern) {
    this.allowed.push(pattern);
  }

  check() {
    expect.soft(this.messages.filter((text) => !this.allowed.some((pattern) => pattern.test(text))),
      'messages in the console').toEqual([]);
    expect.soft(this.requests.filter(([home, url]) => new URL(url).origin !== home).map(([, url]) => url),
      'requests to other servers').toEqual([]);
  }
}
