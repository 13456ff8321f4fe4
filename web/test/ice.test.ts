// What an ICE restart takes of an offer and puts into the answer that stands.

import { expect, test } from 'vitest';

import { answerWith, fragmentOf } from '../src/ice';

const OFFER = [
  'v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=ice-ufrag:EsAw', 'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1',
  'a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=ice-ufrag:EsAw', 'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1', '',
].join('\r\n');

const ANSWER = [
  'v=0', 'a=ice-lite', 'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', 'a=ice-ufrag:aold', 'a=ice-pwd:oldoldoldoldoldoldoldold',
  'a=fingerprint:sha-256 AB', 'a=candidate:1 1 udp 2130706431 10.99.0.1 8444 typ host', 'a=end-of-candidates',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:1', 'a=ice-ufrag:aold', 'a=ice-pwd:oldoldoldoldoldoldoldold', '',
].join('\r\n');

const FRAGMENT = [
  'a=ice-lite', 'a=group:BUNDLE 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0', 'a=ice-ufrag:anew',
  'a=ice-pwd:newnewnewnewnewnewnewnew', 'a=candidate:1 1 udp 2130706431 10.99.0.2 8445 typ host',
  'a=candidate:2 1 tcp 1520434943 10.99.0.2 8445 typ host tcptype passive', 'a=end-of-candidates', '',
].join('\r\n');

test('a fragment holds the first section’s credentials and no candidate', () => {
  expect(fragmentOf(OFFER)).toBe(
    'm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n',
  );
  expect(() => fragmentOf('v=0\r\n')).toThrow();
});

test('the answer that stands gets the new credentials everywhere and the new candidates once', () => {
  const lines = answerWith(ANSWER, FRAGMENT).split('\r\n');
  expect(lines.filter((l) => l === 'a=ice-ufrag:anew')).toHaveLength(2);
  expect(lines.filter((l) => l === 'a=ice-pwd:newnewnewnewnewnewnewnew')).toHaveLength(2);
  expect(lines.filter((l) => l.startsWith('a=candidate:')).map((l) => l.split(' ')[4])).toEqual(['10.99.0.2', '10.99.0.2']);
  expect(lines.filter((l) => l === 'a=end-of-candidates')).toHaveLength(1);
  expect(lines.some((l) => l.includes('old') || l.includes('10.99.0.1'))).toBe(false);
  expect(lines).toContain('a=fingerprint:sha-256 AB');
  expect(() => answerWith(ANSWER, 'a=mid:0\r\n')).toThrow();
});
