// main.mjs - runs the scenarios one after another and speaks TAP
//
// Called by tests/live/run inside the namespace: main.mjs BUILD_DIR [SCENARIO…], or
// main.mjs BUILD_DIR screenshots OUTDIR.

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Cast } from './cast.mjs';
import { stalls } from './deadline.mjs';
import { makeMedia } from './media.mjs';
import { soundCard } from './sound.mjs';
import { Stack } from './stack.mjs';
import { Halt, Tap } from './tap.mjs';

const EVERYDAY = [
  'oracle',
  'forum',
  'callup',
  'foreign',
  'restart',
  'refusals',
  'hostile',
  'load',
  'tcp',
  'comeback',
  'weak',
  'crashes',
  'questions',
  'operator',
  'diskfull',
  'recording',
  'recording-full',
  'review',
  'layers',
  'farewell',
];
// Each takes minutes of one person's steps or of a firewall of its own.
const LONG_TOO = ['preflight', 'oneport', 'slides', 'lines'];

const here = path.dirname(fileURLToPath(import.meta.url));
const build = path.resolve(process.argv[2]);
let names = process.argv.slice(3);
let out;
if (names[0] === 'screenshots') {
  out = path.resolve(names[1] ?? 'screenshots');
  names = ['screenshots'];
}
// `long` is the everyday list with counts that take an hour.
const long = names[0] === 'long';
if (long) names.shift();
if (names.length === 0) names = long ? [...EVERYDAY, ...LONG_TOO] : EVERYDAY;

const dir = mkdtempSync(path.join(os.tmpdir(), 'diemcau-live-'));
if (process.env.DIEMCAU_TMP_OPEN) (await import('node:fs')).chmodSync(dir, 0o755);
const tap = new Tap();
const seed = Number(process.env.DIEMCAU_SEED ?? Math.floor(Math.random() * 2 ** 31));
tap.note(`seed ${seed} (DIEMCAU_SEED), logs in ${dir}`);

process.env.PULSE_SERVER = await soundCard(dir);
const media = await makeMedia(dir);
const cast = new Cast(media);
let stack = null;

tap.onFailure = async () => {
  for (const tab of cast.tabs) {
    const data = await tab.live('data').catch((error) => error.message.split('\n')[0]);
    tap.note(`${tab.who}: ${JSON.stringify(data)}\n${tab.console.slice(-8).join('\n')}`);
  }
  if (stack) tap.note(`the daemons' last words:\n${stack.tail(25)}`);
};

const shared = {
  tap,
  cast,
  media,
  build,
  repo: path.resolve(here, '../../..'),
  dir,
  seed,
  out,
  long,
  log: path.join(dir, 'peers.log'),
  // The running product; started when the first scenario asks.
  async stack() {
    if (!stack) {
      stack = new Stack({ build, repo: shared.repo, dir });
      await stack.start();
    }
    return stack;
  },
};

for (const name of names) {
  const began = Date.now();
  try {
    const scenario = await import(`../scenarios/${name}.mjs`);
    await scenario.run(shared);
  } catch (error) {
    // A sentence that was needed has told its own failure; anything else is a fault of the scenario.
    if (!(error instanceof Halt)) {
      tap.line(false, `${name}: runs to its end`);
      tap.note(error.stack ?? error);
      await tap.onFailure();
    } else {
      tap.note(error.message);
    }
  }
  await cast.closeAll();
  // A fresh forum for the next one: who was left on stage would be on its main picture. The farewell ends what is left.
  if (stack && names[names.indexOf(name) + 1] !== 'farewell') {
    await stack.stop();
    stack = null;
  }
  tap.note(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s, worst stall so far ${stalls.worst()} ms`);
}

await cast.end();
if (stack) await stack.stop();
tap.plan();
if (tap.failed === 0) rmSync(dir, { recursive: true, force: true });
process.exit(tap.failed === 0 ? 0 : 1);
