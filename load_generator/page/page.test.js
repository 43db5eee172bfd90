// What holds for the modules as a whole.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const page = path.dirname(fileURLToPath(import.meta.url));
const rooms = ['shared', 'lab', 'map', 'race', 'experiments', 'report'];
const modulesIn = (room) => fs.readdirSync(path.join(page, room)).filter((name) => name.endsWith('.js') && !name.endsWith('.test.js'));
const modules = rooms.flatMap((room) => modulesIn(room).map((name) => path.join(page, room, name)));

const imports = (file) => [...fs.readFileSync(file, 'utf8').matchAll(/^import .* from '([^']+)';$/gm)]
  .map(([, from]) => path.join(path.dirname(file), from));

// A module and all that it imports.
const loadedBy = (file, loaded = new Set()) => {
  if (!loaded.has(file)) {
    loaded.add(file);
    for (const imported of imports(file)) loadedBy(imported, loaded);
  }
  return loaded;
};

test('the scripts of a page have at most 120 KB, and no folder more than 25 files', () => {
  for (const entry of ['lab/control_room.js', 'race/race.js', 'race/dots_worker.js', 'experiments/experiments.js', 'report/report.js']) {
    const size = [...loadedBy(path.join(page, entry))].reduce((sum, file) => sum + fs.statSync(file).size, 0);
    assert.ok(size <= 120_000, `${entry}: ${size} bytes`);
  }
  for (const room of rooms) assert.ok(fs.readdirSync(path.join(page, room)).length <= 25, room);
});

// The program joins the report's modules into one script, and only removes their imports and the word export.
test('modules import each other by name, without renaming, and export at the declaration', () => {
  for (const file of modules) {
    const text = fs.readFileSync(file, 'utf8');
    for (const line of text.split('\n').filter((each) => /^(import|export)\b/.test(each))) {
      assert.match(line, /^import \{ [\w, ]+ \} from '\.{1,2}\/[\w/]+\.js';$|^export (const|class) \w+/, path.relative(page, file));
      assert.doesNotMatch(line, /^import .* as /);
    }
  }
});

test('nothing that a module imports is missing, and nothing is imported in vain', () => {
  for (const file of modules) {
    const text = fs.readFileSync(file, 'utf8');
    for (const [whole, names, from] of text.matchAll(/^import \{ ([\w, ]+) \} from '([^']+)';$/gm)) {
      const exporter = fs.readFileSync(path.join(path.dirname(file), from), 'utf8');
      for (const name of names.split(', ')) {
        assert.match(exporter, new RegExp(`^export (const|class) ${name}\\b`, 'm'), `${path.relative(page, file)}: ${name}`);
        assert.match(text.replace(whole, ''), new RegExp(`(?<![\\w']|(?<!\\.\\.)\\.)${name}\\b`), `${path.relative(page, file)} does not use ${name}`);
      }
    }
  }
});
