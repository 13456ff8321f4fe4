// publish.ts - what the site says and shows: devices, and one PeerConnection while it is on stage
//
// Three sections made once: microphone, camera, screen. Tracks come and go in them without a word to the server but
// `publish.set`. Speech comes first: the microphone is opened and sent alone, the camera joins when it can, and
// nothing that a camera does keeps anybody from speaking.

import { DeviceFault, openDevice, openScreen } from './devices';
import { Keeper, type PeerState } from './keeper';
import { FULL_WIDTH, fitted, layersOf, screenLayersOf } from './layers';
import type { Params, Refusal, Result, Source } from './protocol';

const SOURCES: { source: Source; kind: 'audio' | 'video'; encodings?: RTCRtpEncodingParameters[] }[] = [
  { source: 'mic', kind: 'audio' }, // what Opus does is written in the server's answer
  { source: 'camera', kind: 'video', encodings: layersOf(FULL_WIDTH) },
  { source: 'screen', kind: 'video', encodings: screenLayersOf(FULL_WIDTH) },
];

// What to give up when the machine or the line is weak. Not in every browser.
const GIVE_UP: Partial<Record<Source, 'maintain-framerate' | 'maintain-resolution'>> = {
  camera: 'maintain-framerate',
  screen: 'maintain-resolution',
};

export type Switches = Params['publish.set'];
export type Tracks = Record<Source, MediaStreamTrack | null>;

export interface PublishEvents {
  offer(params: Params['publish.offer']): Promise<Result<'publish.offer'>>;
  restart(fragment: string): Promise<Result<'publish.restart'>>;
  // What is switched on; told again after every new offer.
  set(switches: Switches): void;
  changed(state: PeerState): void;
  // A track came or went, or the microphone was switched.
  tracks(tracks: Tracks, isMicOn: boolean): void;
  fault(device: Source, fault: DeviceFault | null): void;
  // The browser is asking the person for permission, perhaps.
  asking(isAsking: boolean): void;
  refused(refusal: Refusal): void;
}

export class Publish {
  readonly keeper: Keeper;
  private tracks: Tracks = { mic: null, camera: null, screen: null };
  private isMicOn = true;
  private isOpen = false;
  private turn = 0; // rises with every open() and close(): late devices see that they are late

  constructor(private readonly events: PublishEvents) {
    this.keeper = new Keeper({
      build: (pc) => this.build(pc),
      offer: (pc, sdp) => events.offer({ sdp, sources: this.sources(pc) }),
      restart: events.restart,
      answered: (pc) => {
        this.tune(pc);
        this.tell();
      },
      connected: () => {},
      changed: events.changed,
      refused: events.refused,
    });
  }

  // Opens the microphone. False when there is none to be had (told as a fault), or when close() came first.
  async openMic(): Promise<boolean> {
    const turn = ++this.turn;
    this.isMicOn = true;
    return this.open('mic', turn);
  }

  // Opens the camera beside it. The same.
  async openCamera(): Promise<boolean> {
    return this.open('camera', this.turn);
  }

  // Sends what is open; the seat is on stage.
  start(): void {
    this.isOpen = true;
    this.keeper.start();
  }

  // Off stage: the connection is closed and every device let go.
  close(): void {
    this.turn++;
    this.isOpen = false;
    this.keeper.stop();
    for (const source of ['mic', 'camera', 'screen'] as const) this.drop(source);
    this.events.asking(false);
    this.told();
  }

  setMic(isOn: boolean): void {
    this.isMicOn = isOn;
    if (this.tracks.mic) this.tracks.mic.enabled = isOn;
    this.told();
    this.tell();
  }

  async setCamera(isOn: boolean): Promise<void> {
    if (isOn) await this.openCamera();
    else this.drop('camera');
    this.put('camera');
  }

  async setScreen(isOn: boolean): Promise<void> {
    if (!isOn) {
      this.drop('screen');
      this.put('screen');
      return;
    }
    const { turn } = this;
    try {
      const track = await openScreen();
      if (track) this.keep('screen', track, turn);
      this.events.fault('screen', null);
    } catch (error) {
      this.events.fault('screen', error as DeviceFault);
    }
  }

  // A device that died (unplugged, or the phone was in a pocket) is opened again if there is one.
  async revive(): Promise<void> {
    if (!this.isOpen) return;
    for (const device of ['mic', 'camera'] as const) {
      if (this.tracks[device]?.readyState === 'ended') await this.open(device, this.turn);
    }
  }

  get switches(): Switches {
    const has = (source: Source) => this.tracks[source]?.readyState === 'live';
    return { mic: has('mic') && this.isMicOn, camera: has('camera'), screen: has('screen') };
  }

  // Tells the server what is switched on.
  tell(): void {
    if (this.isOpen && this.keeper.pc) this.events.set(this.switches);
  }

  private async open(device: 'mic' | 'camera', turn: number): Promise<boolean> {
    this.events.asking(true);
    try {
      const track = await openDevice(device);
      if (turn !== this.turn) {
        track.stop();
        return false;
      }
      this.events.fault(device, null);
      this.keep(device, track, turn);
      return true;
    } catch (error) {
      if (turn === this.turn) this.events.fault(device, error as DeviceFault);
      return false;
    } finally {
      if (turn === this.turn) this.events.asking(false);
    }
  }

  private keep(source: Source, track: MediaStreamTrack, turn: number): void {
    if (turn !== this.turn) {
      track.stop();
      return;
    }
    this.tracks[source]?.stop();
    this.tracks = { ...this.tracks, [source]: track };
    if (source === 'mic') track.enabled = this.isMicOn;
    track.onended = () => this.ended(source, track);
    this.put(source);
  }

  private ended(source: Source, track: MediaStreamTrack): void {
    if (this.tracks[source] !== track) return;
    if (source === 'screen') {
      // Ended by the browser's own button: that is how people stop sharing.
      this.drop('screen');
      this.put('screen');
      return;
    }
    this.events.fault(source, new DeviceFault(source, 'lost'));
    this.put(source);
    void this.revive();
  }

  private drop(source: Source): void {
    const track = this.tracks[source];
    if (!track) return;
    track.onended = null;
    track.stop();
    this.tracks = { ...this.tracks, [source]: null };
  }

  // Puts what there is of a source into its section.
  private put(source: Source): void {
    this.told();
    const { pc } = this.keeper;
    const track = this.tracks[source];
    const at = SOURCES.findIndex((s) => s.source === source);
    const sent = track?.readyState === 'live' ? track : null;
    const sender = pc?.getTransceivers()[at]?.sender;
    if (sender) void this.send(source, sender, sent);
    this.tell();
  }

  private async send(source: Source, sender: RTCRtpSender, track: MediaStreamTrack | null): Promise<void> {
    try {
      if (sender.track !== track) await sender.replaceTrack(track);
      await this.fit(source, sender);
    } catch {
      // closed meanwhile
    }
  }

  // What to give up first, and in which sizes this picture is worth sending: known once there is one.
  private async fit(source: Source, sender: RTCRtpSender): Promise<void> {
    const preference = GIVE_UP[source];
    if (!preference) return;
    const parameters = sender.getParameters();
    parameters.degradationPreference = preference; // Firefox knows no such preference
    const { track } = sender;
    if (track) parameters.encodings = fitted(source, parameters.encodings, track.getSettings().width ?? 0);
    await sender.setParameters(parameters);
  }

  private told(): void {
    this.events.tracks(this.tracks, this.isMicOn);
  }

  private build(pc: RTCPeerConnection): void {
    for (const { source, kind, encodings } of SOURCES) {
      const sent = this.tracks[source] ?? kind;
      const init: RTCRtpTransceiverInit = { direction: 'sendonly' };
      try {
        pc.addTransceiver(sent, encodings ? { ...init, sendEncodings: encodings.map((one) => ({ ...one })) } : init);
      } catch {
        pc.addTransceiver(sent, init); // a browser that knows no layers sends one stream
      }
    }
  }

  private sources(pc: RTCPeerConnection): Params['publish.offer']['sources'] {
    return pc
      .getTransceivers()
      .flatMap(({ mid }, i) => (mid !== null && SOURCES[i] ? [{ mid, source: SOURCES[i].source }] : []));
  }

  private tune(pc: RTCPeerConnection): void {
    // Also a track that came while the offer was under way.
    SOURCES.forEach(({ source }, i) => {
      const sender = pc.getTransceivers()[i]?.sender;
      if (sender) void this.send(source, sender, this.tracks[source]);
    });
  }
}
