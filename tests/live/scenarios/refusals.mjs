// refusals.mjs - what is malformed, forged or not allowed gets a clear answer and leaves no trace

import { randomBytes } from 'node:crypto';
import path from 'node:path';

import { within } from '../harness/deadline.mjs';
import { Foreign } from '../harness/foreign.mjs';
import { MAIN, goLive, join, seatOf } from '../harness/forum.mjs';
import { command } from '../harness/process.mjs';
import { check } from '../harness/tap.mjs';
import { Seat, bearer, json, raw, request, tokenOf } from '../harness/web.mjs';

const REVOKED_MS = 1000;
const TRILLION = 10 ** 12;

// Rows of every table: {table: count}.
async function rows(stack) {
  const file = `file:${path.join(stack.data, 'store.db')}?mode=ro`;
  const tables = (await command('sqlite3', file, "SELECT name FROM sqlite_master WHERE type='table'"))
    .split('\n')
    .filter(Boolean);
  check(tables.length > 0, 'the store has no tables');
  const counts = {};
  for (const table of tables) {
    counts[table] = Number(await command('sqlite3', file, `SELECT count(*) FROM "${table}"`));
  }
  return counts;
}

const SECRETS = /root:.*:0:0:|SQLite format|BEGIN (EC )?PRIVATE KEY/;

const TRAVERSALS = [
  '/../../../../etc/passwd',
  '/..%2f..%2f..%2f..%2fetc/passwd',
  '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
  '/%252e%252e/%252e%252e/etc/passwd',
  '/assets/../../../../etc/passwd',
  '/assets/..;/..;/etc/passwd',
  '/....//....//etc/passwd',
  '/..\\..\\..\\etc\\passwd',
  '/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd',
  '/%00/etc/passwd',
  '/index.html%00.js',
  '//etc/passwd',
  '/../store.db',
  '/../secret.key',
  '/../tls/key.pem',
  '/proc/self/environ',
  `/${'a/'.repeat(3000)}`,
];

const get = (target, host) => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

// An offer that reads well and can be served, for requests that must fail for another reason.
async function someOffer(build, log) {
  const peer = Foreign.watch(build, log);
  try {
    return await peer.offer();
  } finally {
    await peer.end();
  }
}

async function badHttp({ tap, stack, build, log }) {
  const { whip, whep, api } = stack.demo;
  const { host } = new URL(stack.url);
  const offer = await someOffer(build, log);
  const post = (url, token, body, type = 'application/sdp') =>
    request(url, { method: 'POST', headers: { ...(token && bearer(token)), 'Content-Type': type }, body });
  const flip = (token) => token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');

  for (const [what, { url, token }, foreignToken] of [
    ['WHIP', whip, whep.token],
    ['WHEP', whep, whip.token],
  ]) {
    const forum = new URL(url).pathname.split('/').pop();
    const elsewhere = url.replace(forum, randomBytes(16).toString('base64url'));
    const cases = [
      ['no token', 401, () => post(url, null, offer)],
      ['a token with one letter changed', 403, () => post(url, flip(token), offer)],
      ['a token of another kind', 403, () => post(url, foreignToken, offer)],
      ['a token that is 4,000 letters', 403, () => post(url, token.repeat(90).slice(0, 4000), offer)],
      ['a forum that is none', 404, () => post(elsewhere, token, offer)],
      ['another content type', 415, () => post(url, token, offer, 'text/plain')],
      ['GET', 405, () => request(url, { headers: bearer(token) })],
      ['DELETE of what is not there', 404, () =>
        request(`${url}/${randomBytes(16).toString('base64url')}`, { method: 'DELETE', headers: bearer(token) })],
      ['an empty offer', 400, () => post(url, token, '')],
      ['noise for an offer', 400, () => post(url, token, randomBytes(900))],
      ['JSON for an offer', 400, () => post(url, token, '{"sdp":1}')],
      ['an offer cut in the middle of its first section', [400, 422], () => post(url, token, offer.slice(0, 300))],
      ['an offer without fingerprint', [400, 422], () => post(url, token, offer.replaceAll(/a=fingerprint:.*\r\n/g, ''))],
      ['an offer without ICE', [400, 422], () => post(url, token, offer.replaceAll(/a=ice-(ufrag|pwd):.*\r\n/g, ''))],
      ['an offer of 5,000 sections', [400, 413, 422], () =>
        post(url, token, offer + 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\n'.repeat(1500))],
      ['a body over 64 KiB', 413, () => post(url, token, offer + 'a=x\r\n'.repeat(20000))],
    ];
    await tap.show(`refusals: ${what} answers ${cases.length} kinds of bad request with the right status`, async () => {
      const wrong = [];
      for (const [name, status, ask] of cases) {
        const answer = await ask().catch((error) => ({ status: error.message, body: '' }));
        if (![status].flat().includes(answer.status)) wrong.push(`${name}: ${answer.status}, not ${status}`);
        else if (!answer.body.trim() && answer.status !== 405) wrong.push(`${name}: ${status} without a word`);
      }
      check(wrong.length === 0, wrong.join('\n'));
    });
    await tap.show(`refusals: ${what} answers a Content-Length of 10^12 with 413 from its header`, async () => {
      const head =
        `POST ${new URL(url).pathname} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/sdp\r\nContent-Length: ${TRILLION}\r\n\r\nv=0\r\n`;
      return within(1000, async () => {
        const answer = await raw(url, head);
        check(answer.status === 413, `${answer.status} ${answer.text.slice(0, 200)}`);
        return answer.ms;
      });
    });
  }

  await tap.show('refusals: the API wants its own token, known methods and readable JSON', async () => {
    const wrong = [];
    const base = new URL('/api/v1/forums', stack.url).href;
    const cases = [
      ['no token', [401], () => json(base)],
      ['a WHIP token', [401, 403], () => json(base, { token: whip.token })],
      ['malformed JSON', [400, 403], () =>
        request(base, { method: 'POST', headers: { ...bearer(api.token), 'Content-Type': 'application/json' }, body: '{"title":' })],
      ['JSON of depth 1,000', [400, 403], () =>
        request(base, { method: 'POST', headers: { ...bearer(api.token), 'Content-Type': 'application/json' }, body: '['.repeat(1000) })],
      ['a site that is none', [403, 404], () =>
        json(new URL(`/api/v1/sites/${randomBytes(16).toString('base64url')}/revoke`, stack.url), { method: 'POST', token: api.token })],
    ];
    for (const [name, status, ask] of cases) {
      const answer = await ask().catch((error) => ({ status: error.message }));
      if (!status.includes(answer.status)) wrong.push(`${name}: ${answer.status}, not ${status}`);
    }
    check(wrong.length === 0, wrong.join('\n'));
  });

  await tap.show(`refusals: ${TRAVERSALS.length} ways up and out of the web folder lead nowhere`, async () => {
    const wrong = [];
    const page = (await raw(stack.url, get('/', host))).text.split('\r\n\r\n')[1];
    for (const target of TRAVERSALS) {
      const answer = await raw(stack.url, get(target, host)).catch((error) => ({ status: error.message, text: '' }));
      if (SECRETS.test(answer.text)) wrong.push(`${target}: gave a secret`);
      // 0: the connection was closed on it. libwebsockets ends a path at %00: that is the page at /.
      if (target.includes('%00') && answer.text.endsWith(page)) continue;
      if (!(answer.status === 0 || (answer.status >= 400 && answer.status < 500))) {
        wrong.push(`${target.slice(0, 60)}: ${answer.status}`);
      }
    }
    check(wrong.length === 0, wrong.join('\n'));
  });

  await tap.show('refusals: requests that are no HTTP are ended, the next one is served', async () => {
    for (const bytes of [
      randomBytes(500),
      'GET / HTTP/9.9\r\n\r\n',
      'GET\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${'y'.repeat(20000)}\r\n\r\n`,
      `POST ${new URL(whip.url).pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: -5\r\n\r\n`,
    ]) {
      await raw(stack.url, bytes, { timeoutMs: 1500 }).catch(() => {});
    }
    const health = await request(new URL('/healthz', stack.url));
    check(health.status === 200, `healthz ${health.status}`);
  });
}

async function badMessages({ tap, stack }) {
  const { sites, chair } = stack.demo;
  const token = tokenOf(sites[4]);

  const reasonOf = ({ error }) => error?.data?.reason ?? `none: ${JSON.stringify(error)}`;
  const flip = (text) => text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A');

  await tap.show('refusals: a WebSocket from another origin is not opened', async () => {
    const { host } = new URL(stack.url);
    const head =
      `GET /ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: diemcau.v1\r\n`;
    const bad = await raw(stack.url, `${head}Origin: https://evil.example\r\n\r\n`, { timeoutMs: 2000 });
    const good = await raw(stack.url, `${head}Origin: https://${host}\r\n\r\n`, { timeoutMs: 2000 });
    check(good.status === 101, `its own origin gets ${good.status}`);
    check(bad.status !== 101, 'a foreign origin gets 101');
    return `foreign origin: ${bad.status}`;
  });

  await tap.show('refusals: a link with one letter changed, of the wrong kind or of nobody is told so', async () => {
    const told = [];
    for (const bad of [flip(token), `c${token.slice(1)}`, '', 'j', `j${'A'.repeat(44)}`, 'x'.repeat(5000), ' ', `${token} `]) {
      const seat = await Seat.open(stack.url);
      const answer = await seat.hello(bad);
      told.push(reasonOf(answer));
      check(answer.error && /^(bad-token|revoked|bad-params)$/.test(reasonOf(answer)), `${bad.slice(0, 30)}: ${JSON.stringify(answer)}`);
      check(/[^\x00-\x7f]/.test(answer.error.message), `no Vietnamese sentence: ${answer.error.message}`);
      await seat.close();
    }
    return told.join(', ');
  });

  await tap.show('refusals: malformed messages are answered, the connection and its seat stay', async () => {
    const seat = await Seat.open(stack.url);
    check(reasonOf(await seat.ask('hand.raise')) === 'not-seated', 'hand.raise before hello');
    check((await seat.hello(token)).result, 'hello failed');
    const told = [];
    for (const text of [
      '{"jsonrpc":"2.0","id":1,',
      'null',
      '[]',
      '{"jsonrpc":"1.0","id":9,"method":"hand.raise"}',
      `{"jsonrpc":"2.0","id":9,"method":"hand.raise","params":${'['.repeat(500)}${']'.repeat(500)}}`,
      '{"jsonrpc":"2.0","id":9,"method":"\\ud800","params":{}}',
      '{"jsonrpc":"2.0","id":9,"method":"hello","params":{"token":"j\\u0000"}}',
    ]) {
      const { error } = await seat.say(text);
      check(error, `no error for ${text.slice(0, 40)}`);
      told.push(error.code);
    }
    for (const [method, params, reason] of [
      ['no.such', {}, 'unknown-method'],
      ['receive.offer', { sdp: 'v=0\r\nnonsense' }, 'bad-offer'],
      ['receive.offer', { sdp: 5 }, 'bad-params'],
      ['receive.offer', {}, 'bad-params'],
      ['publish.offer', { sdp: 'v=0\r\n', sources: [] }, /not-on-stage|bad-params|bad-offer/],
      ['stage.call', { seat: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'not-allowed'],
      ['stage.main', { seat: null }, 'not-allowed'],
      ['seat.admit', { seat: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'not-allowed'],
    ]) {
      const answer = await seat.ask(method, params);
      const ok = reason instanceof RegExp ? reason.test(reasonOf(answer)) : reasonOf(answer) === reason;
      check(ok, `${method} ${JSON.stringify(params)}: ${JSON.stringify(answer)}, not ${reason}`);
    }
    await seat.close();
    return told.join(', ');
  });

  await tap.show('refusals: 20 faulty messages, or one over 64 KiB, end the connection', async () => {
    const many = await Seat.open(stack.url);
    many.socket.on('error', () => {});
    for (let i = 0; i < 25; i++) many.socket.send('{');
    const large = await Seat.open(stack.url);
    large.socket.on('error', () => {});
    large.socket.send(`{"jsonrpc":"2.0","id":1,"method":"hello","params":{"token":"${'x'.repeat(70000)}"}}`);
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('still open after 8 s')), 8000));
    const ends = await Promise.race([Promise.all([many.closed, large.closed]), late]);
    return JSON.stringify(ends);
  });

  await tap.show('refusals: a connection that says no hello is ended after 5 s', async () => {
    const mute = await Seat.open(stack.url);
    const began = performance.now();
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('still open after 9 s')), 9000));
    await Promise.race([mute.closed, late]);
    const took = performance.now() - began;
    check(took > 3500, `already after ${took} ms`);
    return `${Math.round(took)} ms`;
  });
  return chair;
}

async function quietLine({ tap, stack }) {
  await tap.show('refusals: a seat that has nothing to say keeps its line; one that answers no ping loses it after 15 s', async () => {
    const [quiet, dead] = [await Seat.open(stack.url), await Seat.open(stack.url, { autoPong: false })];
    const began = performance.now();
    const pings = [];
    quiet.socket.on('ping', () => pings.push(Math.round((performance.now() - began) / 1000)));
    await quiet.must('hello', { token: tokenOf(stack.demo.sites[1]), device: 'quiet-device' });
    await dead.must('hello', { token: tokenOf(stack.demo.sites[2]), device: 'dead-device' });
    const gone = await Promise.race([
      dead.closed.then(() => performance.now() - began),
      new Promise((resolve) => setTimeout(resolve, 22000, 0)),
    ]);
    check(gone > 14000 && gone < 20000, `the dead one was there for ${Math.round(gone)} ms`);
    const cut = await Promise.race([quiet.closed, new Promise((resolve) => setTimeout(resolve, 34000 - gone, null))]);
    check(!cut, `the quiet one was cut: ${JSON.stringify(cut)} after pings at ${pings} s`);
    check(pings.length === 3, `pings at ${pings} s`);
    await quiet.must('question.mine');
    quiet.socket.terminate();
    return `the dead one after ${Math.round(gone)} ms; pings at ${pings} s`;
  });
}

async function secondDevice({ tap, stack }) {
  const token = tokenOf(stack.demo.sites[3]);
  const chair = await Seat.open(stack.url);
  const [first, second, third] = [await Seat.open(stack.url), await Seat.open(stack.url), await Seat.open(stack.url)];
  const seen = (seat, test) =>
    chair.until(() =>
      chair.heard.findLast((m) => m.method === 'sites.state' && m.params.sites.some((s) => s.seat === seat && test(s))),
    );
  let seat;
  await tap.show('refusals: a second device on a join link waits, and the hub sees it', async () => {
    check((await chair.hello(tokenOf(stack.demo.chair))).result, 'the chair cannot enter');
    const took = (await first.hello(token)).result;
    check(took && took.waiting === false, `the first device: ${JSON.stringify(took)}`);
    seat = took.seat;
    const waits = (await second.hello(token)).result;
    check(waits?.waiting === true, `the second device: ${JSON.stringify(waits)}`);
    const answer = await second.ask('hand.raise');
    check(answer.error?.data?.reason === 'waiting', JSON.stringify(answer));
    await seen(seat, (s) => s.waiting);
  });
  await tap.show('refusals: admitted, it takes the seat and the first one is told why', async () => {
    await chair.must('seat.admit', { seat });
    const admitted = await second.notified('seat.admitted');
    check(admitted.params.seat === seat && admitted.params.waiting === false, JSON.stringify(admitted));
    check((await first.notified('bye')).params.reason === 'replaced', 'no bye');
    await first.closed;
    await second.must('hand.raise');
    await second.must('hand.lower');
  });
  await tap.show('refusals: refused, the third one goes and the seat stays where it is', async () => {
    check((await third.hello(token)).result?.waiting === true, 'it does not wait');
    await chair.must('seat.refuse', { seat });
    check((await third.notified('bye')).params.reason === 'refused', 'no bye');
    await third.closed;
    await second.must('hand.raise');
    await second.must('hand.lower');
  });
  await Promise.all([chair, first, second, third].map((s) => s.close()));
}

async function revoked({ tap, cast, media, stack }) {
  const { chair, sites, api } = stack.demo;
  const [hall, north] = [await cast.tab('chair'), await cast.tab('north')];
  const link = sites[2];
  let fresh;

  await tap.need('refusals: a site watches the chair', async () => {
    await goLive(hall, chair);
    await join(north, link);
    await north.live('untilPicture', MAIN, media.chair.identity, 0, 10000);
  });
  await tap.show('refusals: its link is revoked, its picture is dead within 1 s', async () => {
    const forum = new URL(stack.demo.whip.url).pathname.split('/').pop();
    const list = await json(new URL(`/api/v1/forums/${forum}/sites`, stack.url), { token: api.token });
    check(list.status === 200, `sites: ${list.status} ${list.body}`);
    const site = (list.json.sites ?? list.json).find((s) => JSON.stringify(s).includes(tokenOf(link)));
    check(site, `no site has the link: ${list.body.slice(0, 300)}`);
    const at = await north.live('now');
    const answer = await json(new URL(`/api/v1/sites/${site.site ?? site.id}/revoke`, stack.url), {
      method: 'POST',
      token: api.token,
    });
    check(answer.status === 200 && answer.json.join, `${answer.status} ${answer.body}`);
    fresh = answer.json.join;
    await north.live('untilData', 'state', ['ended', 'refused'], 5000);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const frames = await north.live('frames', MAIN, at);
    const last = frames.length ? frames.at(-1).at - at : 0;
    check(last <= REVOKED_MS, `pictures came for ${Math.round(last)} ms`);
    return `last picture after ${Math.round(last)} ms`;
  });
  await tap.show('refusals: the old link is refused, the new one joins', async () => {
    const old = await Seat.open(stack.url);
    const { error } = await old.hello(tokenOf(link));
    check(error?.data?.reason === 'revoked', JSON.stringify(error));
    await old.close();
    await join(north, fresh);
    await north.live('untilPicture', MAIN, media.chair.identity, 0, 10000);
    await seatOf(north);
  });
  await cast.close(hall, north);
}

export async function run(shared) {
  const stack = await shared.stack();
  const { tap } = shared;
  const all = { ...shared, stack };
  const pids = [stack.pid('sfu'), stack.pid('signaling')];

  // A seat has its row from the first time it is taken.
  const seat = await Seat.open(stack.url);
  await seat.hello(tokenOf(stack.demo.sites[4]));
  await seat.close();
  const before = await rows(stack);

  await badHttp(all);
  await badMessages(all);
  await tap.show('refusals: after all of it nothing is stored and the same daemons live', async () => {
    const after = await rows(stack);
    check(JSON.stringify(before) === JSON.stringify(after), `${JSON.stringify(before)} became ${JSON.stringify(after)}`);
    const now = [stack.pid('sfu'), stack.pid('signaling')];
    check(now[0] === pids[0] && now[1] === pids[1], `sfu, signaling were ${pids}, are ${now}`);
    return JSON.stringify(after);
  });
  await quietLine(all);
  await secondDevice(all);
  await revoked(all);
}
