'use strict';
const {circuitBreaker, handleAll, ConsecutiveBreaker, SamplingBreaker} = require('cockatiel');
const {version} = require('cockatiel/package.json');
const {measure, price, failing, rejected} = require('./measure.js');

const breakerWith = (breaker) => circuitBreaker(handleAll, {halfOpenAfter: 3_600_000, breaker});

async function main() {
  const library = `cockatiel ${version}`;
  const healthy = breakerWith(new ConsecutiveBreaker(3));
  await measure(library, 'healthy', () => healthy.execute(price), price);
  const windowed = breakerWith(new SamplingBreaker({threshold: 0.5, duration: 10_000}));
  await measure(library, 'with window', () => windowed.execute(price), price);
  const opened = breakerWith(new ConsecutiveBreaker(1));
  await opened.execute(failing).catch(() => {});
  await measure(library, 'rejection', rejected(() => opened.execute(price)), async () => {});
}

main();
