// forum.mjs - a hall speaks, two sites in two browsers see and hear it

import { MAIN, firstPicture, goLive } from '../harness/forum.mjs';
import { hears, seesMoving } from '../harness/watch.mjs';

export async function run({ tap, cast, media, stack: start }) {
  let stack;
  await tap.need('forum: the stack says ready and names its demo forum', async () => {
    stack = await start();
    return stack.url;
  });
  const { chair, sites } = stack.demo;
  const [hall, north, south] = await Promise.all(['chair', 'north', 'south'].map((n) => cast.tab(n)));

  await tap.need('forum: the chair goes live in Chromium', () => goLive(hall, chair));
  for (const [tab, link, browser] of [
    [north, sites[0], 'a Chromium site'],
    [south, sites[1], 'a Firefox site'],
  ]) {
    await tap.need(`forum: ${browser} has the first picture within 2 s of asking`, () =>
      firstPicture(tab, link, media.chair.identity),
    );
    await tap.show(`forum: ${browser} sees the chair move and hears the speech`, async () => {
      const told = await Promise.all([
        seesMoving(tab, MAIN, media.chair.identity),
        hears(tab, 'chair', media),
      ]);
      return told.join('\n');
    });
  }
}
