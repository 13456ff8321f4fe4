// tcp.mjs - the same forum where a firewall lets no UDP through

import { blockUdp, unblockUdp } from '../harness/firewall.mjs';
import { MAIN, callUp, firstPicture, goLive } from '../harness/forum.mjs';
import { check } from '../harness/tap.mjs';
import { hears, seesMoving } from '../harness/watch.mjs';

async function overTcp(tab, which) {
  const stats = await tab.live('stats', which);
  const told = `${tab.who} ${which}: ${JSON.stringify(stats?.pair)}`;
  check(stats?.pair?.protocol === 'tcp' && stats.pair.remoteProtocol === 'tcp', told);
  return told;
}

export async function run({ tap, cast, media, stack: start }) {
  const stack = await start();
  const { chair, sites } = stack.demo;
  const [hall, north, south] = await Promise.all(['chair', 'north', 'south'].map((n) => cast.tab(n)));

  await blockUdp();
  try {
    await tap.need('tcp: with UDP blocked the chair goes live in Chromium', () => goLive(hall, chair));
    for (const [tab, link, browser] of [
      [north, sites[0], 'a Chromium site'],
      [south, sites[1], 'a Firefox site'],
    ]) {
      await tap.show(`tcp: ${browser} has the first picture within 2 s of asking`, () =>
        firstPicture(tab, link, media.chair.identity),
      );
      await tap.show(`tcp: ${browser} sees the chair move and hears the speech`, async () => {
        const told = await Promise.all([
          seesMoving(tab, MAIN, media.chair.identity),
          hears(tab, 'chair', media),
        ]);
        return told.join('\n');
      });
    }
    await tap.show('tcp: the Firefox site is called up and is heard', async () => {
      await callUp(hall, south);
      return hears(north, 'south', media);
    });
    await tap.show('tcp: every connection runs over TCP by its own account', async () => {
      const told = [
        await overTcp(hall, 'publish'),
        await overTcp(north, 'receive'),
        await overTcp(south, 'receive'),
      ];
      return told.join('\n');
    });
  } finally {
    await unblockUdp();
  }
}
