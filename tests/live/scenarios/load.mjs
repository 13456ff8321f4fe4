// load.mjs - a crowd at the door, complaints all at once, one who says that he gets nothing, speakers and sites that come, go and change networks
//
// Small numbers, under the sanitizers, each day; tests/bench/run has the large ones.

import { cycles, judgeBurst, judgeCycles, judgeLiar, judgeStorm, loadOn, measured, storm } from '../../bench/harness/load.mjs';
import { BenchTap } from '../../bench/harness/tap.mjs';

const CROWD = 60;
const FIRST_MS = 1000;

export async function run({ tap, build, dir, long, stack: start }) {
  const stack = await start();
  const pid = stack.pid('sfu');
  const bench = BenchTap.over(tap);

  judgeStorm(bench, 'load: storm', CROWD, await storm(stack, build, dir, CROWD, FIRST_MS, 10), FIRST_MS);

  const burst = await measured(tap, () =>
    loadOn(stack, build, dir, ['--viewers', CROWD, '--kbps', 600, '--settle', 2, '--seconds', 4, '--pli-burst']),
  );
  judgeBurst(bench, 'load', burst);

  const liar = await measured(tap, () =>
    loadOn(stack, build, dir, ['--viewers', 50, '--liars', 1, '--kbps', 600, '--settle', 2, '--seconds', long ? 30 : 5]),
  );
  judgeLiar(bench, 'load', liar);

  const wanted = long
    ? { viewers: 30, speakers: 4, joins: 1500, publishes: 500, restarts: 2000, seconds: 150 }
    : { viewers: 15, speakers: 3, joins: 75, publishes: 25, restarts: 100, seconds: 10 };
  judgeCycles(bench, 'load: cycles', await cycles(stack, build, dir, wanted), wanted, stack, pid);
}
