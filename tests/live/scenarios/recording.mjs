// recording.mjs - a stage is recorded by itself, and no kill of any daemon loses what the sfu saw

import { readFileSync } from 'node:fs';
import path from 'node:path';

import { within } from '../harness/deadline.mjs';
import { Foreign } from '../harness/foreign.mjs';
import { join } from '../harness/forum.mjs';
import { Child, command, isAlive } from '../harness/process.mjs';
import { bytes, decode, index, judge, packets, parts, takes, untilIndex } from '../harness/takes.mjs';
import { check } from '../harness/tap.mjs';
import { request } from '../harness/web.mjs';

const KILLS = 10;
const BEGINS_MS = 5000;
const GOES_ON_MS = 3000; // G5
const MAIN_SECTION = 3;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function until(what, timeoutMs, test) {
  const began = performance.now();
  for (;;) {
    const found = await test();
    if (found) return Math.round(performance.now() - began);
    check(performance.now() - began < timeoutMs, `${what}: not in ${timeoutMs} ms`);
    await pause(20);
  }
}

// The metrics of the sfu, from the admin port.
async function metrics(stack) {
  const text = await (await fetch(`http://127.0.0.1:${stack.ports.admin}/metrics`)).text();
  const value = (name) => Number(new RegExp(`^diemcau_sfu_${name} (\\d+)`, 'm').exec(text)?.[1] ?? NaN);
  return { in: value('packets_in_total'), tapped: value('tap_packets_total'), dropped: value('tap_dropped_total'),
    twice: value('duplicates_total'), overrun: value('tap_overrun_total') };
}

const kinds = (lines, kind) => lines.filter((line) => line.kind === kind);
const has = (lines, kind) => lines.some((line) => line.kind === kind);

// What the viewer saw since its n-th message: never a second without a picture, none unreadable.
function judgeViewer(viewer, from) {
  const seen = viewer.messages.slice(from).filter((m) => m.slots).map((m) => m.slots[MAIN_SECTION]);
  const frames = seen.map((s) => s?.frames ?? 0);
  const sum = frames.reduce((a, b) => a + b, 0);
  const told = `${sum} frames in ${seen.length} s, fewest in a second ${Math.min(...frames)}`;
  check(seen.length > 3 && Math.min(...frames) > 5, told);
  check(seen.every((s) => s.unread === 0), `${told}, some unreadable`);
  return told;
}

async function killAgainAndAgain(stack, next) {
  const told = [];
  for (let n = 0; n < KILLS; n++) {
    await pause(300 + next() * 1500);
    const old = stack.kill('recorder');
    const took = await until('recorder back', 8000, () => {
      const pid = stack.pid('recorder');
      return pid && pid !== old && isAlive(pid);
    });
    told.push(took);
  }
  return told;
}

// Whether the daemons have said something since now; their log is that of all scenarios.
function listen(stack) {
  const mark = readFileSync(stack.log).length;
  return (text) => readFileSync(stack.log).subarray(mark).toString().includes(text);
}

// One fdatasync of the recorder fails, as a bad disk makes it fail (F-06).
async function failSync({ stack, log }) {
  const before = takes(stack).length;
  const tracer = new Child('strace', [
    '-f', '-qq', '-p', String(stack.pid('recorder')), '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=4',
  ], { log });
  const said = listen(stack);
  const stopped = await until('the recorder stops', 15000, () => said('studio: ổ đĩa bị lỗi'));
  await tracer.end('SIGINT', 3000);
  const lines = index(takes(stack).at(-1)).length;
  const back = await until('it goes on', 10000, () => index(takes(stack).at(-1)).length > lines + 3);
  await pause(1500);
  check(takes(stack).length === before, 'another take was begun');
  const take = takes(stack).at(-1);
  const tracks = judge(await packets(take));
  check(tracks.every((t) => t.missing === 0 && t.twice === 0), JSON.stringify(tracks));
  check(!has(index(take), 'gap'), 'a gap is named');
  return `stopped after ${stopped} ms, on again ${back} ms later; ${JSON.stringify(tracks)}`;
}

// A stack of its own, whose recordings lie on a disk of 1.3 MiB, one of them the reserve.
export async function runFull({ tap, cast, media, build, log, stack: start }) {
  const stack = await start();
  const folder = path.join(stack.data, 'recordings');
  const said = listen(stack);
  await command('mount', '-t', 'tmpfs', '-o', 'size=1300k,mode=0777', 'none', folder);
  const publisher = Foreign.publish(build, log, media.foreign);
  const viewer = Foreign.watch(build, log);
  const page = await cast.tab('north');
  const badge = () => page.evaluate(() => {
    const found = document.querySelector('[data-recording]');
    return found ? `${found.dataset.recording}: ${found.textContent}` : 'none';
  });
  const shows = (what) => until(`the page shows "${what}"`, 5000, async () => (await badge()) === what);
  try {
    await join(page, stack.demo.sites[0]);
    await tap.show('recording: a full disk stops it visibly, the picture goes on', async () => {
      await publisher.open(stack.demo.whip);
      await viewer.open(stack.demo.whep);
      await viewer.until('picture', (m) => m.slots?.[MAIN_SECTION]?.identity === media.foreign.identity);
      await shows('on: Đang ghi');
      const from = viewer.messages.length + 1;
      const took = await until('the recorder stops', 60000, () => said('studio: ổ đĩa đã đầy'));
      await shows('failed: Không ghi được: ổ đĩa đã đầy');
      await pause(4000);
      return `after ${took} ms with ${bytes(takes(stack).at(-1))} bytes kept; ${judgeViewer(viewer, from)}`;
    });
    await tap.show('recording: with room again it goes on as the same take, and names what is missing', async () => {
      const [take] = takes(stack);
      const before = bytes(take);
      await pause(8000); // longer than the sfu keeps
      await command('mount', '-o', 'remount,size=64m', folder);
      await until('it grows', 10000, () => bytes(take) > before + 20000);
      check(takes(stack).length === 1, 'another take was begun');
      await shows('on: Đang ghi');
      const lines = (await untilIndex(stack, 'gap', (all) => has(all, 'gap'), 5000)).lines;
      const all = await packets(take);
      const tracks = judge(all);
      check(tracks.every((t) => t.twice === 0), JSON.stringify(tracks));
      return `${JSON.stringify(kinds(lines, 'gap'))}\n${JSON.stringify(tracks)}`;
    });
  } finally {
    await publisher.end();
    await viewer.end();
    await command('umount', '-l', folder);
  }
}

export async function run({ tap, media, build, dir, log, seed, stack: start }) {
  const stack = await start();
  const { whip, whep } = stack.demo;
  const next = random(seed);
  let publisher = Foreign.publish(build, log, media.foreign);
  const viewer = Foreign.watch(build, log);
  let take;
  try {
    await tap.need('recording: it begins by itself when the stage goes live', async () => {
      await publisher.open(whip);
      const found = await untilIndex(stack, 'two tracks', (lines) => kinds(lines, 'track').length >= 2, BEGINS_MS);
      take = found.take;
      await viewer.open(whep);
      await viewer.until('picture', (m) => m.slots?.[MAIN_SECTION]?.identity === media.foreign.identity);
      return `after ${found.ms} ms: ${kinds(found.lines, 'track').map((t) => `${t.source} ${t.codec} port ${t.port}`)}`;
    });

    const from = viewer.messages.length + 1;
    await tap.show(`recording: the recorder is killed with -9 ${KILLS} times and goes on with the same take`, async () => {
      const told = await killAgainAndAgain(stack, next);
      const { ms } = await untilIndex(
        stack, 'sync', (lines) => lines.at(-1).kind !== 'end' && Date.now() * 1000 - (kinds(lines, 'sync').at(-1)?.t_us ?? 0) < 2e6, GOES_ON_MS + 5000,
      );
      check(takes(stack).length === 1, `takes: ${takes(stack)}`);
      return `back after ${told.join(', ')} ms, synced ${ms} ms later`;
    });
    await tap.show('recording: a sync that fails stops it, and nothing is missing afterwards', () => failSync({ stack, log }));
    await tap.show('recording: viewers noticed nothing of it', () => judgeViewer(viewer, from));
    await tap.show('recording: nothing is missing and nothing is there twice, says tshark', async () => {
      await pause(1500);
      const all = await packets(take);
      const tracks = judge(all);
      check(tracks.length === 2, JSON.stringify(tracks));
      check(tracks.every((t) => t.missing === 0 && t.twice === 0), JSON.stringify(tracks));
      const now = await metrics(stack);
      check(now.dropped === 0, JSON.stringify(now));
      const gaps = kinds((await untilIndex(stack, 'index', (lines) => lines.length, 1000)).lines, 'gap');
      check(gaps.length === 0, `named as missing: ${JSON.stringify(gaps)}`);
      return `${parts(take).length} parts; ${JSON.stringify(tracks)}; ${JSON.stringify(now)}`;
    });

    await tap.show('recording: signaling is killed with -9, the take goes on without a gap', async () => {
      const before = bytes(take);
      stack.kill('signaling');
      await pause(2500);
      const grown = bytes(take) - before;
      check(grown > 5000, `only ${grown} bytes more`);
      const tracks = judge(await packets(take));
      check(tracks.every((t) => t.missing === 0 && t.twice === 0), JSON.stringify(tracks));
      return `${grown} bytes more`;
    });

    await tap.show('recording: the sfu is killed with -9, the same take goes on and names the gap', async () => {
      const told = await within(15000, async () => {
        const began = performance.now();
        const old = stack.kill('sfu');
        await until('sfu back', 8000, () => stack.pid('sfu') && stack.pid('sfu') !== old);
        await publisher.end();
        publisher = Foreign.publish(build, log, media.foreign);
        await until('room', 10000, async () => (await fetchReady(stack)) === 200);
        await publisher.open(whip);
        await untilIndex(stack, 'new tracks', (lines) => kinds(lines, 'track').length >= 4, 10000);
        return performance.now() - began;
      });
      check(takes(stack).length === 1, `takes: ${takes(stack)}`);
      const { lines } = await untilIndex(stack, 'gap', (all) => has(all, 'gap'), 1000);
      return `${told}; ${JSON.stringify(kinds(lines, 'gap'))}`;
    });

    await tap.show('recording: it ends ten seconds after the stage is empty', async () => {
      await pause(3000);
      await publisher.remove();
      const { ms } = await untilIndex(stack, 'end', (lines) => has(lines, 'end'), 20000);
      check(ms > 8500, `after ${ms} ms`);
      return `after ${ms} ms`;
    });
    await tap.show('recording: every packet that the sfu counted in its second life is there, says tshark', async () => {
      const counted = await metrics(stack);
      const tracks = judge(await packets(take));
      check(tracks.length === 4, JSON.stringify(tracks));
      check(tracks.every((t) => t.missing === 0 && t.twice === 0), JSON.stringify(tracks));
      const written = tracks.slice(2).reduce((sum, t) => sum + t.count, 0);
      check(written === counted.tapped, `${written} written, ${counted.tapped} tapped`);
      check(counted.in === counted.tapped + counted.twice, JSON.stringify(counted));
      return `${written} of ${counted.in} packets; ${JSON.stringify(tracks)}`;
    });
    await tap.show('recording: GStreamer’s pcapparse and vp8dec read a part as it lies there', async () => {
      const lines = (await untilIndex(stack, 'end', (all) => has(all, 'end'), 1000)).lines;
      const camera = kinds(lines, 'track').find((t) => t.source === 'camera');
      const frames = await decode(parts(take)[0], camera.port, camera.payload_type, path.join(dir, 'decoded.raw'));
      check(frames > 5, `${frames} frames`);
      return `${frames} frames`;
    });
  } finally {
    await publisher.end();
    await viewer.end();
  }
}

async function fetchReady(stack) {
  const answer = await request(new URL('/readyz', stack.url), { timeoutMs: 1000 }).catch(() => null);
  return answer?.status;
}
