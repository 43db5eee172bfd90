// The picture of the race at a moment, as a PNG: both fleets as they are drawn, with title, givens and figures.

import { draw } from '../shared/text.js';

const copied = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-size', 'font-weight', 'font-family', 'text-anchor', 'opacity', 'paint-order', 'stroke-linecap'];
const margin = 24;
const headHeight = 172;
const scale = 2;

// An SVG that looks the same without the page's styles.
const standalone = (svg) => {
  const copy = svg.cloneNode(true);
  const originals = svg.querySelectorAll('*');
  copy.querySelectorAll('*').forEach((node, i) => {
    const style = getComputedStyle(originals[i]);
    for (const name of copied) node.setAttribute(name, style.getPropertyValue(name));
    node.removeAttribute('class');
  });
  return copy;
};

const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

const text = (x, y, size, weight, words, fill) =>
  draw('text', { x, y, fill, 'font-size': size, 'font-weight': weight, 'font-family': 'system-ui, sans-serif', text: words });

const column = (card, x) => {
  const { width, height } = card.querySelector('.picture').viewBox.baseVal;
  const picture = standalone(card.querySelector('.picture'));
  for (const [name, value] of Object.entries({ x, y: headHeight, width, height })) picture.setAttribute(name, value);
  const figure = (name) => card.querySelector(`[data-figure="${name}"]`).textContent;
  const hits = figure('hits');
  return { width, height, nodes: [text(x, 94, 16, 700, card.querySelector('h3 b').textContent, colour('--ink')),
    text(x, 150, 54, 700, hits, colour(hits === '0' ? '--quiet' : '--open')),
    text(x + 38 + hits.length * 32, 134, 14, 400, 'calls have hit a dead upstream', colour('--quiet')),
    text(x + 38 + hits.length * 32, 154, 14, 400, figure('switches'), colour('--quiet')), picture] };
};

const pictureOf = ({ givens }) => {
  const cards = [...document.querySelectorAll('[data-fleet]')];
  const left = column(cards[0], margin);
  const right = column(cards[1], margin * 2 + left.width);
  const width = margin * 3 + left.width + right.width;
  const height = headHeight + Math.max(left.height, right.height) + margin;
  const words = `${givens.instances} instances, each call to one of them; open after ${givens.failure_threshold} failures in a row; ${givens.rate} calls a second`;
  const svg = draw('svg', { width, height, viewBox: `0 0 ${width} ${height}` }, draw('rect', { width, height, fill: colour('--card') }),
    text(margin, 38, 20, 700, 'The upstream dies. How many calls still hit it?', colour('--ink')),
    text(margin, 60, 14, 400, words, colour('--quiet')), ...left.nodes, ...right.nodes);
  return { svg, width, height };
};

const asImage = (svg) => new Promise((resolve, reject) => {
  const image = new Image();
  image.onload = () => resolve(image);
  image.onerror = () => reject(new Error('The picture cannot be drawn.'));
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
});

export const savePicture = async (race, time) => {
  const { svg, width, height } = pictureOf(race);
  const canvas = Object.assign(document.createElement('canvas'), { width: width * scale, height: height * scale });
  canvas.getContext('2d').drawImage(await asImage(svg), 0, 0, canvas.width, canvas.height);
  const link = document.createElement('a');
  link.download = `race-${race.givens.instances}-instances-${Math.round(time)}ms.png`;
  link.href = canvas.toDataURL('image/png');
  link.click();
};
