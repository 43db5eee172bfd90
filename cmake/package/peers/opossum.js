// opossum keeps a window always.
'use strict';
const CircuitBreaker = require('opossum');
const {version} = require('opossum/package.json');
const {measure, price, rejected} = require('./measure.js');

async function main() {
  const library = `opossum ${version}`;
  const options = {timeout: false, errorThresholdPercentage: 50, resetTimeout: 3_600_000};
  const healthy = new CircuitBreaker(price, options);
  await measure(library, 'with window', () => healthy.fire(), price);
  const opened = new CircuitBreaker(price, options);
  opened.open();
  await measure(library, 'rejection', rejected(() => opened.fire()), async () => {});
  healthy.shutdown();
  opened.shutdown();
}

main();
