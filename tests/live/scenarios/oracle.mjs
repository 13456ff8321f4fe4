// oracle.mjs - the suite on trial before the product: each oracle passes what is good and refuses what is not
//
// No daemon of ours takes part: a page sends to itself, or a browser answers gst_peer.

import http from 'node:http';

import { Chromium } from '../harness/browsers.mjs';
import { Foreign } from '../harness/foreign.mjs';
import { makeDeadMedia } from '../harness/media.mjs';
import { again, judgeHeard, judgeNotHeard, hear, judgePicture, judgeSpeech, seesMoving } from '../harness/watch.mjs';
import { check } from '../harness/tap.mjs';

export const name = 'oracle';

const PAGE = `<!doctype html><html lang=vi><body data-state=ready><button data-act=join>Vào</button>
<video id=main autoplay playsinline></video><audio id=a1 autoplay></audio><audio id=a2 autoplay></audio>
<script>
const main = document.querySelector('#main');
async function toSelf() {
  const media = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }, video: true });
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  a.onicecandidate = (e) => b.addIceCandidate(e.candidate);
  b.onicecandidate = (e) => a.addIceCandidate(e.candidate);
  b.ontrack = (e) => { main.srcObject = e.streams[0]; };
  for (const track of media.getTracks()) a.addTrack(track, media);
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  window.diemcau = { receive: b, publish: a };
}
// Answers a foreign offer; give is our own camera when the other side only receives.
async function answer(sdp, give) {
  const pc = new RTCPeerConnection();
  const into = new MediaStream();
  pc.ontrack = (e) => { into.addTrack(e.track); main.srcObject = into; };
  await pc.setRemoteDescription({ type: 'offer', sdp });
  if (give) {
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    const [audio, video] = [media.getAudioTracks()[0], media.getVideoTracks()[0]];
    for (const kind of ['audio', 'video']) {
      const one = pc.getTransceivers().find((t) => t.receiver.track.kind === kind);
      one.direction = 'sendonly';
      await one.sender.replaceTrack(kind === 'audio' ? audio : video);
    }
  }
  await pc.setLocalDescription();
  await new Promise((resolve) => {
    const look = () => pc.iceGatheringState === 'complete' && resolve();
    pc.onicegatheringstatechange = look;
    look();
  });
  window.diemcau = { receive: pc };
  return pc.localDescription.sdp;
}
document.querySelector('button').onclick = () => { document.body.dataset.state = 'joining';
  toSelf().then(() => { document.body.dataset.state = 'joined'; }, (e) => { document.title = e.message; }); };
</script>`;

async function refuses(what, body) {
  try {
    await body();
  } catch (error) {
    return `${what}: ${error.message}`;
  }
  throw new Error(`${what} was accepted`);
}

export async function run({ tap, cast, media, build, dir, log }) {
  const server = http.createServer((_, res) => {
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.end(PAGE);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const open = async (tab) => {
    await tab.goto(url);
    await tab.live('watch', 'video#main');
    await tab.act('join');
    await tab.state('joined');
    await tab.live('untilPicture', 'video#main', null, 0, 10000);
  };
  const { chair, north, south, foreign } = media;

  const tab = await cast.tab('chair');
  let heard;
  await tap.need('oracle: Chromium shows a numbered moving picture to itself', async () => {
    await open(tab);
    return seesMoving(tab, 'video#main', chair.identity, 4);
  });
  await tap.show('oracle: speech through Opus is known by its envelope, and by no other', async () => {
    heard = await hear(tab, 6);
    const told = judgeHeard(heard, 'chair', media);
    judgeNotHeard(heard, 'north', media);
    judgeNotHeard(heard, 'south', media);
    judgeNotHeard(heard, 'foreign', media);
    return told;
  });
  await tap.show('oracle: another source, another voice, silence and half a speech are refused', async () => {
    const frames = await tab.live('frames', 'video#main', (await tab.live('now')) - 3000);
    const levels = heard['video#main'];
    const half = levels.map((db, i) => (i % 40 < 28 ? -80 : db));
    return [
      await refuses('identity', () => judgePicture(frames, 2.5, north.identity)),
      await refuses('few frames', () => judgePicture(frames.filter((_, i) => i % 3 === 0), 2.5, chair.identity)),
      await refuses('backwards', () => judgePicture(frames.toReversed(), 2.5, chair.identity)),
      await refuses('voice', () => judgeSpeech(levels, 'north', media)),
      await refuses('silence', () => judgeSpeech(levels.map(() => -70), 'chair', media)),
      await refuses('tone', () => judgeSpeech(levels.map(() => -20), 'chair', media)),
      await refuses('half', () => judgeSpeech(half, 'chair', media)),
      await refuses('own voice', () => judgeNotHeard(heard, 'chair', media)),
    ].join('\n');
  });
  await tap.show('oracle: a picture that stands still and a silent microphone are refused', async () => {
    const browser = await Chromium.launch(await makeDeadMedia(dir));
    try {
      const dead = await browser.tab();
      await open(dead);
      return [
        await refuses('frozen', () => seesMoving(dead, 'video#main', 9, 3)),
        await refuses('silent', async () => judgeHeard(await hear(dead, 4), 'chair', media)),
      ].join('\n');
    } finally {
      await browser.close();
    }
  });

  await tap.show('oracle: gst_peer publishes to Chromium, picture and speech whole', async () => {
    const peer = Foreign.publish(build, log, foreign);
    try {
      const fresh = await cast.tab('chair');
      await fresh.goto(url);
      await fresh.live('watch', 'video#main');
      peer.answer(await fresh.evaluate((sdp) => answer(sdp, false), await peer.offer()));
      await peer.connected();
      await fresh.live('untilPicture', 'video#main', foreign.identity, 0, 10000);
      const told = await seesMoving(fresh, 'video#main', foreign.identity, 3);
      const spoken = await again(async () => judgeHeard(await hear(fresh, 6), 'foreign', media));
      await cast.close(fresh);
      return `${told}\n${spoken}`;
    } finally {
      await peer.end();
    }
  });
  await tap.show('oracle: gst_peer watches Chromium, picture and speech whole', async () => {
    const peer = Foreign.watch(build, log);
    try {
      const fresh = await cast.tab('chair');
      await fresh.goto(url);
      peer.answer(await fresh.evaluate((sdp) => answer(sdp, true), await peer.offer()));
      await peer.connected();
      await peer.until('picture', (m) => m.slots?.[3]?.identity === chair.identity);
      const seen = await peer.observe(6);
      check(seen[3].frames >= 60 && seen[3].falls <= 1 && seen[3].unread === 0, JSON.stringify(seen[3]));
      check(seen[3].identities.every((id) => id === chair.identity), JSON.stringify(seen[3]));
      const told = judgeSpeech(seen[0].levels, 'chair', media);
      await cast.close(fresh);
      return `${seen[3].frames} frames in 6 s, ${told}`;
    } finally {
      await peer.end();
    }
  });

  await tap.show('oracle: Firefox shows and speaks what was put into it', async () => {
    const fox = await cast.tab('south');
    await open(fox);
    const told = await seesMoving(fox, 'video#main', south.identity, 4);
    const spoken = await again(async () => judgeHeard(await hear(fox, 6), 'south', media));
    await cast.close(fox);
    return `${told}\n${spoken}`;
  });
  await cast.close(tab);
  server.close();
}
