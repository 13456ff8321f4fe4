// crashes.mjs - kill -9 of signaling stops media for nobody; kill -9 of the sfu is mended without a click

import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { Load } from '../../bench/harness/load.mjs';
import { within } from '../harness/deadline.mjs';
import {
  MAIN,
  callUp,
  checkGap,
  connection,
  goLive,
  join,
  longestGap,
  received,
  sendDown,
  stageOf,
  untouched,
} from '../harness/forum.mjs';
import { check } from '../harness/tap.mjs';
import { hears, seesMoving } from '../harness/watch.mjs';
import { readyAgain } from '../harness/web.mjs';

const CONTROL_BACK_MS = 3000; // F-02
const MEDIA_BACK_MS = 10000; // F-01, cold
const CROWD = 48; // beside the two pages
const CROWD_S = 14;
const MOST_BACK_MS = 5000; // 95 % of them, counted from the last packet before

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// 48 sites of the load tool, told apart from the pages in this alone: they see by themselves that nothing comes.
async function crowd(build, dir, stack) {
  const demo = path.join(dir, 'crowd.json');
  writeFileSync(demo, JSON.stringify(stack.demo));
  const load = new Load(build, [
    '--demo', demo, '--insecure', '--publishers', 0, '--viewers', CROWD, '--settle', 1, '--seconds', CROWD_S, '--come-back',
  ]);
  await load.phase('measuring');
  return load;
}

// Who is where, without what changes by itself.
async function placesOf(tab) {
  const { main, slides, on_air } = await stageOf(tab);
  return JSON.stringify([main, slides, on_air.map((seat) => seat.seat)]);
}

// Which of a viewer's slots something comes in: who is in them is seen and heard beside it.
async function slotsOf(tab) {
  const counts = async () => {
    const { inbound } = await tab.live('stats', 'receive');
    return new Map(inbound.map((s) => [`${s.kind} ${s.mid}`, s.packets]));
  };
  const before = await counts();
  await pause(1000);
  const after = await counts();
  return [...after].filter(([slot, packets]) => packets > (before.get(slot) ?? 0)).map(([slot]) => slot).sort().join(', ');
}

export async function run({ tap, cast, media, build, dir, long, stack: start }) {
  const stack = await start();
  const { chair, sites } = stack.demo;
  const [hall, north, south] = await Promise.all(['chair', 'north', 'south'].map((n) => cast.tab(n)));
  const viewers = [north, south];
  const everybody = [hall, ...viewers];

  await tap.need('crashes: chair and two sites are there', async () => {
    await goLive(hall, chair);
    await Promise.all([join(north, sites[0]), join(south, sites[1])]);
    await Promise.all(
      viewers.map((tab) => tab.live('untilPicture', MAIN, media.chair.identity, 0, 10000)),
    );
    await pause(1000); // the start of a stream is not its baseline
  });

  const before = new Map();
  for (const tab of everybody) before.set(tab, await connection(tab));
  const placesBefore = await placesOf(hall);
  const old = stack.pid('signaling');
  const sfu = stack.pid('sfu');
  const clock = new Map();
  const counts = new Map();
  const began = performance.now();

  await tap.show('crashes: signaling is killed with -9 and is back within 3 s by itself', async () => {
    for (const tab of viewers) {
      clock.set(tab, await tab.live('now'));
      counts.set(tab, await received(tab));
    }
    const took = await within(CONTROL_BACK_MS, () => {
      stack.kill('signaling');
      return readyAgain(stack.url, 15000);
    });
    const now = stack.pid('signaling');
    check(now && now !== old, `signaling is ${now}, was ${old}`);
    check(stack.pid('sfu') === sfu, 'the sfu was started anew too');
    return took;
  });
  await tap.show('crashes: media stopped for nobody while signaling was away', async () => {
    await pause(3000);
    const told = [];
    for (const tab of viewers) {
      const until = await tab.live('now');
      const gap = await longestGap(tab, clock.get(tab), until);
      const now = await received(tab);
      const then = counts.get(tab);
      const lost = now.lost - then.lost;
      told.push(
        `${tab.who}: ${now.frames - then.frames} frames and ${now.packets - then.packets} packets in ` +
          `${Math.round(until - clock.get(tab))} ms, ${lost} lost, longest gap ${gap} ms`,
      );
      check(lost <= (now.packets - then.packets) / 1000, told.at(-1));
      checkGap(gap, began, told.at(-1));
    }
    return told.join('\n');
  });
  await tap.show('crashes: the pages went on without a click, connections and stage kept', async () => {
    const told = [];
    for (const tab of everybody) {
      await tab.state('joined');
      told.push(await untouched(tab, before.get(tab)));
    }
    await hall.stage('on');
    check((await placesOf(hall)) === placesBefore, `stage was ${placesBefore}, is ${await placesOf(hall)}`);
    return told.join('\n');
  });
  await tap.show('crashes: a call-up works afterwards', async () => {
    await callUp(hall, south);
    const told = await hears(north, 'south', media);
    await sendDown(hall, south);
    return told;
  });

  let slots;
  for (let n = 0; n < (long ? 20 : 1); n++) {
    await tap.show(`crashes: the sfu is killed with -9, every page and ${CROWD} other sites are back within 10 s`, async () => {
      const signaling = stack.pid('signaling');
      const killed = stack.pid('sfu');
      const places = await placesOf(hall);
      slots = await Promise.all(viewers.map(slotsOf));
      const others = await crowd(build, dir, stack);
      const told = await within(MEDIA_BACK_MS, async () => {
        const from = await Promise.all(viewers.map((tab) => tab.live('now')));
        const began = performance.now();
        stack.kill('sfu');
        // What is still in a jitter buffer is shown in the first half second.
        await Promise.all(
          viewers.map((tab, i) => tab.live('untilPicture', MAIN, media.chair.identity, from[i] + 500, 30000)),
        );
        return performance.now() - began;
      });
      check(stack.pid('sfu') !== killed, 'the sfu is the same process');
      check(stack.pid('signaling') === signaling, 'signaling was started anew too');
      const { returned_ms: back } = (await others.report()).viewers;
      const crowded = `${back.count} of ${CROWD} others back: p50 ${back.p50} ms, p95 ${back.p95}, last ${back.max}`;
      check(back.count === CROWD && back.p95 <= MOST_BACK_MS && back.max <= MEDIA_BACK_MS, crowded);
      check((await placesOf(hall)) === places, `stage was ${places}, is ${await placesOf(hall)}`);
      return [told, crowded].join('\n');
    });
    await tap.show('crashes: picture and speech go on after it, stage kept, nobody clicked', async () => {
      for (const tab of everybody) await tab.state('joined');
      await hall.stage('on');
      const told = await Promise.all(viewers.map((tab) => seesMoving(tab, MAIN, media.chair.identity)));
      const now = await Promise.all(viewers.map(slotsOf));
      check(JSON.stringify(now) === JSON.stringify(slots), `slots were ${slots.join('; ')}, are ${now.join('; ')}`);
      told.push(`slots: ${now.join('; ')}`);
      told.push(...(await Promise.all(viewers.map((tab) => hears(tab, 'chair', media)))));
      return told.join('\n');
    });
  }
}
