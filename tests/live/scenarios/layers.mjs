// layers.mjs - a camera comes in three sizes; sites see the largest that comes, and so does the recording

import path from 'node:path';

import { Chromium, Firefox } from '../harness/browsers.mjs';
import { stalls } from '../harness/deadline.mjs';
import { MAIN, callUp, cameraSends, connection, goLive, join, longestGap, row, seatOf, untouched } from '../harness/forum.mjs';
import { WIDE as WIDTH, wideFilm } from '../harness/media.mjs';
import { takes, untilIndex } from '../harness/takes.mjs';
import { check } from '../harness/tap.mjs';
import { json, tokenOf } from '../harness/web.mjs';
import { FPS, facts, pictures } from '../harness/webm.mjs';
import { width } from '../harness/watch.mjs';

const SMALL = 320;
const RISE_MS = 60000; // an estimate of the line that begins at 300 kbit/s
const FALL_MS = 5000;
// Half a second to see that a size is gone, a tick, a request, a keyframe: 550 ms where nothing else runs. Three sizes
// in software, and two browsers that show them, may keep two processors busy for a second beside that.
const GAP_MS = 2500;
const AWAY_MS = 6000;
const READY_MS = 90000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, timeoutMs, test, told = () => '') {
  const began = performance.now();
  for (;;) {
    if (await test()) return Math.round(performance.now() - began);
    check(performance.now() - began < timeoutMs, `${what}: not in ${timeoutMs} ms ${JSON.stringify(await told())}`);
    await pause(100);
  }
}

async function layersIn(stack) {
  const text = await (await fetch(`http://127.0.0.1:${stack.ports.admin}/metrics`)).text();
  return Number(/^diemcau_sfu_layers (\d+)/m.exec(text)?.[1] ?? NaN);
}

// What the page sends of its camera, by the names of the sizes.
async function sent(tab) {
  const { outbound } = await tab.live('stats', 'publish');
  return outbound.filter((s) => s.rid).map((s) => `${s.rid} ${s.width} ${s.frames} frames`);
}

const sees = (tab, wide, timeoutMs) =>
  until(`${tab.who} sees ${wide}`, timeoutMs, async () => (await width(tab)) === wide, () => width(tab));

// One size of the page's camera stops, as it does when the line or the processor is short; or comes again.
const turn = (tab, rid, active) => cameraSends(tab, rid, { active });

// A size goes while everybody watches: the next one takes its place, soon and without a new negotiation.
async function loses(tabs, hall, identity) {
  const before = new Map();
  for (const tab of tabs) before.set(tab, await connection(tab));
  const began = Date.now();
  const since = new Map();
  for (const tab of tabs) since.set(tab, await tab.live('now'));
  await turn(hall, 'f', false);
  const took = await Promise.all(tabs.map((tab) => sees(tab, WIDTH / 2, FALL_MS)));
  const told = [`half the width after ${took} ms`];
  for (const tab of tabs) {
    const gap = await longestGap(tab, since.get(tab), await tab.live('now'));
    const allowed = GAP_MS + stalls.since(began);
    check(gap <= allowed, `${tab.who}: ${gap} ms without a picture, allowed ${allowed}`);
    told.push(`${tab.who}: longest gap ${gap} ms, ${await untouched(tab, before.get(tab))}`);
    await tab.live('untilPicture', MAIN, identity, await tab.live('now'), 2000);
  }
  return told.join('\n');
}

// The finished file, of the moments between two times of our clock (s): the camera's number goes on all the while.
async function isFilmed(take, start, since, until_s) {
  const file = path.join(take, 'recording.webm');
  const seen = await pictures(file);
  const part = seen.slice(Math.round((since - start) * FPS), Math.round((until_s - start) * FPS));
  let longest = 0;
  let still = 0;
  part.forEach((one, i) => {
    still = i > 0 && one?.number === part[i - 1]?.number ? still + 1 : 0;
    longest = Math.max(longest, still);
  });
  const unread = part.filter((one) => !one).length;
  const told = `${(await facts(file)).duration} s; ${part.length} pictures, ${unread} unreadable, the longest still for ${Math.round((longest * 1000) / FPS)} ms`;
  check(part.length > (AWAY_MS / 1000) * FPS && unread < part.length / 10, told);
  check((longest * 1000) / FPS <= GAP_MS + stalls.since(since * 1000), told);
  return told;
}

export async function run({ tap, cast, media, dir, stack: start }) {
  const stack = await start();
  const { chair, sites } = stack.demo;
  const browser = await Chromium.launch({ ...media.chair, y4m: await wideFilm(dir, media.chair) });
  const other = await Firefox.launch({ ...media.south, width: WIDTH });
  try {
    const hall = await browser.tab();
    const south = await other.tab();
    const north = await cast.tab('north');
    cast.tabs.add(hall).add(south);
    await tap.need('layers: Chromium sends its camera in three sizes, and three come in', async () => {
      await goLive(hall, chair);
      await Promise.all([join(north, sites[0]), join(south, sites[1])]);
      const ms = await until('three sizes', RISE_MS, async () => (await layersIn(stack)) === 3, () => sent(hall));
      return `after ${ms} ms: ${await sent(hall)}`;
    });
    await tap.show('layers: a Chromium and a Firefox site see the full size', async () => {
      const took = await Promise.all([north, south].map((tab) => sees(tab, WIDTH, RISE_MS)));
      return `after ${took} ms`;
    });
    const gone = Date.now() / 1000;
    await tap.show('layers: the full size stops, both go on with the half', () => loses([north, south], hall, media.chair.identity));
    await pause(Math.max(0, AWAY_MS - (Date.now() / 1000 - gone) * 1000));
    await tap.show('layers: it comes again, both see it again', async () => {
      await turn(hall, 'f', true);
      const took = await Promise.all([north, south].map((tab) => sees(tab, WIDTH, RISE_MS)));
      return `after ${took} ms`;
    });
    const back = Date.now() / 1000;
    await tap.show('layers: Firefox sends three sizes as well, and is seen in full', async () => {
      for (const rid of ['f', 'h']) await turn(hall, rid, false); // two browsers that encode three are too much here
      await callUp(hall, south);
      await hall.click(row(await seatOf(south), 'main'));
      const ms = await until('four sizes', RISE_MS, async () => (await layersIn(stack)) === 4, () => sent(south));
      await sees(north, WIDTH, RISE_MS);
      await north.live('untilPicture', MAIN, media.south.identity, await north.live('now'), 5000);
      return `after ${ms} ms: ${await sent(south)}`;
    });
    await tap.show('layers: a small camera is sent in its own size alone', async () => {
      await callUp(hall, north);
      await hall.click(row(await seatOf(north), 'main'));
      const took = await Promise.all([hall, south].map((tab) => sees(tab, SMALL, RISE_MS)));
      const sizes = await sent(north);
      check(sizes.filter((size) => !size.endsWith(' 0 frames')).length === 1, `${sizes}`);
      return `after ${took} ms: ${sizes}`;
    });
    await tap.show('layers: the recording was of one size at a time and goes on through it', async () => {
      await cast.close(hall, south, north);
      const { take, lines } = await untilIndex(stack, 'end', (all) => all.some((l) => l.kind === 'end'), 60000);
      const cameras = lines.filter((l) => l.kind === 'track' && l.source === 'camera').length;
      check(cameras > 2 && takes(stack).length === 1, `${cameras} lines of cameras`);
      const list = async () =>
        (await json(new URL('/api/v1/recordings', stack.url), { token: tokenOf(stack.demo.staff) })).json.recordings;
      await until('it is finished', READY_MS, async () => (await list())[0]?.state === 'ready', list);
      return `${cameras} lines of cameras; ${await isFilmed(take, lines[0].t_us / 1e6, gone, back)}`;
    });
  } finally {
    await browser.close();
    await other.close();
  }
}
