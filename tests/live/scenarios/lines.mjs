// lines.mjs - other weak lines: a picture that goes on moving, and a browser that tells of its line as a whole

import { Chromium } from '../harness/browsers.mjs';
import { goLive, join } from '../harness/forum.mjs';
import { WIDE, wideFilm } from '../harness/media.mjs';
import { check } from '../harness/tap.mjs';
import { hears, width } from '../harness/watch.mjs';
import { WeakLine } from '../harness/weak.mjs';

const SETTLE_MS = 15000; // it looks for its rung
const FALL_MS = 5000;
const LOOK_MS = 20000;
const WHOLE = 0.98; // of the voice
const FRAMES = 3; // a second: the lowest layer of the fifteen that the camera sends is a quarter of them
const GAP_MS = 1500; // without a picture; a size that is changed waits for a keyframe
const TOP_MS = 60000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function inbound(tab) {
  const stats = await tab.live('stats', 'receive');
  const sum = (kind, key) => stats.inbound.filter((s) => s.kind === kind).reduce((total, s) => total + s[key], 0);
  return { at: stats.at, frames: sum('video', 'frames'), concealed: sum('audio', 'concealed'), samples: sum('audio', 'samples') };
}

// Voice and picture over a while: how much is whole, how many pictures a second, and the longest time without one.
async function look(tab, frames = FRAMES) {
  const first = await inbound(tab);
  let last = first;
  let moved = first.at;
  let gap = 0;
  while (last.at - first.at < LOOK_MS) {
    await pause(100);
    const now = await inbound(tab);
    if (now.frames > last.frames) moved = now.at;
    gap = Math.max(gap, now.at - moved);
    last = now;
  }
  const whole = 1 - (last.concealed - first.concealed) / (last.samples - first.samples);
  const rate = ((last.frames - first.frames) * 1000) / (last.at - first.at);
  const told = `${(whole * 100).toFixed(1)} % of the voice is whole, ${rate.toFixed(1)} pictures/s of ${await width(tab)}, ${Math.round(gap)} ms without one at the most`;
  check(whole >= WHOLE && rate >= frames && (frames === 0 || gap <= GAP_MS), told);
  return told;
}

async function untilWidth(tab, wide) {
  const began = performance.now();
  for (let now; (now = await width(tab)) !== wide; await pause(100))
    check(performance.now() - began < TOP_MS, `${tab.who}: ${now} wide, not ${wide}`);
  return `${wide} wide after ${Math.round(performance.now() - began)} ms`;
}

// Its offers do not speak of feedback for each packet: then the browser tells what its line carries (REMB).
const tellOfTheWhole = () => {
  const offer = RTCPeerConnection.prototype.createOffer;
  RTCPeerConnection.prototype.createOffer = async function (...args) {
    const { type, sdp } = await offer.apply(this, args);
    const without = sdp.split('\r\n').filter((line) => !/transport-cc|transport-wide-cc/.test(line));
    return { type, sdp: without.join('\r\n') };
  };
};

const remotely = (tab) => tab.evaluate(() => window.diemcau.receive.remoteDescription.sdp);

export async function run({ tap, cast, media, build, dir, log, seed, stack: start }) {
  const stack = await start();
  const { chair, sites } = stack.demo;
  const browser = await Chromium.launch({ ...media.chair, y4m: await wideFilm(dir, media.chair) });
  const line = await WeakLine.open({ build, dir, log, seed, ports: [stack.ports.http, stack.ports.media] });
  try {
    const hall = await browser.tab();
    cast.tabs.add(hall);
    const behind = await line.browser(media.north);
    await goLive(hall, chair);

    let site = await behind.tab();
    cast.tabs.add(site);
    await tap.show('lines: 300 kbit/s become 270 that lose 5 %: the voice is whole, the picture goes on moving', async () => {
      await line.say('both rate=300k delay=30ms queue=300ms');
      await join(site, sites[0]);
      await pause(SETTLE_MS);
      const told = [`before: ${await look(site)}`];
      await line.say('both rate=270k loss=5%');
      await pause(FALL_MS);
      told.push(await look(site));
      return told.join('\n');
    });
    await cast.close(site);

    site = await behind.tab();
    cast.tabs.add(site);
    await site.page.addInitScript(tellOfTheWhole);
    await tap.show('lines: a browser that tells of its line as a whole is heard out: 300 kbit/s', async () => {
      await line.say('both rate=300k loss=0');
      await join(site, sites[0]);
      await pause(SETTLE_MS);
      const sdp = await remotely(site);
      check(/goog-remb/.test(sdp) && !/transport-cc/.test(sdp), 'it was not asked for what it can tell');
      return [await hears(site, 'chair', media), await look(site, 0)].join('\n');
    });
    await tap.show('lines: … and on 3 Mbit/s it sees the full picture', async () => {
      await line.say('both rate=3M');
      return [await untilWidth(site, WIDE), await look(site)].join('\n');
    });
    await cast.close(site);
  } finally {
    await line.end();
    await browser.close();
  }
}
