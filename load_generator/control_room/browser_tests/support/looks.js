// Whether what a page shows can be read, as the browser has laid it out and coloured it.
import { expect } from '@playwright/test';
import { photograph } from './lab.js';

// The sizes and colours in which pages have to be legible.
export const looks = ['light', 'dark'].flatMap((colorScheme) => [
  { name: `desktop-${colorScheme}`, width: 1280, height: 800, mobile: false, colorScheme },
  { name: `phone-${colorScheme}`, width: 390, height: 844, mobile: true, colorScheme },
]);

// This page only, as it is: what it shows stays.
export const showAs = async (page, { width, height, mobile, colorScheme }) => {
  const devtools = await page.context().newCDPSession(page);
  await page.setViewportSize({ width, height });
  await devtools.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile });
  await page.emulateMedia({ colorScheme });
  await expect.poll(() => page.evaluate(() => innerWidth)).toBe(width);
};

// Every visible text that is smaller than 11 px or has a contrast below 4.5 to what lies under it
// (https://www.w3.org/TR/WCAG22/#contrast-minimum), and every field and lane's state whose edge has one below 3, each
// in a line. What is disabled need not have it.
// The colour under a text is that of the nearest ground that is not see-through; in a drawing it is that of the outline
// which its letters have for this very purpose, if any. Colours are made numbers by painting them, so that every way to
// write one is understood.
export const hardToRead = (page) => page.evaluate(() => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const painter = canvas.getContext('2d', { willReadFrequently: true });
  const parsed = new Map();
  const numbers = (colour) => {
    if (!parsed.has(colour)) {
      painter.clearRect(0, 0, 1, 1);
      painter.fillStyle = colour;
      painter.fillRect(0, 0, 1, 1);
      const [r, g, b, alpha] = painter.getImageData(0, 0, 1, 1).data;
      parsed.set(colour, { r, g, b, alpha: alpha / 255 });
    }
    return parsed.get(colour);
  };
  const over = (top, bottom) => Object.fromEntries(['r', 'g', 'b'].map(
    (part) => [part, top[part] * top.alpha + bottom[part] * (1 - top.alpha)]));
  const ground = (node) => {
    if (!node) return numbers(matchMedia('(prefers-color-scheme: dark)').matches ? '#000' : '#fff');
    const colour = numbers(getComputedStyle(node).backgroundColor);
    return colour.alpha === 1 ? colour : over(colour, ground(node.parentElement));
  };
  const luminance = ({ r, g, b }) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const node = walker.currentNode.parentElement;
    if (!text || node.closest('script, style, option, :disabled, .unseen')) continue;
    if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const style = getComputedStyle(node);
    const drawn = node.namespaceURI.endsWith('svg');
    const outlined = drawn && style.paintOrder.startsWith('stroke') && style.stroke !== 'none';
    const below = outlined ? numbers(style.stroke) : ground(node);
    const ratio = contrast(over(numbers(drawn ? style.fill : style.color), below), below);
    const size = parseFloat(style.fontSize);
    if (size < 11) faults.push(`${size} px: ${text}`);
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${text}`);
  }
  for (const node of document.querySelectorAll('input:is([type=number], [type=text], :not([type])), select, .span')) {
    if (node.matches(':disabled, .span:not([d^=M])') || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const ratio = contrast(numbers(node.matches('.span') ? style.stroke : style.borderTopColor), ground(node.parentElement));
    if (ratio < 3) faults.push(`edge ${ratio.toFixed(2)}: ${node.id || node.className.baseVal}`);
  }
  return faults;
});

// By how many pixels the page is wider than its window, and what stands out; '' where it is not.
export const sideways = (page) => page.evaluate(() => {
  const width = document.documentElement.clientWidth;
  const excess = document.documentElement.scrollWidth - width;
  if (excess <= 0) return '';
  const out = [...document.querySelectorAll('body *')].filter((node) => node.getBoundingClientRect().right > width + 1);
  return `${excess} px: ${out.slice(0, 5).map((node) => node.id || node.className || node.tagName).join(', ')}`;
});

// What is beside a lane, or beside the chart, and reaches into it; and the words of the map that its objects cut off.
const outOfPlace = (page) => page.evaluate(() => [...document.querySelectorAll('.lane-head, .object')].flatMap((place) =>
  [...place.querySelectorAll('*')].filter((each) => each.textContent !== '' && each.getBoundingClientRect().right > place.getBoundingClientRect().right + 1)
    .map((each) => each.textContent)));

export const expectLegible = async (page, name) => {
  await photograph(page, name);
  expect.soft(await hardToRead(page), name).toEqual([]);
  expect.soft(await sideways(page), name).toBe('');
  expect.soft(await outOfPlace(page), name).toEqual([]);
};
