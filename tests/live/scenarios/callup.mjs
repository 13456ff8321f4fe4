// callup.mjs - a site is called up, is heard and seen, and is sent down; nobody renegotiates

import {
  MAIN,
  callUp,
  connection,
  goLive,
  join,
  row,
  seatOf,
  sendDown,
  untouched,
} from '../harness/forum.mjs';
import { nameOf } from '../harness/media.mjs';
import { check } from '../harness/tap.mjs';
import { hear, hears, judgeNotHeard, seesMoving } from '../harness/watch.mjs';

const CHANGE_MS = 10000;
const CHANGES = 10;

export async function run({ tap, cast, media, stack: start }) {
  const stack = await start();
  const { chair, sites } = stack.demo;
  const [hall, north, south] = await Promise.all(['chair', 'north', 'south'].map((n) => cast.tab(n)));
  const everybody = [hall, north, south];
  const before = new Map();

  await tap.need('call-up: chair, a Chromium site and a Firefox site are there', async () => {
    await goLive(hall, chair);
    await Promise.all([join(north, sites[0]), join(south, sites[1])]);
    await Promise.all(
      [north, south].map((tab) => tab.live('untilPicture', MAIN, media.chair.identity, 0, 10000)),
    );
    for (const tab of everybody) before.set(tab, await connection(tab));
  });
  const seat = { north: await seatOf(north), south: await seatOf(south) };

  await tap.need('call-up: the Firefox site raises its hand, is called up and opens its microphone', () =>
    callUp(hall, south),
  );
  await tap.show('call-up: chair and the other site hear it', async () => {
    const told = await Promise.all([hears(hall, 'south', media), hears(north, 'south', media)]);
    return told.join('\n');
  });
  await tap.show('call-up: put into the main slot, chair and the other site see it', async () => {
    await hall.click(row(seat.south, 'main'));
    await Promise.all(
      [hall, north].map((tab) => tab.live('untilPicture', MAIN, media.south.identity, 0, 5000)),
    );
    const told = await Promise.all([hall, north].map((tab) => seesMoving(tab, MAIN, media.south.identity)));
    return told.join('\n');
  });
  await tap.show('call-up: it never receives itself; its main picture is still the chair', async () => {
    const since = await south.live('now');
    const [heard] = await Promise.all([hear(south, 6), seesMoving(south, MAIN, media.chair.identity)]);
    judgeNotHeard(heard, 'south', media);
    const own = (await south.live('frames', MAIN, since)).filter((f) => f.identity === media.south.identity);
    check(own.length === 0, `${own.length} frames of itself`);
  });

  await tap.need('call-up: the Chromium site is called up too', () => callUp(hall, north));
  await tap.show(`call-up: ${CHANGES} changes of the main source each show the right one`, async () => {
    const told = [];
    for (let n = 0; n < CHANGES; n++) {
      const [who, other] = n % 2 ? [south, north] : [north, south];
      const identity = media[who.who].identity;
      // How soon is the browsers' business on a busy machine (0.2 to 1 s mostly) and told, not judged.
      const atOther = await other.live('now');
      await hall.click(row(seat[who.who], 'main'));
      const clicked = await hall.live('lastClick', 'main');
      const shown = await hall.live('untilPicture', MAIN, identity, clicked, CHANGE_MS);
      await other.live('untilPicture', MAIN, identity, atOther, CHANGE_MS);
      // It stays: nothing of the last one is shown after the first frame of the new one.
      await new Promise((resolve) => setTimeout(resolve, 700));
      for (const tab of [hall, other]) {
        const frames = (await tab.live('frames', MAIN, (await tab.live('now')) - 500)).filter(
          (f) => f.identity >= 0,
        );
        const wrong = frames.find((f) => f.identity !== identity);
        check(frames.length > 0, `${tab.who} sees nothing after change ${n + 1}`);
        check(!wrong, () => `change ${n + 1} to ${who.who}: ${tab.who} sees ${nameOf(wrong.identity)}`);
      }
      told.push(`${who.who} ${Math.round(shown - clicked)} ms`);
    }
    return told.join(', ');
  });

  await tap.show('call-up: both sites are sent down and are heard no more', async () => {
    await sendDown(hall, south);
    await sendDown(hall, north);
    const [atHall, atNorth] = await Promise.all([hear(hall, 5), hear(north, 5)]);
    judgeNotHeard(atHall, 'south', media);
    judgeNotHeard(atHall, 'north', media);
    judgeNotHeard(atNorth, 'south', media);
    check(!(await south.evaluate(() => window.diemcau.publish)), 'the site still has a publish connection');
  });
  await tap.show('call-up: the sites see and hear the chair again', async () => {
    for (const tab of [north, south]) {
      await tab.live('untilPicture', MAIN, media.chair.identity, await tab.live('now'), 5000);
    }
    const told = await Promise.all([hears(north, 'chair', media), hears(south, 'chair', media)]);
    return told.join('\n');
  });
  await tap.show('call-up: nobody negotiated a receive connection again', async () => {
    const told = [];
    for (const tab of everybody) told.push(await untouched(tab, before.get(tab)));
    return told.join('\n');
  });
  await tap.show('call-up: the pages left no error on the console', () => {
    const bad = everybody.flatMap((tab) =>
      tab.console.filter((line) => /^(uncaught|error)/.test(line)).map((line) => `${tab.who}: ${line}`),
    );
    check(bad.length === 0, bad.join('\n'));
  });
}
