// diskfull.mjs - a disk without room: questions are refused in words, nothing acknowledged is lost, media goes on

import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

import { MAIN, checkGap, goLive, join, longestGap } from '../harness/forum.mjs';
import { command } from '../harness/process.mjs';
import { Crowd, addSites, post } from '../harness/questions.mjs';
import { Stack } from '../harness/stack.mjs';
import { check } from '../harness/tap.mjs';
import { request, tokenOf } from '../harness/web.mjs';

const SIZE = '16m';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Takes every byte there is.
function fill(file) {
  const fd = openSync(file, 'w');
  for (const size of [65536, 4096, 1]) {
    const bytes = Buffer.alloc(size, 'x');
    try {
      for (;;) writeSync(fd, bytes);
    } catch (error) {
      check(error.code === 'ENOSPC', error.message);
    }
  }
  closeSync(fd);
}

export async function run({ tap, cast, media, build, dir, repo }) {
  const small = path.join(dir, 'small');
  const filler = path.join(small, 'filler');
  mkdirSync(small, { recursive: true });
  await command('mount', '-t', 'tmpfs', '-o', `size=${SIZE},mode=755`, 'tmpfs', small);
  const stack = new Stack({
    build,
    repo,
    dir,
    data: small,
    ports: { http: 8543, media: 8544, admin: 9564 },
  });
  const [hall, room] = [await cast.tab('chair'), await cast.tab('north')];
  try {
    await tap.need('diskfull: a forum on a disk of 16 MB, a hall that speaks, a site that sees it', async () => {
      await stack.start();
      await goLive(hall, stack.demo.chair);
      await join(room, stack.demo.sites[0]);
      await room.live('untilPicture', MAIN, media.chair.identity, 0, 10000);
      await pause(1000);
    });
    const sites = await addSites(stack, 30);
    const crowd = new Crowd(stack, sites.slice(5), 'full');
    let since = 0;
    const began = performance.now();
    await tap.show('diskfull: without room a question is refused with a sentence', async () => {
      crowd.start();
      await crowd.untilAckSince(performance.now());
      await pause(1000);
      since = await room.live('now');
      fill(filler);
      // What still fits in SQLite's log is taken; then it is quiet.
      for (const end = performance.now() + 40000; performance.now() - crowd.lastAck < 3000; await pause(100)) {
        check(performance.now() < end, 'questions are taken for 40 s on a full disk');
      }
      const before = crowd.acked.size;
      const answer = await post(stack, tokenOf(sites[1].ask), { key: 'one-more-key', text: 'Còn chỗ không?' });
      check(answer.status === 503 && answer.json.error.reason === 'store', `${answer.status} ${answer.body}`);
      check(/không lưu được/.test(answer.json.error.message), answer.json.error.message);
      check(Number(answer.headers['retry-after']) >= 1, 'no Retry-After');
      const ready = await request(new URL('/readyz', stack.url));
      check(ready.status === 503 && /store/.test(ready.body), `readyz: ${ready.status} ${ready.body}`);
      check(crowd.acked.size === before, `${crowd.acked.size - before} more were acknowledged`);
      return `${before} acknowledged before; ${answer.json.error.message}`;
    });
    await tap.show('diskfull: the room is told so, and its question stays on the page', async () => {
      await room.act('ask');
      await room.live('fill', '[data-act="ask-text"]', 'Giữ lại giúp');
      await room.act('ask-send');
      await room.live('untilElement', '.mine-held', 10000);
      const words = await room.evaluate(() => document.querySelector('.mine-held').textContent);
      check(/không lưu được/.test(words), words);
      await room.live('untilElement', '.mine [data-state="waiting"]', 5000);
      return words;
    });
    await tap.show('diskfull: media stopped for nobody', async () => {
      const until = await room.live('now');
      const gap = await longestGap(room, since, until);
      checkGap(gap, began, `longest gap ${gap} ms in ${Math.round(until - since)} ms`);
      await room.state('joined');
      return `longest gap ${gap} ms in ${Math.round((until - since) / 1000)} s`;
    });
    await tap.show('diskfull: with room again everything that waited arrives by itself, once', async () => {
      rmSync(filler);
      await room.live('untilElement', '.mine [data-state="new"]', 20000);
      await crowd.untilAckSince(performance.now());
      await crowd.stop();
      const told = await crowd.compare();
      const ready = await request(new URL('/readyz', stack.url));
      check(ready.status === 200, `readyz: ${ready.status} ${ready.body}`);
      return `${told}\n${[...crowd.refusals].map(([text, n]) => `${n} x ${text}`).join('\n')}`;
    });
  } finally {
    await cast.closeAll();
    await stack.stop();
    await command('umount', small);
  }
}
