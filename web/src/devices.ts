// devices.ts - microphone, camera and screen of this machine, and why one of them cannot be had
//
// A fault names the device and the reason; the sentences for people stand in i18n under `fault.DEVICE.REASON`.

import type { Source } from './protocol';

export type FaultReason =
  | 'denied' // the person, or a setting of the browser, said no
  | 'missing' // nothing is plugged in
  | 'busy' // another program holds it, or its driver fails
  | 'insecure' // the page was not opened by https, or the browser knows no devices
  | 'lost'; // it was there and was unplugged

export class DeviceFault extends Error {
  constructor(
    readonly device: Source,
    readonly reason: FaultReason,
  ) {
    super(`${device}: ${reason}`);
  }
}

const CONSTRAINTS: { mic: MediaStreamConstraints; camera: MediaStreamConstraints } = {
  mic: { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } },
  camera: {
    video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 } },
  },
};
const PLAIN: { mic: MediaStreamConstraints; camera: MediaStreamConstraints } = {
  mic: { audio: true },
  camera: { video: true },
};

// Pages move between 5 and 10 times a second; the rest of the line belongs to sharp letters.
const SCREEN: DisplayMediaStreamOptions = { video: { frameRate: { ideal: 5, max: 10 } }, audio: false };

const HINTS: Record<Source, string> = { mic: 'speech', camera: 'motion', screen: 'detail' };

export function reasonOf(error: unknown): FaultReason {
  switch ((error as { name?: string } | null)?.name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
    case 'DevicesNotFoundError':
      return 'missing';
    case 'SecurityError':
    case 'TypeError':
      return 'insecure';
    default:
      return 'busy';
  }
}

function only(stream: MediaStream, device: Source): MediaStreamTrack {
  const [track] = stream.getTracks();
  if (!track) throw new DeviceFault(device, 'missing');
  track.contentHint = HINTS[device];
  return track;
}

// Throws DeviceFault.
export async function openDevice(device: 'mic' | 'camera'): Promise<MediaStreamTrack> {
  const media = navigator.mediaDevices as MediaDevices | undefined;
  if (!media) throw new DeviceFault(device, 'insecure');
  try {
    return only(await media.getUserMedia(CONSTRAINTS[device]), device);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason !== 'busy' && (error as Error).name !== 'OverconstrainedError') throw new DeviceFault(device, reason);
  }
  // Some drivers fail at what they were asked for, not at all.
  try {
    return only(await media.getUserMedia(PLAIN[device]), device);
  } catch (error) {
    throw new DeviceFault(device, reasonOf(error));
  }
}

export const canShareScreen = (): boolean =>
  typeof (navigator.mediaDevices as MediaDevices | undefined)?.getDisplayMedia === 'function';

// Null when the person changed his mind. Throws DeviceFault.
export async function openScreen(): Promise<MediaStreamTrack | null> {
  if (!canShareScreen()) throw new DeviceFault('screen', 'missing');
  try {
    return only(await navigator.mediaDevices.getDisplayMedia(SCREEN), 'screen');
  } catch (error) {
    if (reasonOf(error) === 'denied') return null;
    throw new DeviceFault('screen', reasonOf(error));
  }
}
