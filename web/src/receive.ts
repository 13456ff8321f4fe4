// receive.ts - what the site hears and sees: one PeerConnection with five fixed slots
//
// Negotiated once; who is in a slot changes without us. A silent death is noticed by the watchdog.

import { Keeper, type PeerState } from './keeper';
import type { Refusal, Result, Slot } from './protocol';
import { Watchdog } from './watchdog';

const SLOTS: { slot: Slot; kind: 'audio' | 'video' }[] = [
  { slot: 'a0', kind: 'audio' },
  { slot: 'a1', kind: 'audio' },
  { slot: 'a2', kind: 'audio' },
  { slot: 'main', kind: 'video' },
  { slot: 'slides', kind: 'video' },
];
const LOOK_MS = 1000;

// For the elements of the page. main carries a0, too.
export interface Streams {
  main: MediaStream;
  slides: MediaStream;
  a1: MediaStream;
  a2: MediaStream;
}

export interface ReceiveEvents {
  offer(sdp: string): Promise<Result<'receive.offer'>>;
  restart(fragment: string): Promise<Result<'receive.restart'>>;
  streams(streams: Streams | null): void;
  changed(state: PeerState): void;
  answered(): void;
  refused(refusal: Refusal): void;
}

// Resolves when track has given its first picture.
function firstPicture(track: MediaStreamTrack): Promise<void> {
  return new Promise((resolve) => {
    const probe = document.createElement('video');
    probe.muted = true;
    probe.playsInline = true;
    probe.srcObject = new MediaStream([track]);
    probe.onloadeddata = () => {
      probe.onloadeddata = null;
      probe.srcObject = null;
      resolve();
    };
    probe.play().catch(() => {}); // ended before it began: there is nothing to wait for
  });
}

export class Receive {
  readonly keeper: Keeper;
  private readonly watchdog = new Watchdog();
  private watch = 0;
  private isExpected = false;

  constructor(private readonly events: ReceiveEvents) {
    this.keeper = new Keeper({
      build: (pc) => {
        for (const { kind } of SLOTS) pc.addTransceiver(kind, { direction: 'recvonly' });
      },
      offer: (_, sdp) => events.offer(sdp),
      restart: events.restart,
      answered: (pc) => this.answered(pc),
      connected: (pc) => events.streams(this.streams(pc)),
      changed: events.changed,
      refused: events.refused,
    });
  }

  start(): void {
    this.keeper.start();
    clearInterval(this.watch);
    this.watch = window.setInterval(() => void this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.watch);
    this.keeper.stop();
    this.events.streams(null);
  }

  // Whether somebody else's sound or picture should be coming now.
  expect(isExpected: boolean): void {
    this.isExpected = isExpected;
  }

  private answered(pc: RTCPeerConnection): void {
    this.watchdog.begin(performance.now());
    this.events.answered();
    // The last picture of a lost connection stays until the new one is there.
    if (this.shown === null) this.events.streams(this.streams(pc));
  }

  private shown: { pc: RTCPeerConnection; streams: Streams } | null = null;

  // Streams by the place of the transceiver: what a browser makes of msid lines differs.
  private streams(pc: RTCPeerConnection): Streams {
    if (this.shown?.pc === pc) return this.shown.streams;
    const tracks = pc.getTransceivers().map(({ receiver }) => receiver.track);
    const of = (slot: Slot): MediaStreamTrack => {
      const track = tracks[SLOTS.findIndex((s) => s.slot === slot)];
      if (!track) throw new Error(`receive: no transceiver for ${slot}`);
      return track;
    };
    const main = new MediaStream([of('a0')]);
    const streams = {
      main,
      slides: new MediaStream([of('slides')]),
      a1: new MediaStream([of('a1')]),
      a2: new MediaStream([of('a2')]),
    };
    this.shown = { pc, streams };
    // An element with a video track that has no picture yet plays no sound either (both browsers): a hall without a
    // camera would not be heard. So the picture joins when there is one.
    const picture = of('main');
    void firstPicture(picture).then(() => main.addTrack(picture));
    return streams;
  }

  private async look(): Promise<void> {
    const { pc, state } = this.keeper;
    if (!pc || state !== 'connected') return;
    const stats = await pc.getStats().catch(() => null);
    if (!stats || pc !== this.keeper.pc) return;
    let bytes = 0;
    stats.forEach((entry: { type: string; bytesReceived?: number }) => {
      if (entry.type === 'inbound-rtp') bytes += entry.bytesReceived ?? 0;
    });
    if (this.watchdog.isStarving(performance.now(), bytes, this.isExpected)) this.keeper.renew(0);
  }
}
