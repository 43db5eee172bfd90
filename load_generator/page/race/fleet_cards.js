// The two fleets on the page: of each its picture and its figures.

import { allOf, number, setAttribute, setText } from '../shared/text.js';
import { FleetPicture } from './fleet_picture.js';
import { passedBy, sceneAt } from './scene.js';
import { switchesText } from './words.js';

const figureNames = ['hits', 'switches', 'answered', 'blocked'];

const hasOtherPlaces = (scene, other) => scene.names.length !== other.names.length || scene.threshold !== other.threshold;

class FleetCard {
  constructor(node, index) {
    this.node = node;
    this.index = index;
    this.holder = node.querySelector('.picture-holder');
    this.verdictLine = node.querySelector('.verdict-line');
    this.figures = Object.fromEntries(figureNames.map((name) => [name, node.querySelector(`[data-figure="${name}"]`)]));
  }

  setScene(scene) {
    if (!this.scene || hasOtherPlaces(scene, this.scene)) this.picture = new FleetPicture(this.holder, this.index, scene);
    this.scene = scene;
    this.picture.setCalls(scene.calls);
    this.shown = '';
  }

  setMostHits(most) {
    this.node.style.setProperty('--digits', Math.max(2, String(most).length));
  }

  // True if anything has changed.
  show(time, isDead) {
    const shown = `${passedBy(this.scene, time)} ${isDead}`;
    if (shown === this.shown) return false;
    this.shown = shown;
    this.showMoment(sceneAt(this.scene, time), isDead);
    return true;
  }

  showMoment(moment, isDead) {
    this.picture.show(moment, isDead);
    setText(this.figures.hits, String(moment.hitCount));
    setText(this.figures.switches, switchesText(moment, isDead));
    setText(this.figures.answered, number(moment.answered));
    setText(this.figures.blocked, number(moment.blocked));
    setAttribute(this.node, 'data-hit', moment.hitCount > 0);
  }
}

export class FleetCards {
  constructor() {
    this.cards = allOf('[data-fleet]').map((node, index) => new FleetCard(node, index));
    addEventListener('resize', () => this.cards.forEach(({ picture }) => picture?.resize()));
  }

  get verdictLines() {
    return this.cards.map(({ verdictLine }) => verdictLine);
  }

  clearVerdict() {
    this.verdictLines.forEach((line) => line.replaceChildren());
  }

  // `race` is { scenes, givens, length }.
  setRace({ scenes, givens }) {
    this.cards.forEach((card, i) => {
      card.setMostHits(givens.instances * givens.failure_threshold);
      card.setScene(scenes[i]);
    });
  }

  // True if anything has changed.
  show(time, isDead) {
    return this.cards.map((card) => card.show(time, isDead)).includes(true);
  }
}
