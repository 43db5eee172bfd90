// Plays an experiment on the server and follows it, also after the page was loaded again. One at a time.

import { request } from '../shared/api.js';
import { restore, store } from '../shared/text.js';
import { Events } from './events.js';
import { Playing } from './playing.js';

const storedAs = 'experiment-playing';

export class Player {
  // changed(playing) is called for each update, ended(playing) when it is over or has failed: then playing.error says why.
  constructor(changed, ended) {
    this.changed = changed;
    this.ended = ended;
    this.playing = null;
    this.isRequesting = false;
    this.events = new Events((scenario) => this.apply(scenario), (sentence) => this.setTrouble(sentence));
    this.trouble = '';
  }

  // Goes on with what this tab was playing.
  resume(scenarios) {
    const stored = restore(storedAs, Playing.isStored, null);
    const scenario = scenarios.find(({ name }) => name === stored?.name);
    if (!scenario) return;
    this.playing = new Playing(scenario).resume(stored);
    this.events.open();
    this.changed(this.playing);
  }

  // The server's answer to the first request. With { error } nothing has begun. While an experiment is being played, the
  // next one is refused here: between two designs the server would accept it.
  async start(scenario) {
    if (this.playing) return { error: `${this.playing.scenario.name} is being played; wait for its end, or stop it` };
    this.playing = new Playing(scenario);
    const answer = await this.sendRequest();
    if (answer.error) {
      this.playing = null;
      return answer;
    }
    this.events.open();
    this.changed(this.playing);
    return answer;
  }

  async sendRequest() {
    this.isRequesting = true; // an update may report its end before its number is known
    const answer = await request('/control/scenario', this.playing.request);
    this.isRequesting = false;
    if (!answer.error) this.playing.started(answer.number);
    store(storedAs, answer.error ? null : this.playing.toStore());
    return answer;
  }

  async stop() {
    this.playing.isStopping = true;
    return request('/control/scenario/stop', {});
  }

  setTrouble(sentence) {
    if (this.trouble === sentence) return;
    this.trouble = sentence;
    if (this.playing) this.changed(this.playing);
  }

  async apply(scenario) {
    if (this.playing === null || this.isRequesting) return;
    const now = this.playing.apply(scenario);
    if (now === 'next') {
      const { error } = await this.sendRequest();
      if (error) {
        this.playing.fail(error);
        return this.end();
      }
    }
    if (now === 'over' || now === 'failed') return this.end();
    return this.changed(this.playing);
  }

  end() {
    const { playing } = this;
    this.playing = null;
    this.events.close();
    store(storedAs, null);
    this.ended(playing);
  }
}
