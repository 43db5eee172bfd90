// A card of an experiment: its name, question and givens, and whether it was played here.

import { make, setAttribute, setText } from '../shared/text.js';
import { commonGivens } from './givens.js';
import { playedWords } from './results.js';

export const chips = (words) => make('ul', { class: 'chips' }, ...words.map((each) => make('li', { class: 'chip', text: each })));

export const addressOf = ({ name }) => `#/experiments/${encodeURIComponent(name)}`;

export class Card {
  constructor(scenario) {
    this.result = make('p', { class: 'played' });
    this.link = make('a', { href: addressOf(scenario), text: scenario.name });
    this.node = make('li', { class: 'card experiment', 'data-experiment': scenario.name },
      make('h3', {}, this.link), make('p', { class: 'experiment-question', text: scenario.question }), chips(commonGivens(scenario)), this.result);
    this.show(scenario);
  }

  show(scenario, isPlaying = false) {
    const { state, words } = isPlaying ? { state: 'playing', words: 'is being played' } : playedWords(scenario);
    setAttribute(this.result, 'data-played', state);
    setText(this.result, words);
  }
}

// A heading and a list for each chapter; a chapter without a title is that of what is in no other one.
export const chapterSections = (scenarios, cards) => {
  const titles = [...new Set(scenarios.map(({ chapter }) => chapter))];
  return titles.map((title, i) => {
    const inside = scenarios.map((scenario, at) => ({ scenario, card: cards[at] })).filter(({ scenario }) => scenario.chapter === title);
    const heading = make('h2', { id: `chapter-${i}`, text: title || 'More experiments' });
    return make('section', { class: 'chapter', 'aria-labelledby': heading.id }, heading,
      make('ul', { class: 'experiments' }, ...inside.map(({ card }) => card.node)));
  });
};
