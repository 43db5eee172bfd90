// The page of the experiments: a card for each, and one that is opened. The address says which: #/experiments/outage-10.

import { fetchJson } from '../shared/api.js';
import { parseRoute, showRoute } from '../shared/route.js';
import { byId, setText } from '../shared/text.js';
import { Card, chapterSections } from './card.js';
import { Player } from './player.js';
import { Sheet } from './sheet.js';

class Experiments {
  constructor() {
    this.scenarios = [];
    this.player = new Player((playing) => this.showPlaying(playing), (playing) => this.showEnd(playing));
    this.sheet = new Sheet({ play: (scenario) => this.player.start(scenario), stop: () => this.player.stop(), closed: () => this.closed() });
    addEventListener('hashchange', () => this.open());
    this.load();
  }

  async load() {
    const scenarios = await fetchJson('/scenarios');
    setText(byId('experiments-note'), scenarios === null ? 'The experiments cannot be read: is the control room still running? Load this page again.' : '');
    if (scenarios === null) return;
    this.scenarios = scenarios;
    this.cards = scenarios.map((scenario) => new Card(scenario));
    byId('chapters').replaceChildren(...chapterSections(scenarios, this.cards));
    this.player.resume(scenarios);
    this.open();
  }

  // What was played here may have changed.
  async refresh() {
    const scenarios = await fetchJson('/scenarios');
    if (scenarios === null || scenarios.length !== this.scenarios.length) return;
    scenarios.forEach(({ variants }, i) => variants.forEach(({ played }, j) => { this.scenarios[i].variants[j].played = played; }));
    this.showCards();
  }

  showCards() {
    this.cards.forEach((card, i) => card.show(this.scenarios[i], this.player.playing?.scenario === this.scenarios[i]));
  }

  get shown() {
    const route = parseRoute(location.hash);
    return route?.view === 'experiments' ? this.scenarios.find(({ name }) => name === route.name) : undefined;
  }

  open() {
    const scenario = this.shown;
    if (!scenario) return this.sheet.close();
    const { playing } = this.player;
    return this.sheet.open(scenario, playing?.scenario === scenario ? playing : null);
  }

  closed() {
    if (this.shown) showRoute('experiments', '', {});
  }

  isShown(playing) {
    return this.sheet.dialog.open && this.sheet.scenario === playing.scenario;
  }

  showPlaying(playing) {
    this.showCards();
    if (this.isShown(playing)) this.sheet.showPlaying(playing, this.player.trouble);
  }

  async showEnd(playing) {
    await this.refresh();
    if (this.isShown(playing)) this.sheet.showEnd(playing);
  }
}

new Experiments();
