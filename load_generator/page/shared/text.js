// How the whole page writes states, numbers and times, and the few helpers that put text into the document.
// What comes from outside (names, causes, errors) becomes text or an attribute's value, never markup.
// Setters touch the document only if something changes: most frames change little.

const stateNames = { closed: 'closed', open: 'open', half_open: 'half-open', unknown: 'no answer' };
const stateLetters = { closed: 'C', open: 'O', half_open: 'H', unknown: '?' };

export const states = Object.keys(stateNames);
export const knownState = (state) => (Object.hasOwn(stateNames, state) ? state : 'unknown');
export const stateName = (state) => stateNames[knownState(state)];
export const stateLetter = (state) => stateLetters[knownState(state)];

// Whole numbers as they are, others with two decimals, as in the terminal's tables.
export const number = (value) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) return '–';
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
};

const twoDigits = (value) => String(Math.floor(value)).padStart(2, '0');

export const duration = (ms) => {
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return '–';
  if (ms < 1000) return `${ms > 0 && ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 59950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
};

// A time since the start: 4.21 s, 2:04.2. Just before the start is 0.00 s, not -0.00 s.
export const time = (ms) => {
  if (ms < 60000) return `${(Math.round(ms / 10) / 100 || 0).toFixed(2)} s`;
  const tenths = Math.round(ms / 100);
  return `${Math.floor(tenths / 600)}:${twoDigits((tenths % 600) / 10)}.${tenths % 10}`;
};

// The same without fractions, for an axis with steps of whole seconds.
export const clock = (ms) => `${Math.floor(ms / 60000)}:${twoDigits(Math.round(ms / 1000) % 60)}`;

export const count = (amount, one, many = `${one}s`) => `${number(amount)} ${amount === 1 ? one : many}`;

// counted_failures -> counted failures, longest_break_ms -> longest break, in ms. A run without expectations has no
// measure.
export const measureName = (measure) => String(measure ?? '–').replace(/_ms$/, ', in ms').replaceAll('_', ' ');

export const transitionText = (transition) => {
  const from = stateName(transition.from);
  const to = stateName(transition.to);
  return `${from === to ? `${to}, again` : `${from} → ${to}`}: ${transition.cause || 'no cause given'}`;
};

export const at = (event) => event.at_ms_since_start;

// For the type checker both are of any type: the page knows what its elements are.
/** @returns {any} */
export const byId = (id) => document.getElementById(id);

/** @returns {any[]} */
export const allOf = (css) => [...document.querySelectorAll(css)];

export const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

// Shows { done: 'a sentence' }, { error: 'a sentence' } or neither.
export const showAnswer = (output, /** @type {{ done?: string, error?: string }} */ { done, error }) => {
  output.classList.toggle('error', Boolean(error));
  setText(output, done || error || '');
};

export const setAttribute = (node, name, value) => {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
};

const fill = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'text') node.textContent = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children);
  return node;
};

export const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

// A value that this browser tab stored; the fallback if there is none, or if it is not valid.
export const restore = (key, isValid, fallback) => {
  try {
    const value = JSON.parse(sessionStorage.getItem(key));
    return isValid(value) ? value : fallback;
  } catch {
    return fallback;
  }
};

export const store = (key, value) => {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Without storage it lasts as long as the page.
  }
};

// Screen readers read a repeated text again only if it differs: by an invisible space at its end.
export const announce = (text) => {
  const announcer = byId('announcer');
  announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text;
};
