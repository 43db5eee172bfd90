// The two fleets on the page: of each its picture and its figures.

import { allOf, setAttribute, setText } from '../shared/text.js';
import { FleetPicture } from './fleet_picture.js';
import { dotsAt, sceneAt } from './scene.js';
import { switchesText } from './words.js';

const figureNames = ['hits', 'switches', 'answered', 'blocked'];

const hasOtherPlaces = (scene, other) => scene.names.length !== other.names.length || scene.threshold !== other.threshold;

class FleetCard {
  constructor(node) {
    this.node = node;
    this.holder = node.querySelector('.picture-holder');
    this.verdictLine = node.querySelector('.verdict-line');
    this.figures = Object.fromEntries(figureNames.map((name) => [name, node.querySelector(`[data-figure="${name}"]`)]));
  }

  setScene(scene) {
    if (!this.scene || hasOtherPlaces(scene, this.scene)) this.picture = new FleetPicture(this.holder, scene);
    this.scene = scene;
  }

  setMostHits(most) {
    this.node.style.setProperty('--digits', Math.max(2, String(most).length));
  }

  // isDead: the upstream is; isFlying: dots are shown.
  show(time, { isDead, isFlying }) {
    const moment = sceneAt(this.scene, time);
    this.picture.show(moment, isDead, isFlying ? dotsAt(this.scene, time) : []);
    setText(this.figures.hits, String(moment.hitCount));
    setText(this.figures.switches, switchesText(moment, isDead));
    setText(this.figures.answered, String(moment.answered));
    setText(this.figures.blocked, String(moment.blocked));
    setAttribute(this.node, 'data-hit', moment.hitCount > 0);
  }
}

export class FleetCards {
  constructor() {
    this.cards = allOf('[data-fleet]').map((node) => new FleetCard(node));
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

  show(time, what) {
    this.cards.forEach((card) => card.show(time, what));
  }
}
