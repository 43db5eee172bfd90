// What every page must keep to: nothing in the console, and requests to its own server only.
import { expect } from '@playwright/test';

export class Manners {
  constructor(context) {
    this.complaints = [];
    this.requests = []; // [page's origin, URL]
    this.expected = [];
    const homes = new Map(); // where each page was first opened
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    context.on('weberror', (error) => this.complaints.push(String(error.error())));
    context.on('request', (request) => {
      const url = request.url();
      if (/^(data|blob|about):/.test(url)) return;
      const page = request.frame().page();
      if (!homes.has(page)) homes.set(page, new URL(url).origin);
      this.requests.push([homes.get(page), url]);
    });
  }

  // For a test that breaks something: the console may complain of that.
  allowComplaints(pattern) {
    this.expected.push(pattern);
  }

  check() {
    expect.soft(this.complaints.filter((text) => !this.expected.some((pattern) => pattern.test(text))),
      'complaints in the console').toEqual([]);
    expect.soft(this.requests.filter(([home, url]) => new URL(url).origin !== home).map(([, url]) => url),
      'requests to others than the page’s server').toEqual([]);
  }
}
