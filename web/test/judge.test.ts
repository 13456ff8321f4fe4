// From what is found to what is said: each fault has its own advice, and what matters most comes first.

import { expect, test } from 'vitest';

import type { FaultReason } from '../src/devices';
import { t } from '../src/i18n';
import {
  type Figures,
  LIMITS,
  checkOf,
  faultsOfCamera,
  faultsOfLine,
  faultsOfMic,
  faultsOfSpeaker,
  inOrderOfAdvice,
} from '../src/preflight/judge';
import { type Stat, readStats } from '../src/preflight/path';
import { type CheckFault, FAULTS } from '../src/protocol';

const GOOD: Figures = { down_bps: 4e6, up_bps: 1e6, rtt_ms: 40, loss_permille: 0, path: 'udp' };

// The twelve faults of the setting, and what is found where each of them is.
const INJECTED: [name: string, found: CheckFault[], fault: CheckFault][] = [
  ['no microphone', faultsOfMic('missing'), 'mic-missing'],
  ['permission refused', faultsOfMic('denied'), 'mic-denied'],
  ['a silent microphone', faultsOfMic('silent'), 'mic-silent'],
  ['a busy microphone', faultsOfMic('busy'), 'mic-busy'],
  ['no camera', faultsOfCamera('missing'), 'camera-missing'],
  ['a refused camera', faultsOfCamera('denied'), 'camera-denied'],
  ['a busy camera', faultsOfCamera('busy'), 'camera-busy'],
  ['a loudspeaker nobody hears', faultsOfSpeaker(false), 'speaker-unheard'],
  ['a slow way down', faultsOfLine({ ...GOOD, down_bps: 256_000 }), 'line-down'],
  ['a slow way up', faultsOfLine({ ...GOOD, up_bps: 128_000 }), 'line-up'],
  ['loss', faultsOfLine({ ...GOOD, loss_permille: 100 }), 'line-loss'],
  ['delay', faultsOfLine({ ...GOOD, rtt_ms: 700 }), 'line-delay'],
  ['blocked UDP', faultsOfLine({ ...GOOD, path: 'tcp' }), 'line-tcp'],
  ['a page without devices', faultsOfMic('insecure'), 'insecure'],
  ['no way for media at all', faultsOfLine({ ...GOOD, path: 'none' }), 'line-none'],
  ['a line that could not be measured', faultsOfLine({ ...GOOD, down_bps: null }), 'line-unknown'],
];

for (const [name, found, fault] of INJECTED) {
  test(`${name} is ${fault} and nothing else`, () => expect(found).toEqual([fault]));
}

test('every fault is injected, and each has a sentence and a piece of advice of its own', () => {
  expect(INJECTED.map(([, , fault]) => fault).sort()).toEqual([...FAULTS].sort());
  const sentences = FAULTS.flatMap((fault) => [t(`check.fault.${fault}`), t(`check.advice.${fault}`)]);
  expect(new Set(sentences).size).toBe(2 * FAULTS.length);
  // Plain words: nothing that only a technician reads.
  for (const text of sentences) expect(text).not.toMatch(/UDP|TCP|STUN|ICE|WebRTC|RTT|bit\/|NAT|firewall|driver/i);
});

test('what is well is no fault, up to the limits themselves', () => {
  expect(faultsOfMic('heard')).toEqual([]);
  expect(faultsOfSpeaker(true)).toEqual([]);
  expect(faultsOfCamera('seen')).toEqual([]);
  expect(faultsOfLine(GOOD)).toEqual([]);
  expect(faultsOfLine({ ...LIMITS, path: 'udp' })).toEqual([]);
  expect(faultsOfLine({ ...GOOD, loss_permille: null })).toEqual([]); // nobody spoke: not known, not bad
});

test('a device that is unplugged meanwhile is missing; a page without devices says so once', () => {
  const lost: FaultReason = 'lost';
  expect([...faultsOfMic(lost), ...faultsOfCamera(lost)]).toEqual(['mic-missing', 'camera-missing']);
  expect([...faultsOfMic('insecure'), ...faultsOfCamera('insecure')]).toEqual(['insecure']);
});

test('advice begins with being heard, and a camera comes last', () => {
  expect(inOrderOfAdvice(['camera-missing', 'line-tcp', 'line-up', 'mic-silent'])).toEqual([
    'mic-silent',
    'line-up',
    'line-tcp',
    'camera-missing',
  ]);
  expect(FAULTS.map(checkOf)).toEqual(FAULTS.map((f) => (f === 'insecure' ? 'mic' : f.split('-')[0])));
});

const pair = (more: object = {}): Stat => ({
  type: 'candidate-pair',
  id: 'P',
  nominated: true,
  state: 'succeeded',
  localCandidateId: 'L',
  ...more,
});
const local = (protocol: string): Stat => ({ type: 'local-candidate', id: 'L', protocol });
const voice = (packetsReceived: number, packetsLost: number): Stat => ({
  type: 'inbound-rtp',
  id: 'V',
  packetsReceived,
  packetsLost,
});

test('loss is that of the voice; where nobody speaks, that of the checks; where there are few, unknown', () => {
  expect(readStats([pair(), local('udp'), voice(450, 50)])).toEqual({ path: 'udp', loss_permille: 100 });
  expect(readStats([pair(), local('tcp'), voice(500, -2)])).toEqual({ path: 'tcp', loss_permille: 0 });
  const checks = pair({ requestsSent: 21, responsesReceived: 17 });
  expect(readStats([checks, local('udp'), voice(10, 5)])).toEqual({ path: 'udp', loss_permille: 150 });
  expect(readStats([pair({ requestsSent: 5, responsesReceived: 1 }), local('udp')]).loss_permille).toBeNull();
  expect(readStats([])).toEqual({ path: null, loss_permille: null });
});

test('of several pairs the one that is in use counts', () => {
  const transport = { type: 'transport', id: 'T', selectedCandidatePairId: 'Q' };
  const other = pair({ id: 'Q', localCandidateId: 'M' });
  const stats = [pair(), local('udp'), transport, other, { ...local('tcp'), id: 'M' }];
  expect(readStats(stats).path).toBe('tcp');
});
