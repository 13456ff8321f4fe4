// comeback.mjs - a site whose line is cut, or comes from somewhere else: it is back by itself, in its seat

import { stalls } from '../harness/deadline.mjs';
import { MAIN, callUp, goLive, join, seatOf } from '../harness/forum.mjs';
import { check } from '../harness/tap.mjs';
import { hears, seesMoving } from '../harness/watch.mjs';
import { WeakLine } from '../harness/weak.mjs';

const BACK_MS = 3000; // after the line is there again: F-09
const CUT_S = 20;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const sound = async (tab) => {
  const stats = await tab.live('stats', 'receive');
  return (stats?.inbound ?? []).reduce((sum, s) => sum + (s.kind === 'audio' ? s.packets : 0), 0);
};

// Milliseconds from `since` (page clock) until picture and sound flow again.
async function back(tab, identity, since, timeoutMs = 30000) {
  const before = await sound(tab);
  let heard = 0;
  let seen = 0;
  for (;;) {
    const now = await tab.live('now');
    if (!heard && now > since && (await sound(tab)) > before + 5) heard = now;
    const frames = await tab.live('frames', MAIN, since);
    seen ||= frames.find((frame) => frame.identity === identity)?.at ?? 0;
    if (heard && seen) return { sound: Math.round(heard - since), picture: Math.round(seen - since) };
    check(now - since < timeoutMs, `not back in ${timeoutMs} ms: sound ${heard}, picture ${seen}`);
    await pause(50);
  }
}

function judge(took, began) {
  const told = `sound after ${took.sound} ms, picture after ${took.picture} ms`;
  const allowed = BACK_MS + stalls.since(began);
  check(Math.max(took.sound, took.picture) <= allowed, `${told}; allowed ${allowed} ms`);
  return told;
}

async function same(tab, seat, clicks) {
  check((await seatOf(tab)) === seat, 'another seat');
  const data = await tab.live('data');
  check(data.state === 'joined', `the page is ${JSON.stringify(data)}`);
  check((await tab.live('lastClick', 'join')) === clicks, 'somebody clicked');
}

export async function run({ tap, cast, media, build, dir, log, seed, stack: start }) {
  const stack = await start();
  const { chair, sites } = stack.demo;
  const hall = await cast.tab('chair');
  const line = await WeakLine.open({ build, dir, log, seed, ports: [stack.ports.http, stack.ports.media] });
  try {
    const site = await (await line.browser(media.north)).tab();
    cast.tabs.add(site);
    const { identity } = media.chair;
    let seat;
    let clicks;

    await tap.need('comeback: a site joins over 2 Mbit/s and 30 ms each way', async () => {
      await line.say('both rate=2M delay=30ms queue=200ms');
      await goLive(hall, chair);
      await join(site, sites[0]);
      await site.live('untilPicture', MAIN, identity, 0, 10000);
      seat = await seatOf(site);
      clicks = await site.live('lastClick', 'join');
      const told = await Promise.all([seesMoving(site, MAIN, identity), hears(site, 'chair', media)]);
      return told.join('\n');
    });

    await tap.show(`comeback: another address at once: back within ${BACK_MS} ms, same seat, no click`, async () => {
      const began = performance.now();
      const since = await site.live('now');
      await line.move();
      const told = judge(await back(site, identity, since + 100), began);
      await same(site, seat, clicks);
      return told;
    });

    await tap.show(`comeback: ${CUT_S} s without a line, then another address: back within ${BACK_MS} ms`, async () => {
      await pause(4000);
      const began = performance.now();
      const since = await site.live('now');
      await line.say(`outage both ${CUT_S}s`);
      await pause(CUT_S * 1000 - 300);
      await line.say('address');
      const took = await back(site, identity, since + CUT_S * 1000);
      await same(site, seat, clicks);
      return judge(took, began);
    });

    await tap.show('comeback: it sees the chair move and hears the speech as before', async () => {
      const told = await Promise.all([seesMoving(site, MAIN, identity), hears(site, 'chair', media)]);
      return told.join('\n');
    });
  } finally {
    await line.end();
  }
}
