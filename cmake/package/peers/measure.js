// Prints what an awaited call costs beyond `bare`, in nanoseconds: the median of nine runs.
'use strict';

async function nanoseconds(call, calls) {
  const begun = process.hrtime.bigint();
  for (let i = 0; i < calls; ++i) await call();
  return Number(process.hrtime.bigint() - begun) / calls;
}

exports.measure = async (library, what, call, bare) => {
  const calls = 50_000;
  const costs = [];
  for (let run = -2; run < 9; ++run) {  // the first two warm up the compiler
    const cost = (await nanoseconds(call, calls)) - (await nanoseconds(bare, calls));
    if (run >= 0) costs.push(cost);
  }
  costs.sort((a, b) => a - b);
  console.log([library, what, 1, costs[4].toFixed(1)].join('\t'));
};

exports.price = async () => 42;
exports.failing = async () => { throw new Error('no answer'); };
exports.rejected = (call) => async () => {
  try {
    await call();
  } catch {
    return;
  }
  throw new Error('the breaker is not open');
};
