// judge.ts - from what was found to what is wrong, and what to say first: pure, no clock, no browser
//
// The words of the faults and their order (protocol.ts) are the server's, too: signaling/preflight.c.

import type { FaultReason } from '../devices';
import { type CheckFault, FAULTS, type Path } from '../protocol';

export type Check = 'mic' | 'speaker' | 'camera' | 'line';
export const CHECKS: Check[] = ['mic', 'speaker', 'camera', 'line'];

// What was measured of the line; null: it could not be.
export interface Figures {
  down_bps: number | null;
  up_bps: number | null;
  rtt_ms: number | null;
  loss_permille: number | null;
  path: Path | null;
}

// Beyond these somebody should do something before the forum. Slides and a picture of the hall need the first, a voice
// and a small picture the second; above 5 % of loss repairs no longer hide all of it; above 400 ms people talk over
// each other.
export const LIMITS = { down_bps: 560_000, up_bps: 200_000, loss_permille: 50, rtt_ms: 400 };

export const faultsOfMic = (found: 'heard' | 'silent' | FaultReason): CheckFault[] => {
  switch (found) {
    case 'heard':
      return [];
    case 'lost':
      return ['mic-missing'];
    case 'insecure':
      return ['insecure'];
    default:
      return [`mic-${found}`];
  }
};

export const faultsOfSpeaker = (isHeard: boolean): CheckFault[] => (isHeard ? [] : ['speaker-unheard']);

// A page without devices has said so at the microphone.
export const faultsOfCamera = (found: 'seen' | FaultReason): CheckFault[] => {
  switch (found) {
    case 'seen':
    case 'insecure':
      return [];
    case 'lost':
      return ['camera-missing'];
    default:
      return [`camera-${found}`];
  }
};

export function faultsOfLine({ down_bps, up_bps, rtt_ms, loss_permille, path }: Figures): CheckFault[] {
  const faults: CheckFault[] = [];
  if (path === 'none') faults.push('line-none');
  if (down_bps !== null && down_bps < LIMITS.down_bps) faults.push('line-down');
  if (up_bps !== null && up_bps < LIMITS.up_bps) faults.push('line-up');
  if (loss_permille !== null && loss_permille > LIMITS.loss_permille) faults.push('line-loss');
  if (rtt_ms !== null && rtt_ms > LIMITS.rtt_ms) faults.push('line-delay');
  if (path === 'tcp') faults.push('line-tcp');
  if (down_bps === null || up_bps === null || path === null) faults.push('line-unknown');
  return faults;
}

export const inOrderOfAdvice = (faults: CheckFault[]): CheckFault[] => FAULTS.filter((fault) => faults.includes(fault));

export const checkOf = (fault: CheckFault): Check =>
  fault === 'insecure' ? 'mic' : (fault.slice(0, fault.indexOf('-')) as Check);
