// main.mjs - the parts of the bench, one after another; called by tests/bench/run inside the namespace

import { mkdirSync, mkdtempSync, rmSync, writeFileSync, existsSync, chmodSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { command } from '../../live/harness/process.mjs';
import { Stack } from '../../live/harness/stack.mjs';
import { makeFilm } from './film.mjs';
import { Janus } from './janus.mjs';
import { Load, cycles, judgeBurst, judgeCycles, judgeStorm, loadOn, measured, storm } from './load.mjs';
import { BenchTap } from './tap.mjs';

const NOISE = 1.15; // between two rows of one run
const LIMITS = { 'ipsec-mb': 2.8, evp: 3.8 };
const EGRESS_MBPS = 30;
const PAIRS = 3; // of a row and the floor under it
const MEMORY = 100_000; // bytes a viewer at 442
const DELAYS = { 50: [3, 10], 442: [8, 30] }; // p50, p99 in ms

const repo = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const build = path.resolve(process.argv[2]);
const parts = process.argv.length > 3 ? process.argv.slice(3) : ['rows', 'foreign', 'storm', 'egress', 'janus'];
const seconds = Number(process.env.BENCH_SECONDS ?? 20);
const dir = mkdtempSync(path.join(os.tmpdir(), 'diemcau-bench-'));
chmodSync(dir, 0o755);
const tap = new BenchTap();

// The pages are not what is measured: empty ones will do.
if (!existsSync(process.env.DIEMCAU_WEB ?? path.join(repo, 'web', 'dist'))) {
  process.env.DIEMCAU_WEB = path.join(dir, 'web');
  mkdirSync(process.env.DIEMCAU_WEB);
  for (const page of ['index', 'site', 'chair', 'staff']) {
    writeFileSync(path.join(process.env.DIEMCAU_WEB, `${page}.html`), '<!doctype html>');
  }
}

// A server of its own for each row, so that none pays for what the one before left in memory.
async function withServer(seal, body) {
  process.env.DIEMCAU_MEDIA_SEAL = seal;
  const stack = new Stack({ build, repo, dir });
  await stack.start();
  try {
    return await body(stack);
  } finally {
    await stack.stop();
  }
}

const cost = (report) => report.server.us_per_packet;
const f = (number, digits = 2) => number.toFixed(digits);

async function row(name, { viewers, kbps = 1500, seal = 'auto', options = [] }) {
  const report = await withServer(seal, (stack) =>
    measured(tap, () => loadOn(stack, build, dir, ['--viewers', viewers, '--kbps', kbps, '--seconds', seconds, ...options])),
  );
  tap.note(`--- ${name}\n${report.table}`);
  tap.check(`${name}: everyone joined`, report.viewers.joined === viewers && report.viewers.failed === 0);
  tap.check(`${name}: every viewer gets 99.9 % of the packets`, report.packets.expected > 0 && report.arrival.min >= 0.999,
    `worst ${f(100 * report.arrival.min, 4)} %, median ${f(100 * report.arrival.median, 4)} %`);
  tap.check(`${name}: libsrtp2 opens what the server sealed`, report.srtp.ok > 0 && report.srtp.failed === 0);
  return report;
}

function judgeDelay(name, report, viewers) {
  const [p50, p99] = DELAYS[viewers];
  const delay = report.delay_ms;
  tap.deadline(`${name}: forwarding delay p50 <= ${p50} ms, p99 <= ${p99} ms`, report.load.late_ms,
    delay.p50 <= p50 && delay.p99 <= p99, `p50 ${delay.p50} ms, p95 ${delay.p95}, p99 ${delay.p99}, max ${delay.max}`);
}

// us a packet of the drained send-only path, by seal.
async function floor() {
  const told = JSON.parse(await command(path.join(build, 'tests', 'bench', 'diemcau-floor'), '--quick', '-s', '3'));
  const found = {};
  for (const mode of told.modes) found[mode.mode.split(',')[0]] = mode.us_per_packet;
  return found;
}

// A row beside the floor as it was just before and just after: the machine is faster in one minute
// than in the next, by half and more. pairs: of the row and these two.
function judgeCost(name, pairs, seal) {
  const report = pairs[0].report;
  const us = cost(report);
  tap.check(`${name}: at most ${LIMITS[seal]} us of the server a delivered packet`, us <= LIMITS[seal], `${f(us)} us`);
  const ratios = pairs.map((one) => cost(one.report) / ((one.floors[0][seal] + one.floors[1][seal]) / 2));
  tap.check(`${name}: within 1.3 x of the drained floor of this run (median of ${pairs.length})`, median(ratios) <= 1.3,
    pairs.map(({ report: one, floors }, i) =>
      `${f(cost(one))} us; floor ${floors.map((floor) => f(floor[seal])).join(' and ')} us: ${f(ratios[i])} x`).join('\n'));
  tap.note(`${name}: ${f(report.server.segments_per_message)} packets a message`);
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[(numbers.length - 1) >> 1];
}

// Each seal's row at 442 viewers, between floors, three times over.
async function pairsAt442(best) {
  const seals = best === 'evp' ? ['evp'] : [best, 'evp'];
  const pairs = Object.fromEntries(seals.map((seal) => [seal, []]));
  let before = await floor();
  for (let n = 1; n <= PAIRS; n++) {
    for (const seal of seals) {
      const name = `442 viewers${seal === best ? '' : ', EVP'}${n === 1 ? '' : `, again (${n})`}`;
      const report = await row(name, { viewers: 442, seal: seal === best ? 'auto' : seal });
      const after = await floor();
      pairs[seal].push({ report, floors: [before, after] });
      before = after;
    }
  }
  return pairs;
}

function judgeLevel(name, less, more) {
  tap.check(`${name}: the cost of a packet falls or stays level (15 % is noise)`, cost(more) <= NOISE * cost(less),
    `${f(cost(less))}, then ${f(cost(more))} us; ${f(less.server.segments_per_message)}, then ${f(more.server.segments_per_message)} packets a message`);
}

async function rows() {
  if (process.env.BENCH_ROWS) {
    for (const word of process.env.BENCH_ROWS.split(' ')) {
      const [viewers, kbps] = word.split(':').map(Number);
      await row(`${viewers} viewers at ${kbps} kbit/s`, { viewers, kbps });
    }
    return;
  }
  const best = (await floor())['ipsec-mb'] ? 'ipsec-mb' : 'evp';
  const pairs = await pairsAt442(best);
  const at442 = pairs[best][0].report;
  judgeDelay('442 viewers', at442, 442);
  judgeCost('442 viewers', pairs[best], best);
  if (best !== 'evp') judgeCost('442 viewers, EVP', pairs.evp, 'evp');
  tap.check('442 viewers: at most 100 KB of the sfu a viewer', at442.server.rss_bytes_per_viewer <= MEMORY,
    `${f(at442.server.rss_bytes_per_viewer / 1000, 1)} KB`);

  for (const publishers of [3, 6]) {
    const name = `442 viewers, ${publishers} speakers`;
    const report = await row(name, { viewers: 442, options: ['--publishers', publishers] });
    tap.check(`${name}: a packet costs at most 25 % more than with one`, cost(report) <= 1.25 * cost(at442),
      `${f(cost(report))} us, ${f(cost(at442))} with one`);
  }

  const at50 = await row('50 viewers', { viewers: 50 });
  judgeDelay('50 viewers', at50, 50);
  const at150 = await row('150 viewers', { viewers: 150 });
  figures.at150 = at150;
  judgeLevel('from 50 to 150 viewers', at50, at150);
  judgeLevel('from 150 to 442 viewers', at150, at442);
  // A smaller picture has fewer packets a message, whoever sends it: like is compared with like.
  const small = await row('442 viewers at 600 kbit/s', { viewers: 442, kbps: 600 });
  const at1000 = await row('1,000 viewers at 600 kbit/s', { viewers: 1000, kbps: 600 });
  judgeLevel('from 442 to 1,000 viewers at 600 kbit/s', small, at1000);
}

const figures = {};

// Two webrtcbin viewers decode real VP8 in a full hall, which complains all at once.
async function foreign() {
  const { Foreign } = await import('../../live/harness/foreign.mjs');
  const film = await makeFilm(dir);
  const name = '442 viewers and 2 webrtcbin';
  await withServer('auto', async (stack) => {
    const load = loadOn(stack, build, dir, ['--viewers', 442, '--seconds', seconds, '--media', film, '--pli-burst']);
    await load.phase('viewers join');
    const peers = [Foreign.watch(build, path.join(dir, 'peers.log')), Foreign.watch(build, path.join(dir, 'peers.log'))];
    for (const peer of peers) await peer.open(stack.demo.whep);
    await load.phase('measuring');
    const watched = Math.max(seconds - 3, 2);
    const seen = await Promise.all(peers.map((peer) => peer.observe(watched)));
    const stats = peers.map((peer) => peer.messages.findLast((m) => m.stats)?.stats ?? {});
    const report = await load.report();
    tap.note(`--- ${name}\n${load.figures()}`);
    for (const peer of peers) await peer.end();
    tap.check(`${name}: they decode the picture, and lose at most 0.1 %`,
      seen.every((slots) => slots[3]?.frames >= 27 * watched) &&
        stats.every(({ received, lost }) => received > 0 && lost <= received / 1000),
      seen.map((slots, i) => `${slots[3]?.frames ?? 0} frames in ${watched} s, ${stats[i].lost} lost of ${stats[i].received} packets`).join('\n'));
    tap.check(`${name}: every other viewer gets 99.9 %`, report.arrival.min >= 0.999, `worst ${f(100 * report.arrival.min, 4)} %`);
    judgeBurst(tap, name, report);
  });
}

async function stormPart() {
  const reports = await withServer('auto', (stack) => storm(stack, build, dir, 442, 1000));
  judgeStorm(tap, 'storm', 442, reports, 1000);
}

// 40 viewers of 1.6 Mbit/s where the hub may send 30: pictures stop for all, voices for nobody.
async function egress() {
  process.env.DIEMCAU_MEDIA_EGRESS_MBPS = String(EGRESS_MBPS);
  try {
    const report = await withServer('auto', (stack) =>
      loadOn(stack, build, dir, ['--viewers', 40, '--settle', 8, '--seconds', seconds]).report());
    const voices = 40 * 50 * report.seconds;
    tap.check(`egress: 40 viewers of 1.6 Mbit/s on ${EGRESS_MBPS} Mbit/s: no more goes out, and every voice does`,
      report.packets.mbps <= EGRESS_MBPS && report.packets.received >= 0.99 * voices,
      `${f(report.packets.mbps, 1)} Mbit/s, ${report.packets.received} packets, of which ${voices} are voice`);
  } finally {
    delete process.env.DIEMCAU_MEDIA_EGRESS_MBPS;
  }
}

async function janus() {
  if (!Janus.installed()) {
    tap.line(true, 'Janus beside us # SKIP it is not installed (apt-get install janus)');
    return;
  }
  const before = figures.at150 ?? (await row('150 viewers', { viewers: 150 }));
  const theirs = await janusRow();
  const after = await row('150 viewers, after Janus', { viewers: 150 });
  const ours = (cost(before) + cost(after)) / 2;
  const ratio = cost(theirs) / ours;
  tap.check('Janus: everyone joined', theirs.viewers.joined === 150);
  tap.check('150 viewers: a delivered packet costs at least 6 times less than with Janus', ratio >= 6,
    `ours ${f(cost(before))} and ${f(cost(after))} us, Janus ${f(cost(theirs))} us: ${f(ratio, 1)} times; ` +
    `Janus delivered ${f((100 * theirs.packets.received) / theirs.packets.expected, 2)} %, ` +
    `${f(theirs.server.rss_bytes_per_viewer / 1000, 0)} KB a viewer, ours ${f(after.server.rss_bytes_per_viewer / 1000, 0)}`);
}

async function janusRow() {
  const server = new Janus(dir);
  await server.start();
  try {
    const report = await measured(tap, () =>
      new Load(build, ['--janus', server.url, '--viewers', 150, '--rate', 20, '--seconds', seconds, '--server-pid', server.pid]));
    tap.note(`--- Janus, 2 event loops, 150 viewers\n${report.table}`);
    return report;
  } finally {
    await server.stop();
  }
}

// 10,000 joins and leaves: what is needed is there after the first tenth.
async function soak() {
  const joins = Number(process.env.BENCH_JOINS ?? 10000);
  const run = (stack, count) => measured(tap, () => loadOn(stack, build, dir,
    ['--viewers', 100, '--kbps', 300, '--settle', 2, '--churn', count, '--seconds', Math.ceil(count / 60)]));
  await withServer('auto', async (stack) => {
    const first = await run(stack, joins / 10);
    const rest = await run(stack, (joins * 9) / 10);
    const [then, now] = [first, rest].map((report) => report.server.rss_after_bytes);
    tap.note(`--- soak\n${rest.table}`);
    tap.check(`soak: ${joins} leaves and joins`, first.viewers.churned + rest.viewers.churned >= 0.99 * joins,
      `${first.viewers.churned} + ${rest.viewers.churned}`);
    tap.check('soak: memory grows by less than 5 % over nine tenths of them', now < 1.05 * then,
      `${f(then / 1e6, 1)} MB, then ${f(now / 1e6, 1)} MB`);
  });
}

// As many ICE restarts as leaves and as joins, of viewers and speakers together.
async function cyclesPart() {
  const secondsOf = Number(process.env.BENCH_SECONDS ?? 150);
  const joins = secondsOf * 10;
  const publishes = Math.round(secondsOf * 3.4);
  const wanted = { viewers: 30, speakers: 4, joins, publishes, restarts: joins + publishes, seconds: secondsOf };
  const complaints = await withServer('auto', async (stack) => {
    const pid = stack.pid('sfu');
    const report = await cycles(stack, build, dir, wanted);
    judgeCycles(tap, 'cycles', report, wanted, stack, pid);
    return () => stack.complaints();
  });
  tap.check('cycles: nor does it when all ends', !complaints().length, complaints().slice(0, 5).join('\n'));
}

const known = { rows, foreign, storm: stormPart, egress, janus, soak, cycles: cyclesPart };
for (const name of parts) {
  const began = Date.now();
  try {
    await known[name]();
  } catch (error) {
    tap.line(false, `${name}: runs to its end`);
    tap.note(error.stack ?? error);
  }
  tap.note(`${name}: ${((Date.now() - began) / 1000).toFixed(0)} s`);
}
tap.plan();
rmSync(dir, { recursive: true, force: true });
process.exit(tap.failed === 0 ? 0 : 1);
