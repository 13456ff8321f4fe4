// restart.mjs - ICE restarts by PATCH (RFC 9725), and nobody notices but who asked
import { randomBytes } from 'node:crypto';

import { unstalled } from '../harness/deadline.mjs';
import { Foreign } from '../harness/foreign.mjs';
import { check } from '../harness/tap.mjs';
import { bearer, readyAgain, request } from '../harness/web.mjs';

const MAIN_SECTION = 3; // of gst_peer's offer: a0 a1 a2 main slides
const TYPE = 'application/trickle-ice-sdpfrag';
const ANY = randomBytes(16).toString('base64url');

const word = (bytes) => randomBytes(bytes).toString('hex');

function fragment(ufrag = word(4), pwd = word(12)) {
  return (
    'a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n' +
    `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${pwd}\r\n` +
    'a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host\r\na=end-of-candidates\r\n'
  );
}

function patch(peer, body, { match = '*', type = TYPE, token = peer.token, url = peer.resource } = {}) {
  const headers = { ...bearer(token), 'Content-Type': type };
  if (match !== null) headers['If-Match'] = match;
  return request(url, { method: 'PATCH', headers, body });
}

// What the answer to a restart must be; its ETag.
function judge(answer, before) {
  check(answer.status === 200, `${answer.status}: ${answer.body}`);
  check(answer.headers['content-type'] === TYPE, `it is ${answer.headers['content-type']}`);
  const { etag } = answer.headers;
  check(/^"[^"]+"$/.test(etag ?? '') && etag !== before, `ETag was ${before}, is ${etag}`);
  for (const line of [/^a=ice-lite\r$/m, /^a=mid:\S+\r$/m, /^a=ice-ufrag:\S{4,}\r$/m, /^a=ice-pwd:\S{22,}\r$/m, /^a=candidate:/m])
    check(line.test(answer.body), `no ${line} in ${answer.body}`);
  return etag;
}

async function goesOn(viewer, person) {
  const { [MAIN_SECTION]: picture } = await viewer.observe(4);
  check(picture?.frames >= 40, `${picture?.frames} frames in 4 s`);
  check(picture.identities.every((id) => id === person.identity), `identities ${picture.identities}`);
  return `${picture.frames} frames in 4 s`;
}

async function refusals(tap, stack, viewer, publisher, etag) {
  await tap.show('restart: PATCH is refused with the right status, and 204 where nothing is new', async () => {
    const offer = await viewer.offer();
    const [, ufrag] = /^a=ice-ufrag:(\S+)/m.exec(offer);
    const [, pwd] = /^a=ice-pwd:(\S+)/m.exec(offer);
    const other = viewer.resource.replace(/[^/]+$/, ANY);
    const cases = [
      ['no If-Match', 428, () => patch(viewer, fragment(), { match: null })],
      ['another ETag', 412, () => patch(viewer, fragment(), { match: '"other-1", W/"other-2"' })],
      ['a weak ETag', 412, () => patch(viewer, fragment(), { match: `W/${etag}` })],
      ['another type', 415, () => patch(viewer, fragment(), { type: 'application/sdp' })],
      ['nothing', 400, () => patch(viewer, '')],
      ['noise', 400, () => patch(viewer, randomBytes(400))],
      ['half of the credentials', 400, () => patch(viewer, fragment().replace(/a=ice-pwd.*\r\n/, ''))],
      ['a body over 64 KiB', 413, () => patch(viewer, fragment() + 'a=x\r\n'.repeat(20000))],
      ['a peer that is not there', 404, () => patch(viewer, fragment(), { url: other })],
      ['the endpoint itself', 405, () => patch(viewer, fragment(), { url: stack.demo.whep.url })],
      ['the token of another kind', 403, () => patch(viewer, fragment(), { token: stack.demo.whip.token })],
      ['a publisher by the viewers’ way', 404, () =>
        patch(viewer, fragment(), { url: other.replace(ANY, publisher.resource.split('/').pop()) })],
      ['candidates of what it has', 204, () => patch(viewer, fragment(ufrag, pwd), { match: etag })],
    ];
    const wrong = [];
    for (const [name, status, ask] of cases) {
      const answer = await ask();
      if (answer.status !== status) wrong.push(`${name}: ${answer.status}, not ${status}`);
    }
    check(wrong.length === 0, wrong.join('\n'));
    const options = await request(viewer.resource, { method: 'OPTIONS' });
    check(options.headers['accept-patch'] === TYPE, `Accept-Patch: ${options.headers['accept-patch']}`);
    check(/\bPATCH\b/.test(options.headers['access-control-allow-methods']), 'OPTIONS names no PATCH');
  });
}

export async function run({ tap, media, build, log, stack: start }) {
  const stack = await start();
  const { whip, whep } = stack.demo;
  const publisher = Foreign.publish(build, log, media.foreign);
  const viewer = Foreign.watch(build, log);
  try {
    let etag;
    await tap.need('restart: webrtcbin publishes through WHIP and watches through WHEP', async () => {
      await publisher.open(whip);
      etag = (await viewer.open(whep)).headers.etag;
      await viewer.until('picture', (m) => m.slots?.[MAIN_SECTION]?.identity === media.foreign.identity);
    });
    await refusals(tap, stack, viewer, publisher, etag);
    await tap.show('restart: both restart; until the first check the old credentials hold', () =>
      unstalled(async () => {
        const before = etag;
        etag = judge(await patch(viewer, fragment(), { match: before }), before);
        judge(await patch(publisher, fragment()), before);
        const late = await patch(viewer, fragment(), { match: before });
        check(late.status === 412, `the old ETag gives ${late.status}`);
        return goesOn(viewer, media.foreign);
      }),
    );
    await tap.show('restart: a new signaling server restarts what the old one made', async () => {
      stack.kill('signaling');
      await readyAgain(stack.url, 15000);
      const late = await patch(viewer, fragment(), { match: '"of-another-1"' });
      check(late.status === 412, `another ETag gives ${late.status}`);
      etag = judge(await patch(viewer, fragment(), { match: etag }), etag);
      return goesOn(viewer, media.foreign);
    });
    await tap.show('restart: away with the sfu it is 503 or 404, and never a hang', async () => {
      stack.kill('sfu');
      const answer = await patch(viewer, fragment());
      check([404, 503].includes(answer.status), `${answer.status}: ${answer.body}`);
    });
  } finally {
    await viewer.end();
    await publisher.end();
  }
}
