// forum.mjs - a hall speaks, two sites in two browsers see and hear it

import { MAIN, firstPicture, goLive } from '../harness/forum.mjs';
import { check } from '../harness/tap.mjs';
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

  await tap.show('forum: no page asked anything of another origin, no token stayed in an address', async () => {
    const { origin } = new URL(stack.url);
    const bad = [];
    for (const tab of [hall, north, south]) {
      check(tab.requests.length > 0, `${tab.who}: no request was seen`);
      for (const url of tab.requests) {
        const own = new URL(url).origin.replace('wss:', 'https:') === origin;
        if (!own && !/^(data|blob):/.test(url)) bad.push(`${tab.who}: ${url}`);
        if (/[?&#/][jcm][A-Za-z0-9_-]{44}/.test(new URL(url).pathname + new URL(url).search)) bad.push(`${tab.who}: token in a request`);
      }
      const hash = await tab.evaluate(() => location.hash);
      if (hash) bad.push(`${tab.who}: still at ${hash.slice(0, 4)}…`);
    }
    check(bad.length === 0, bad.join('\n'));
  });
}
