// What the server plays, from its updates: a connection that is open only while an experiment is under way, because the
// server has eight places for pages, and a browser few connections.

import { streamRefusal } from '../shared/api.js';

const pause = 2000; // ms before another attempt

export class Events {
  // shown(scenario or null) is called for each update; trouble(sentence) if there are none, and with '' when they are back.
  constructor(shown, trouble) {
    this.shown = shown;
    this.trouble = trouble;
    this.source = null;
    this.timer = 0;
  }

  open() {
    if (this.source !== null) return;
    const source = new EventSource('/events');
    this.source = source;
    source.onmessage = (message) => {
      this.trouble('');
      this.shown(JSON.parse(message.data).scenario);
    };
    source.onerror = () => this.failed(source);
  }

  // A browser reconnects by itself, unless the answer was not a stream.
  async failed(source) {
    if (source.readyState !== EventSource.CLOSED) return this.trouble('The connection is lost; reconnecting.');
    const why = await streamRefusal();
    if (this.source !== source) return undefined;
    this.source = null;
    this.trouble(why || 'The connection is lost; trying again.');
    this.timer = setTimeout(() => this.open(), pause);
    return undefined;
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
