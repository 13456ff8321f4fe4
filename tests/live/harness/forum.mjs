// forum.mjs - the steps that people take on the pages, by the DOM contract alone

import { stalls, within } from './deadline.mjs';
import { check } from './tap.mjs';

export const MAIN = 'video#main';
const FIRST_PICTURE_MS = 2000;
const GAP_MS = 500;

// Opens a link and waits until the page can be joined.
export async function arrive(tab, link) {
  await tab.goto(link);
  await tab.state('ready');
  await tab.live('watch', MAIN);
}

export async function join(tab, link) {
  await arrive(tab, link);
  await tab.act('join');
  await tab.state('joined');
}

export const seatOf = (tab) => tab.evaluate(() => window.diemcau.seat);

export const row = (seat, act) => `[data-seat="${seat}"] [data-act="${act}"]`;

export const stageOf = (tab) =>
  tab.evaluate(() => {
    const stage = window.diemcau.stage;
    return stage && JSON.parse(JSON.stringify(stage));
  });

// The chair enters and goes on stage; the seat may be there already from before.
export async function goLive(tab, link) {
  await join(tab, link);
  if ((await tab.live('data')).stage !== 'on') await tab.act('go-live');
  await tab.stage('on');
}

// Milliseconds from the click on join to the first readable picture of identity. Opens the page anew.
export function firstPicture(tab, link, identity) {
  return within(FIRST_PICTURE_MS, async () => {
    await arrive(tab, link);
    await tab.act('join');
    const clicked = await tab.live('lastClick', 'join');
    check(clicked >= 0, 'the click on join was not seen');
    const shown = await tab.live('untilPicture', MAIN, identity, clicked, 20000);
    await tab.state('joined');
    return shown - clicked;
  });
}

// A site asks, the chair calls it up, it opens its microphone.
export async function callUp(chair, site) {
  const seat = await seatOf(site);
  if ((await site.live('data')).stage === 'on') return seat;
  await site.act('hand');
  await chair.click(row(seat, 'call'));
  await site.stage('called');
  await site.act('open-mic');
  await site.stage('on');
  return seat;
}

export async function sendDown(chair, site) {
  await chair.click(row(await seatOf(site), 'dismiss'));
  await site.stage('off');
}

// The receive connection of a page, as one thing to compare: it must not have been touched.
export async function connection(tab) {
  const found = await tab.live('negotiation', 'receive');
  check(found, `${tab.who} has no receive connection`);
  return found;
}

export async function untouched(tab, before) {
  const now = await connection(tab);
  const told = `${tab.who}: connection ${now.index}, ${now.remotes} remote descriptions, ${now.changes} signaling changes`;
  check(now.index === before.index, `another connection than before (${told})`);
  check(now.remotes === 1 && now.locals === before.locals, `negotiated again (${told})`);
  check(now.changes === before.changes, `signaling state changed (${told})`);
  check(now.state === 'connected', `it is ${now.state} (${told})`);
  return told;
}

// Sum over the receive connection: packets and lost.
export async function received(tab) {
  const stats = await tab.live('stats', 'receive');
  const sum = { packets: 0, lost: 0, frames: 0, remote: stats?.pair?.remote };
  for (const s of stats?.inbound ?? []) {
    sum.packets += s.packets;
    sum.lost += s.lost;
    sum.frames += s.frames;
  }
  return sum;
}

// Longest time without a new readable frame between two moments of the page's clock.
export async function longestGap(tab, since, until) {
  const frames = await tab.live('frames', MAIN, since);
  let gap = 0;
  let last = since;
  for (const { at, identity } of frames) {
    if (identity < 0 || at > until) continue;
    gap = Math.max(gap, at - last);
    last = at;
  }
  return Math.round(Math.max(gap, until - last));
}

// No gap that a person would see; a machine that stood still may have made one (began: our clock).
export function checkGap(gapMs, began, told) {
  const allowed = GAP_MS + stalls.since(began);
  check(gapMs <= allowed, `${told}; allowed ${allowed} ms`);
}

// Of one size of the page's camera: other parameters of its encoding. What they were before.
export const cameraSends = (tab, rid, changes) =>
  tab.evaluate(
    async ([name, wanted]) => {
      const sender = window.diemcau.publish.getSenders().find((s) => s.track?.kind === 'video');
      const parameters = sender.getParameters();
      const encoding = parameters.encodings.find((e) => e.rid === name);
      const before = Object.fromEntries(Object.keys(wanted).map((key) => [key, encoding[key]]));
      Object.assign(encoding, wanted);
      await sender.setParameters(parameters);
      return before;
    },
    [rid, changes],
  );
