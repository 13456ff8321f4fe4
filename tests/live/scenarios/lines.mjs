// lines.mjs - other weak lines: two sites with a size each, a picture that is too much for a line, and a browser that
// tells of its line as a whole

import { Chromium } from '../harness/browsers.mjs';
import { unstalled } from '../harness/deadline.mjs';
import { MAIN, cameraSends, goLive, join } from '../harness/forum.mjs';
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
const SMALL = WIDE / 4;
const LATE_MS = 1000; // nearly all pictures: 315 to 670 seen, and 1,140 in the one run where none was left out
const FEW = 20; // pictures of which both tabs could read the number
const ROUND_MS = 4000; // much less than the film takes to come to the same number
// Still a small picture for the sfu (TRACK_SMALL_BPS), but beside the voice 225 kbit/s have some 140 for it.
const HEAVY_BPS = 175000;
const OVERFLOW = 0.02; // of the packets, while it is looked for what the line carries

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

// On the rung of the small picture, whatever was before.
async function untilMoving(tab) {
  const began = performance.now();
  for (let before = await inbound(tab), now; ; before = now) {
    await pause(1000);
    now = await inbound(tab);
    if (now.frames - before.frames >= FRAMES) return;
    check(performance.now() - began < TOP_MS, `${tab.who}: no picture moves`);
  }
}

// The page shows its own camera, too.
const OWN = 'video#own';
const mirror = (tab) =>
  tab.evaluate(async () => {
    const sender = window.diemcau.publish.getSenders().find((s) => s.track?.kind === 'video');
    const video = Object.assign(document.createElement('video'), { id: 'own', muted: true });
    video.srcObject = new MediaStream([sender.track]);
    document.body.append(video);
    await video.play();
  });

// What was read of an element since then, at the time of all tabs.
async function shown(tab, selector, since) {
  const origin = await tab.evaluate(() => performance.timeOrigin);
  const frames = await tab.live('frames', selector, since);
  return frames.filter((frame) => frame.identity >= 0).map(({ at, number }) => ({ at: at + origin, number }));
}

// From the hall's camera to the site's screen, while `during` lasts.
async function late(site, hall, during) {
  await hall.live('watch', OWN);
  await site.live('watch', MAIN);
  const [begun, since] = [await hall.live('now'), await site.live('now')];
  await during();
  const taken = await shown(hall, OWN, begun);
  const lags = [];
  for (const { at, number } of await shown(site, MAIN, since)) {
    const same = taken.find((frame) => frame.number === number && Math.abs(frame.at - at) < ROUND_MS);
    if (same) lags.push(at - same.at);
  }
  lags.sort((a, b) => a - b);
  const at = (share) => Math.round(lags[Math.floor(share * (lags.length - 1))]);
  const told = `of ${lags.length} pictures half are seen after ${at(0.5)} ms, 95 % within ${at(0.95)} ms, the last after ${at(1)} ms`;
  check(lags.length >= FEW && at(0.95) <= LATE_MS, told);
  return told;
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
  const line = await WeakLine.open({ build, dir, log, seed, ports: [stack.ports.http, stack.ports.media] });
  const wide = await WeakLine.open({ build, dir, log, seed, ports: [stack.ports.http, stack.ports.media], number: 2 });
  const browser = await Chromium.launch({ ...media.chair, y4m: await wideFilm(dir, media.chair) });
  try {
    const hall = await browser.tab();
    cast.tabs.add(hall);
    const behind = await line.browser(media.north);
    await goLive(hall, chair);

    let site = await behind.tab();
    cast.tabs.add(site);
    const near = await (await wide.browser(media.south)).tab();
    cast.tabs.add(near);
    await tap.show('lines: of one camera a site on 300 kbit/s sees the small picture, one on 2 Mbit/s a larger one', async () => {
      await line.say('both rate=300k delay=30ms queue=300ms');
      await wide.say('both rate=2M delay=30ms queue=300ms');
      await join(site, sites[0]);
      await join(near, sites[1]);
      const told = [await untilWidth(near, WIDE), await untilWidth(site, SMALL)];
      const seen = [];
      for (const end = Date.now() + LOOK_MS; Date.now() < end; await pause(500))
        seen.push([await width(near), await width(site)]);
      const full = seen.filter(([large]) => large === WIDE).length / seen.length;
      told.push(`the full one for ${Math.round(full * 100)} % of ${LOOK_MS / 1000} s`);
      // The larger is the middle one for some of the time in 3 of 12 runs; why was not looked into.
      check(seen.every(([large, small]) => large > SMALL && small === SMALL), `${told.join('\n')}\n${seen.join(' ')}`);
      return told.join('\n');
    });
    const usual = await cameraSends(hall, 'q', { maxBitrate: HEAVY_BPS });
    await tap.show('lines: 225 kbit/s for a small picture of 175: the voice is whole, it moves, within a second of the camera', async () => {
      await mirror(hall);
      return unstalled(async () => {
        await line.say('both rate=300k');
        await untilMoving(site);
        await pause(SETTLE_MS);
        await line.say('both rate=225k');
        await pause(FALL_MS);
        const told = [];
        told.push(await late(site, hall, async () => told.push(await look(site))));
        return told.join('\n');
      });
    });
    await cameraSends(hall, 'q', usual);
    await cast.close(near);
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
      const told = [await hears(site, 'chair', media)];
      const before = JSON.parse(await line.say('stats')).down;
      told.push(await look(site, 0));
      const after = JSON.parse(await line.say('stats')).down;
      const share = (after.queue_dropped - before.queue_dropped) / (after.in - before.in);
      told.push(`${(share * 100).toFixed(1)} % of the packets found the queue full, ${Math.round(after.queue_ms)} ms wait`);
      check(share <= OVERFLOW, told.join('\n'));
      return told.join('\n');
    });
    await tap.show('lines: … and on 3 Mbit/s it sees the full picture', async () => {
      await line.say('both rate=3M');
      return [await untilWidth(site, WIDE), await look(site)].join('\n');
    });
    await cast.close(site);
  } finally {
    await line.end();
    await wide.end();
    await browser.close();
  }
}
