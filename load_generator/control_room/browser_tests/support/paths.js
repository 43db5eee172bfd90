// Where the programs are, and where tests may write: LAB_BIN_DIR is the build's bin/, by default build/bin.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..');
export const bin = process.env.LAB_BIN_DIR ?? path.join(root, 'build/bin');
export const work = path.join(path.dirname(bin), 'browser_tests');
export const screenshot = (name) => path.join(path.dirname(bin), 'screenshots', `${name}.png`);
