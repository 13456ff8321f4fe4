// slides.mjs - the chair shows slides; a site behind a weak line sees each of them soon, and its voice does not break

import { goLive, join } from '../harness/forum.mjs';
import { check } from '../harness/tap.mjs';
import { hears } from '../harness/watch.mjs';
import { WeakLine } from '../harness/weak.mjs';

const SLIDES = 'video#slides';
const SCREEN = 1366;
const SOON_MS = 5000; // from the turn in the hall to the picture behind the weak line, each of them
const GIVEN_UP_MS = 30000;
const FIRST_MS = 20000;
const READ_MS = 5000; // a person looks at it
const WHOLE = 0.98;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function voice(tab) {
  const { inbound } = await tab.live('stats', 'receive');
  const heard = inbound.filter((stream) => stream.kind === 'audio' && stream.packets > 0);
  const sum = (key) => heard.reduce((total, stream) => total + stream[key], 0);
  return { concealed: sum('concealed'), samples: sum('samples') };
}

// How wide the picture is that this element shows.
const widthOf = (tab) => tab.evaluate((selector) => document.querySelector(selector).videoWidth, SLIDES);

// What the browser says of the pictures that come.
const arrives = (tab) =>
  tab.evaluate(async () => {
    const all = [...(await window.diemcau.receive.getStats()).values()];
    const keys = ['mid', 'packetsReceived', 'packetsLost', 'retransmittedPacketsReceived', 'framesReceived', 'framesDecoded', 'keyFramesDecoded', 'framesDropped', 'nackCount', 'pliCount', 'frameWidth', 'jitterBufferDelay', 'jitterBufferEmittedCount'];
    return all.filter((s) => s.type === 'inbound-rtp' && s.kind === 'video').map((s) => Object.fromEntries(keys.map((key) => [key, s[key]])));
  });

// Milliseconds until this slide, turned in the hall, is seen.
async function turn(hall, site, number) {
  const since = await site.live('now');
  await hall.live('turnSlide', number);
  const at = await site.live('untilNumber', SLIDES, number, since, GIVEN_UP_MS).catch(async (error) => {
    throw new Error(`${error.message}; ${JSON.stringify(await arrives(site))}`);
  });
  return Math.round(at - since);
}

// Some slides one after the other, read for a while each; the voice goes on.
async function turns(hall, site, numbers) {
  const before = await voice(site);
  const took = [];
  for (const number of numbers) {
    took.push(await turn(hall, site, number));
    await pause(READ_MS);
  }
  const after = await voice(site);
  const share = 1 - (after.concealed - before.concealed) / (after.samples - before.samples);
  const told = `seen after ${took.join(', ')} ms, ${await widthOf(site)} wide; ${(share * 100).toFixed(1)} % of the voice is whole`;
  check(Math.max(...took) <= SOON_MS && share >= WHOLE, told);
  return told;
}

export async function run({ tap, cast, media, build, dir, log, seed, stack: start }) {
  const stack = await start();
  const { chair, sites } = stack.demo;
  // First of all: a browser that is open when a link appears begins anew (net::ERR_NETWORK_CHANGED).
  const line = await WeakLine.open({ build, dir, log, seed, ports: [stack.ports.http, stack.ports.media] });
  try {
    const hall = await cast.tab('chair');
    const near = await cast.tab('south');
    const site = await (await line.browser(media.north)).tab();
    cast.tabs.add(site);
    await tap.need('slides: the chair shows a screen, a Firefox site sees it whole', async () => {
      await goLive(hall, chair);
      await join(near, sites[1]);
      await near.live('watch', SLIDES);
      const since = await near.live('now');
      await hall.act('screen');
      const at = await near.live('untilNumber', SLIDES, 1, since, FIRST_MS);
      const began = performance.now();
      while ((await widthOf(near)) !== SCREEN) {
        check(performance.now() - began < FIRST_MS, `${await widthOf(near)} wide`);
        await pause(100);
      }
      return `after ${Math.round(at - since)} ms`;
    });
    await tap.need('slides: a site comes over 100 kbit/s that lose 5 %, sees the slide and hears the chair', async () => {
      await line.say('both rate=100k delay=30ms queue=300ms loss=5%');
      await join(site, sites[0]);
      await site.live('watch', SLIDES);
      const since = await site.live('now');
      const at = await site.live('untilNumber', SLIDES, 1, since, FIRST_MS);
      return `after ${Math.round(at - since)} ms\n${await hears(site, 'chair', media)}`;
    });
    await tap.show('slides: 100 kbit/s and 5 % of loss: changed slides are seen within 5 s', () => turns(hall, site, [2, 3, 4, 5, 6]));
    await tap.show('slides: 64 kbit/s: the same', async () => {
      await line.say('both rate=64k loss=0');
      await pause(15000); // it falls to the voice alone, and finds its rung again
      return turns(hall, site, [7, 8, 9, 10]);
    });
    await tap.show('slides: 1 Mbit/s: they come whole', async () => {
      await line.say('both rate=1M');
      const began = performance.now();
      while ((await widthOf(site)) !== SCREEN) {
        check(performance.now() - began < 60000, `${await widthOf(site)} wide`);
        await pause(100);
      }
      const took = Math.round(performance.now() - began);
      return `after ${took} ms; the next after ${await turn(hall, site, 11)} ms`;
    });
  } finally {
    await line.end();
  }
}
