// Voices are asked for again where they were lost: what is added to an offer, and what if the browser refuses it.

import { expect, test } from 'vitest';

import { describe as describeOffer, withVoiceNack } from '../src/nack';

const OFFER = [
  'v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111 63', 'a=mid:0', 'a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1', 'a=rtpmap:63 red/48000/2', 'a=fmtp:63 111/111',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack',
  'm=audio 9 UDP/TLS/RTP/SAVPF 109', 'a=mid:2', 'a=rtpmap:109 OPUS/48000/2', '',
].join('\r\n');

const count = (sdp: string, line: string) => sdp.split('\r\n').filter((each) => each === line).length;

test('each Opus asks for what it lost, once, and nothing else changes', () => {
  const asked = withVoiceNack(OFFER);
  expect(count(asked, 'a=rtcp-fb:111 nack')).toBe(1);
  expect(count(asked, 'a=rtcp-fb:109 nack')).toBe(1);
  expect(count(asked, 'a=rtcp-fb:96 nack')).toBe(1);
  expect(asked.split('\r\n').filter((line) => !/^a=rtcp-fb:1(11|09) nack$/.test(line)).join('\r\n')).toBe(OFFER);
  expect(withVoiceNack(asked)).toBe(asked);
});

test('a section without Opus is left as it is', () => {
  const plain = 'm=audio 9 X 0\r\na=rtpmap:0 PCMU/8000\r\n';
  expect(withVoiceNack(plain)).toBe(plain);
});

test('a browser that refuses it gets its own offer', async () => {
  const taken: string[] = [];
  const pc = {
    localDescription: null as { sdp: string } | null,
    createOffer: async () => ({ type: 'offer', sdp: OFFER }),
    setLocalDescription: async (description: { sdp: string }) => {
      taken.push(description.sdp);
      if (description.sdp !== OFFER) throw new Error('InvalidModificationError');
      pc.localDescription = description;
    },
  };
  expect(await describeOffer(pc as unknown as RTCPeerConnection)).toBe(OFFER);
  expect(taken).toEqual([withVoiceNack(OFFER), OFFER]);
});
