// review.mjs - a stage becomes a file by itself; both browsers play and seek it; nobody else gets it

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Foreign } from '../harness/foreign.mjs';
import { isAlive } from '../harness/process.mjs';
import { check } from '../harness/tap.mjs';
import { takes, untilIndex } from '../harness/takes.mjs';
import { Seat, json, raw, request, tokenOf } from '../harness/web.mjs';
import { FPS, facts, flashes, pictures, ticket, tones } from '../harness/webm.mjs';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const TOGETHER_S = 0.1;
const LENGTH_S = 1;
const READY_MS = 60000;
const RATE = 48000;

function silence(dir) {
  const file = path.join(dir, 'quiet.wav');
  const data = Buffer.alloc(44 + RATE * 2 * 5);
  data.write('RIFF', 0);
  data.write('WAVEfmt ', 8);
  data.write('data', 36);
  writeFileSync(file, data);
  return file;
}

const list = (stack, token = tokenOf(stack.demo.staff)) => json(new URL('/api/v1/recordings', stack.url), { token });

async function until(what, timeoutMs, test) {
  const began = performance.now();
  for (;;) {
    const found = await test();
    if (found) return found;
    check(performance.now() - began < timeoutMs, `${what}: not in ${timeoutMs} ms`);
    await pause(200);
  }
}

// One stage of some twenty seconds, with a recorder and an sfu killed in it. Gives its length in seconds.
async function perform({ stack, build, log, media, dir }) {
  let speaker = Foreign.flash(build, log, media.foreign);
  const other = () => Foreign.publish(build, log, { identity: media.south.identity, wav: silence(dir) });
  let guest = null;
  try {
    await speaker.open(stack.demo.whip);
    const { lines } = await untilIndex(stack, 'tracks', (all) => all.filter((l) => l.kind === 'track').length >= 2, 5000);
    const began = lines[0].t_us / 1e6;
    await pause(4000);
    stack.kill('recorder');
    await pause(3000);
    const old = stack.kill('sfu');
    await until('sfu back', 8000, () => stack.pid('sfu') && stack.pid('sfu') !== old);
    await speaker.end();
    speaker = Foreign.flash(build, log, media.foreign);
    await until('room', 10000, async () => (await request(new URL('/readyz', stack.url)).catch(() => null))?.status === 200);
    await speaker.open(stack.demo.whip);
    await pause(4000);
    guest = other();
    await guest.open(stack.demo.whip);
    await pause(1500);
    const chair = await Seat.open(stack.url);
    const { result } = await chair.hello(tokenOf(stack.demo.chair));
    const seats = result.stage.on_air.map((one) => one.seat);
    check(seats.length === 2, `on air: ${JSON.stringify(result.stage)}`);
    await chair.must('stage.main', { seat: seats.find((seat) => seat !== result.stage.main) });
    await pause(4000);
    await chair.must('stage.main', { seat: result.stage.main });
    await pause(4000);
    await chair.close();
    await guest.remove();
    await speaker.remove();
    return Date.now() / 1000 - began;
  } finally {
    await speaker.end();
    await guest?.end();
  }
}

// In the page: plays the recording, seeks, and reads the picture there.
function look() {
  const video = document.querySelector('#recording');
  const canvas = document.createElement('canvas');
  canvas.width = 16;
  canvas.height = 6;
  const pen = canvas.getContext('2d');
  pen.drawImage(video, 0, 0, 16, 6);
  const { data } = pen.getImageData(0, 0, 16, 6);
  const bit = (x, y) => (data[(y * 16 + x) * 4] > 128 ? 1 : 0);
  let number = 0;
  let name = 0;
  for (let x = 0; x < 16; x++) number = number * 2 + bit(x, 0);
  for (let x = 0; x < 8; x++) name = name * 2 + bit(x * 2, 1);
  return {
    at: video.currentTime,
    length: video.duration,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    paused: video.paused,
    error: video.error?.message ?? null,
    number,
    identity: name >> 4,
  };
}

async function plays(tab, stack, seen) {
  await tab.goto(`${stack.url}review#${tokenOf(stack.demo.staff)}`);
  await tab.click('[data-recording] [data-act="watch"]');
  const played = await until('it plays', 15000, async () => {
    const now = await tab.evaluate(look).catch(() => null);
    return now && now.at > 1.5 && now.frames > 20 ? now : null;
  });
  check(Math.abs(played.length - seen.length / FPS) < 0.3, `length in the page ${played.length}`);
  const told = [`plays: ${JSON.stringify(played)}`];
  for (const share of [0.7, 0.2]) {
    const wish = played.length * share;
    await tab.evaluate((at) => {
      const video = document.querySelector('#recording');
      video.pause();
      video.currentTime = at;
    }, wish);
    // Whose picture it is may change just there: a neighbour will do. Where the machine is busy, the page shows the
    // picture of before for a moment though the seek is over.
    const at = Math.floor(wish * FPS);
    const near = seen.slice(Math.max(0, at - 3), at + 4);
    const isThat = (now) => near.some((f) => f.identity === now.identity && Math.abs(f.number - now.number) <= 3);
    const there = await until(`seek to ${wish}, in the file ${JSON.stringify(seen[at])}`, 10000, async () => {
      const now = await tab.evaluate(look);
      const isThere = await tab.evaluate(() => {
        const video = document.querySelector('#recording');
        return !video.seeking && video.readyState >= 2;
      });
      return isThere && Math.abs(now.at - wish) < 0.2 && isThat(now) ? now : null;
    });
    told.push(`${share * 100} %: ${JSON.stringify(there)}`);
  }
  await tab.evaluate(() => document.querySelector('#recording').play());
  await until('it goes on', 10000, async () => (await tab.evaluate(look)).at > played.length * 0.2 + 0.7);
  await tab.click('[data-speed="2"]');
  check((await tab.evaluate(() => document.querySelector('#recording').playbackRate)) === 2, 'speed');
  return told.join('\n');
}

// [Range, status, first byte or null, length]
const ranges = (n) => [
  ['bytes=0-0', 206, 0, 1],
  ['bytes=100-199', 206, 100, 100],
  ['bytes=-1', 206, n - 1, 1],
  [`bytes=-${n * 5}`, 206, 0, n],
  [`bytes=${n - 10}-`, 206, n - 10, 10],
  [`bytes=${n - 10}-${'9'.repeat(40)}`, 206, n - 10, 10],
  [`bytes=${n}-`, 416],
  [`bytes=9223372036854775808-`, 416],
  [`bytes=${'9'.repeat(60)}-`, 416],
  ['bytes=-0', 416],
  ['bytes=5-2', 200],
  ['bytes=--5', 200],
  ['bytes=-', 200],
  ['bytes=a-b', 200],
  ['bytes=0x0-0x9', 200],
  ['lines=0-1', 200],
  ['bytes=0-0,1-1', 200],
  [`bytes=${'0-1,'.repeat(1000)}0-1`, 200],
  [`bytes=${'0-'.repeat(1000)}`, 200],
];

async function judgeRanges(stack, url, size) {
  const told = [];
  for (const [range, status, first, length] of ranges(size)) {
    const name = range.length > 60 ? `${range.slice(0, 30)}… (${range.length})` : range;
    const got = await request(new URL(url, stack.url), { headers: { Range: range } });
    check(got.status === status, `${name}: ${got.status} instead of ${status}`);
    if (status === 206) {
      check(got.headers['content-range'] === `bytes ${first}-${first + length - 1}/${size}`, `${name}: ${got.headers['content-range']}`);
      check(Number(got.headers['content-length']) === length, `${name}: length ${got.headers['content-length']}`);
    } else if (status === 416) {
      check(got.headers['content-range'] === `bytes */${size}`, `${name}: ${got.headers['content-range']}`);
    } else {
      check(Number(got.headers['content-length']) === size, `${name}: length ${got.headers['content-length']}`);
    }
    told.push(`${name} → ${got.status}`);
  }
  const head = await request(new URL(url, stack.url), { method: 'HEAD', headers: { Range: 'bytes=0-0' } });
  check(head.status === 200 && Number(head.headers['content-length']) === size, `HEAD: ${head.status}`);
  check(head.headers['accept-ranges'] === 'bytes' && head.headers['content-type'] === 'video/webm', JSON.stringify(head.headers));
  check(head.headers['x-content-type-options'] === 'nosniff', 'nosniff');
  for (const [tag, status] of [[head.headers.etag, 206], ['"other"', 200], ['Fri, 27 Nov 2026 12:00:00 GMT', 200]]) {
    const got = await request(new URL(url, stack.url), { headers: { Range: 'bytes=0-9', 'If-Range': tag } });
    check(got.status === status, `If-Range ${tag}: ${got.status}`);
  }
  const kept = await request(new URL(`${url}&download=1`, stack.url), { method: 'HEAD' });
  check(/^attachment; filename="diemcau-[\w-]+\.webm"$/.test(kept.headers['content-disposition'] ?? ''), JSON.stringify(kept.headers));
  return told.join('\n');
}

const ESCAPES = ['../', '..%2f', '%2e%2e/', '%2e%2e%2f', '..;/', '..%00/', '..%c0%af', '..\\', '..%5c', '%252e%252e%252f', '....//', '..%u2215', './/..//', '%c0%ae%c0%ae/'];
const TARGETS = ['secret.key', 'store.db', 'run/demo.json', 'etc/passwd', 'index.jsonl'];

async function judgeTraversal(stack, id) {
  const until = Math.floor(Date.now() / 1000) + 500;
  const [stage] = id.split('.');
  let count = 0;
  for (const escape of ESCAPES) {
    for (const target of TARGETS) {
      for (const at of [escape.repeat(2), escape.repeat(6), `${stage}.${escape}`, `${id}/${escape.repeat(3)}`]) {
        const name = `${at}${target}`;
        // Even with a ticket that only we could make.
        const query = `e=${until}&s=${ticket(stack, name, until)}`;
        const { status, text } = await raw(
          stack.url,
          `GET /recordings/${name}.webm?${query} HTTP/1.1\r\nHost: ${new URL(stack.url).host}\r\nConnection: close\r\n\r\n`,
        );
        check([0, 400, 403, 404].includes(status), `${name}: ${status}`);
        check(!/SQLite format|root:x:|"token"/.test(text), `${name} gave a file away`);
        count++;
      }
    }
  }
  // A link that somebody has laid beneath the folder leads nowhere.
  const evil = path.join(stack.data, 'recordings', stage, 'evil');
  mkdirSync(evil, { recursive: true });
  symlinkSync('../../../secret.key', path.join(evil, 'recording.webm'));
  symlinkSync(path.join(stack.data, 'recordings', stage), path.join(stack.data, 'recordings', 'elsewhere'));
  for (const name of [`${stage}.evil`, id.replace(stage, 'elsewhere')]) {
    const got = await request(new URL(`/recordings/${name}.webm?e=${until}&s=${ticket(stack, name, until)}`, stack.url));
    check(got.status === 404, `${name}: ${got.status}`);
  }
  return `${count} strings and two links`;
}

async function judgeTickets(stack, id) {
  const now = Math.floor(Date.now() / 1000);
  const at = (name, until, sign) => request(new URL(`/recordings/${name}.webm?e=${until}&s=${sign}`, stack.url));
  const good = now + 300;
  const sign = ticket(stack, id, good);
  check((await request(new URL(`/recordings/${id}.webm?e=${good}&s=${sign}`, stack.url), { method: 'HEAD' })).status === 200, 'a good one');
  const turned = sign.slice(0, 5) + (sign[5] === 'A' ? 'B' : 'A') + sign.slice(6);
  const tries = {
    'no ticket': request(new URL(`/recordings/${id}.webm`, stack.url)),
    guessed: at(id, good, 'A'.repeat(22)),
    'one letter changed': at(id, good, turned),
    'a later end': at(id, good + 1, sign),
    'ended a second ago': at(id, now - 1, ticket(stack, id, now - 1)),
    'a year long': at(id, now + 31536000, ticket(stack, id, now + 31536000)),
    'of another recording': at(`${id}-2`, good, sign),
    'no number': at(id, `${good}x`, sign),
    negative: at(id, -1, sign),
    'short signature': at(id, good, sign.slice(0, 10)),
    'a link’s token': at(id, good, tokenOf(stack.demo.staff)),
  };
  for (const [name, trying] of Object.entries(tries)) check((await trying).status === 403, `${name}: ${(await trying).status}`);
  return Object.keys(tries).join(', ');
}

async function judgeRoles(stack, id) {
  const { demo } = stack;
  const told = [];
  const codes = [
    ['nobody', null, 401],
    ['a site', tokenOf(demo.sites[0]), 403],
    ['an encoder', demo.whip.token, 403],
    ['a viewer', demo.whep.token, 403],
    ['rubbish', 'x'.repeat(45), 403],
    ['staff', tokenOf(demo.staff), 200],
    ['the chair', tokenOf(demo.chair), 200],
    ['a script', demo.api.token, 200],
  ];
  for (const [who, token, status] of codes) {
    const got = await list(stack, token);
    check(got.status === status, `${who}: ${got.status}`);
    check(status === 200 || !got.body.includes('/recordings/'), `${who} got an address`);
    told.push(`${who} ${got.status}`);
  }
  const forum = await json(new URL(`/api/v1/forums/${demo.forum}/recordings`, stack.url), { token: demo.api.token });
  check(forum.status === 200 && forum.json.recordings.length > 0, `by forum: ${forum.status}`);
  const other = await json(new URL('/api/v1/forums', stack.url), { method: 'POST', token: demo.api.token, body: { title: 'Khác' } });
  const foreign = await list(stack, tokenOf(other.json.links.staff));
  check(foreign.status === 200 && foreign.json.recordings.length === 0, 'another forum’s staff sees it');
  for (const [link, ask, reason] of [
    [demo.sites[1], ['recording.list', {}], 'not-allowed'],
    [demo.sites[1], ['recording.open', { id }], 'not-allowed'],
    [other.json.links.staff, ['recording.open', { id }], 'not-found'],
    [demo.staff, ['recording.open', { id: '../../secret.key' }], 'not-found'],
  ]) {
    const seat = await Seat.open(stack.url);
    await seat.hello(tokenOf(link));
    const { error } = await seat.ask(...ask);
    check(error?.data?.reason === reason, `${ask[0]}: ${JSON.stringify(error)}`);
    await seat.close();
  }
  const staff = await Seat.open(stack.url);
  await staff.hello(tokenOf(demo.staff));
  const { recordings } = await staff.must('recording.list', {});
  const { url } = await staff.must('recording.open', { id });
  await staff.close();
  check(recordings.some((row) => row.id === id && row.state === 'ready'), JSON.stringify(recordings));
  check((await request(new URL(url, stack.url), { method: 'HEAD' })).status === 200, 'recording.open gave no good address');
  return told.join(', ');
}

export async function run(shared) {
  const { tap, cast, stack: start } = shared;
  const stack = await start();
  let length, row, file, seen;

  await tap.need('review: a stage is recorded over a kill of the recorder and one of the sfu', async () => {
    length = await perform({ ...shared, stack });
    return `${length.toFixed(2)} s`;
  });
  await tap.need('review: it becomes a file by itself', async () => {
    const began = performance.now();
    const states = new Set();
    row = await until('ready', READY_MS, async () => {
      const { json: found } = await list(stack);
      for (const one of found?.recordings ?? []) states.add(one.state);
      return found?.recordings?.find((one) => one.state === 'ready');
    });
    check(takes(stack).length === 1, `takes: ${takes(stack)}`);
    file = path.join(takes(stack)[0], 'recording.webm');
    return `${[...states].join(' → ')} after ${Math.round(performance.now() - began)} ms: ${JSON.stringify(row)}`;
  });
  await tap.show('review: its length is the stage’s, one picture, one sound, and the gap is named', async () => {
    const told = await facts(file);
    check(Math.abs(told.duration - length) < LENGTH_S, `${told.duration} s of ${length} s`);
    check(JSON.stringify([...told.streams].sort()) === '["opus","vp8"]', JSON.stringify(told));
    check(Math.abs(row.length_ms / 1000 - told.duration) < 0.05, `listed as ${row.length_ms} ms`);
    check(row.gaps >= 1, 'no gap is named');
    return JSON.stringify(told);
  });
  await tap.show('review: ffmpeg decodes all of it, and who was on main is to be seen', async () => {
    seen = await pictures(file);
    const identities = seen.map((one) => one?.identity).filter((one, i, all) => one !== undefined && one !== all[i - 1]);
    const { foreign, south } = shared.media;
    check(JSON.stringify(identities) === JSON.stringify([foreign.identity, south.identity, foreign.identity]), JSON.stringify(identities));
    check(seen.findIndex((one) => one) < FPS / 2, `first picture after ${seen.findIndex((one) => one)} frames`);
    return `${seen.length} pictures, ${seen.filter((one) => !one).length} unreadable`;
  });
  await tap.show('review: flash and beep belong together', async () => {
    const [light, sound] = [flashes(seen), await tones(file)];
    const apart = light.map((at) => Math.min(...sound.map((other) => Math.abs(other - at))));
    check(light.length >= 5, `flashes ${light}, beeps ${sound}`);
    check(sound.length >= light.length, `flashes ${light}, beeps ${sound}`);
    check(Math.max(...apart) < TOGETHER_S, `flashes ${light}, beeps ${sound}`);
    return `${light.length} flashes, at most ${Math.round(Math.max(...apart) * 1000)} ms from a beep; ${sound.length} beeps`;
  });
  await tap.show('review: Chromium plays and seeks it', async () => plays(await cast.tab('chair'), stack, seen));
  await tap.show('review: Firefox plays and seeks it', async () => plays(await cast.tab('south'), stack, seen));

  const pid = stack.pid('signaling');
  await tap.show('review: ranges are answered as RFC 9110 says, also hostile ones', () => judgeRanges(stack, row.url, row.bytes));
  await tap.show('review: expired, guessed and foreign tickets are refused', () => judgeTickets(stack, row.id));
  await tap.show('review: only staff, chair and scripts get a list or an address', () => judgeRoles(stack, row.id));
  await tap.show('review: no path leads out of the folder', () => judgeTraversal(stack, row.id));
  await tap.show('review: the daemon has lived through all of it', async () => {
    check(stack.pid('signaling') === pid && isAlive(pid), 'another process');
    check((await request(new URL(row.url, stack.url), { headers: { Range: 'bytes=0-0' } })).status === 206, 'no answer');
    check(stack.complaints().length === 0, stack.complaints().join('\n'));
  });
}
