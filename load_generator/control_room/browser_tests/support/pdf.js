// The pages of a PDF as chromium prints it, each as its text: objects are in plain text, streams are deflated, and fonts
// say which character each glyph is. Other writers' files need more than this.
import zlib from 'node:zlib';

const objectsOf = (bytes) => {
  const objects = new Map();
  const file = bytes.toString('latin1');
  for (const { 1: number, 2: body, index } of file.matchAll(/\b(\d+) 0 obj\b([\s\S]*?)\bendobj/g)) {
    const start = body.search(/stream\r?\n/);
    const head = start < 0 ? body : body.slice(0, start);
    objects.set(number, { head, stream: () => inflated(bytes, index, head) });
  }
  return objects;
};

const inflated = (bytes, index, head) => {
  const length = Number(/\/Length (\d+)/.exec(head)[1]);
  const begin = bytes.indexOf('stream', index) + 'stream'.length;
  const from = begin + (bytes[begin] === 13 ? 2 : 1);
  const data = bytes.subarray(from, from + length);
  return (/FlateDecode/.test(head) ? zlib.inflateSync(data) : data).toString('latin1');
};

const fromHex = (hex) => String.fromCharCode(...(hex.match(/.{4}/g) ?? []).map((unit) => parseInt(unit, 16)));

// By glyph: its character.
const charactersOf = (map) => {
  const characters = new Map();
  for (const [, lines] of map.matchAll(/beginbfchar\s([\s\S]*?)endbfchar/g)) {
    for (const [, glyph, text] of lines.matchAll(/<(\w+)>\s*<(\w+)>/g)) characters.set(parseInt(glyph, 16), fromHex(text));
  }
  for (const [, lines] of map.matchAll(/beginbfrange\s([\s\S]*?)endbfrange/g)) {
    for (const [, first, last, text] of lines.matchAll(/<(\w+)>\s*<(\w+)>\s*<(\w+)>/g)) {
      for (let glyph = parseInt(first, 16); glyph <= parseInt(last, 16); glyph += 1) {
        characters.set(glyph, String.fromCharCode(parseInt(text, 16) + glyph - parseInt(first, 16)));
      }
    }
  }
  return characters;
};

const fontOf = (objects, number) => {
  const map = /\/ToUnicode (\d+) 0 R/.exec(objects.get(number).head);
  return map ? charactersOf(objects.get(map[1]).stream()) : new Map();
};

const referred = (objects, head, name) => {
  const reference = new RegExp(`/${name} (\\d+) 0 R`).exec(head);
  return reference ? objects.get(reference[1]).head : head;
};

const textOfPage = (objects, { head }) => {
  const fonts = new Map([...referred(objects, head, 'Resources').matchAll(/\/(F\d+) (\d+) 0 R/g)].map(([, name, number]) => [name, fontOf(objects, number)]));
  const content = objects.get(/\/Contents (\d+) 0 R/.exec(head)[1]).stream();
  let font = new Map();
  let text = '';
  for (const [, name, hex] of content.matchAll(/\/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>/g)) {
    if (name) font = fonts.get(name) ?? new Map();
    else text += (hex.match(/.{4}/g) ?? []).map((glyph) => font.get(parseInt(glyph, 16)) ?? '').join('');
  }
  return text;
};

// Texts of pages, in order. Spaces are not to be relied upon: glyphs are placed, not written.
export const pagesOf = (bytes) => {
  const objects = objectsOf(bytes);
  return [...objects.values()].filter(({ head }) => /\/Type \/Page\b/.test(head)).map((page) => textOfPage(objects, page));
};

export const withoutSpaces = (text) => text.replace(/\s+/g, '');
