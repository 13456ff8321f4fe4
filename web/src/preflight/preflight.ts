// preflight.ts - one check of this machine and its line, step by step: microphone, loudspeaker, camera, line
//
// Runs by itself but for one question. Tells a Picture at every change; what it uses of the browser comes as Tools.
// Stopped at any moment it lets go of every device and tells nothing more.

import type { DeviceFault, FaultReason } from '../devices';
import { FLOOR_DB } from '../ear';
import type { CheckFault, Params } from '../protocol';
import {
  type Check,
  type Figures,
  checkOf,
  faultsOfCamera,
  faultsOfLine,
  faultsOfMic,
  faultsOfSpeaker,
  inOrderOfAdvice,
} from './judge';
import type { PathFound } from './path';
import type { Recording } from './sound';
import type { Ways } from './ways';

const VOICE_DB = -50; // louder is a voice
const VOICE_LOOKS = 3; // and not a click
const SILENT_MS = 4500; // said in words within five seconds
const GIVE_UP_MS = 12000; // a switch that is found by then is in time
const SENTENCE_MS = 2500; // kept of a voice, from where it was heard
const LOOK_MS = 1500; // at one's own picture

export interface Tools {
  open(device: 'mic' | 'camera'): Promise<MediaStreamTrack>; // throws DeviceFault
  listen(track: MediaStreamTrack, tell: (db: number | null) => void): () => void;
  record(track: MediaStreamTrack): Recording;
  chime(): Promise<void>;
  watchPath(): { finish(): Promise<PathFound>; close(): void };
  measureWays(over: AbortSignal): Promise<Ways>;
  report(found: Params['preflight.report']): Promise<unknown>;
}

export type RowState = 'waiting' | 'running' | 'good' | 'warn';

export interface Picture {
  step: Check | 'done';
  rows: Record<Check, RowState>;
  faults: CheckFault[]; // in the order of advice
  isAsking: boolean; // the browser asks the person for permission, perhaps
  isHeard: boolean; // the microphone, just now
  camera: MediaStreamTrack | null;
  sentence: Blob | null;
  figures: Figures | null;
  isStored: boolean; // the server has the result
}

const BEGIN: Picture = {
  step: 'mic',
  rows: { mic: 'waiting', speaker: 'waiting', camera: 'waiting', line: 'waiting' },
  faults: [],
  isAsking: false,
  isHeard: false,
  camera: null,
  sentence: null,
  figures: null,
  isStored: false,
};

class Over extends Error {}

export class Preflight {
  private picture = BEGIN;
  private readonly over = new AbortController();
  private readonly tracks: MediaStreamTrack[] = [];
  private readonly path: ReturnType<Tools['watchPath']>;
  private draw: (db: number | null) => void = () => {};
  private answered: (isHeard: boolean) => void = () => {};

  constructor(
    private readonly tools: Tools,
    private readonly show: (picture: Picture) => void,
  ) {
    this.path = tools.watchPath();
  }

  // Resolves when it is done or was stopped.
  async run(): Promise<void> {
    try {
      await this.checkMic();
      await this.checkSpeaker();
      await this.checkCamera();
      await this.checkLine();
      this.put({ step: 'done' });
      const { faults, figures } = this.picture;
      if (figures) await this.still(this.tools.report({ faults, ...figures }));
      this.put({ isStored: true });
    } catch (error) {
      if (!(error instanceof Over) && !this.over.signal.aborted) console.warn('preflight:', error);
    }
  }

  stop(): void {
    this.over.abort();
    this.path.close();
    this.answered(false); // nobody waits for an answer any more
    for (const track of this.tracks) track.stop();
  }

  // The level of the microphone, for a meter.
  readonly follow = (draw: (db: number | null) => void): (() => void) => {
    this.draw = draw;
    return () => (this.draw = () => {});
  };

  // The person's answer about the loudspeaker.
  answer(isHeard: boolean): void {
    this.answered(isHeard);
  }

  chime(): void {
    void this.tools.chime();
  }

  // --- the steps --------------------------------------------------------------------------------------

  private async checkMic(): Promise<void> {
    const found = await this.open('mic');
    if (typeof found === 'string') {
      this.judged('mic', faultsOfMic(found));
      return;
    }
    const recording = this.tools.record(found);
    const stop = this.tools.listen(found, (db) => this.hear(db));
    try {
      const isHeard = await this.still(this.voice());
      this.judged('mic', faultsOfMic(isHeard ? 'heard' : 'silent'));
      this.put({ isHeard });
      if (isHeard) {
        await this.pause(SENTENCE_MS);
        this.put({ sentence: await this.still(recording.stop()) });
      }
    } finally {
      stop();
      found.stop();
    }
  }

  private async checkSpeaker(): Promise<void> {
    this.begin('speaker');
    const answer = new Promise<boolean>((resolve) => (this.answered = resolve));
    this.chime();
    this.judged('speaker', faultsOfSpeaker(await this.still(answer)));
  }

  private async checkCamera(): Promise<void> {
    const found = await this.open('camera');
    if (typeof found === 'string') {
      this.judged('camera', faultsOfCamera(found), false);
      return;
    }
    this.put({ camera: found });
    this.judged('camera', faultsOfCamera('seen'));
    await this.pause(LOOK_MS);
  }

  // The path is read first: what we carry ourselves would be counted as loss.
  private async checkLine(): Promise<void> {
    this.begin('line');
    const path = await this.still(this.path.finish());
    this.path.close();
    const ways = await this.still(this.tools.measureWays(this.over.signal));
    const whole = (value: number | null) => (value === null ? null : Math.round(value));
    const figures = {
      down_bps: whole(ways.down_bps),
      up_bps: whole(ways.up_bps),
      rtt_ms: whole(ways.rtt_ms),
      ...path,
    };
    this.put({ figures });
    this.judged('line', faultsOfLine(figures));
  }

  // --- a voice ----------------------------------------------------------------------------------------

  private loud = 0; // looks in which a voice was there
  private isAlive = false; // anything at all came from the microphone
  private voiced: () => void = () => {};

  private hear(db: number | null): void {
    this.draw(db);
    if (db === null) return;
    this.isAlive ||= db > FLOOR_DB;
    if (db > VOICE_DB && ++this.loud === VOICE_LOOKS) this.voiced();
  }

  private voice(): Promise<boolean> {
    return new Promise((resolve) => {
      const silent = setTimeout(() => {
        // A room that is merely quiet is waited for; nothing at all is told at once.
        if (!this.isAlive) this.judged('mic', faultsOfMic('silent'));
      }, SILENT_MS);
      const end = (isHeard: boolean): void => {
        clearTimeout(silent);
        clearTimeout(late);
        resolve(isHeard);
      };
      const late = setTimeout(() => end(false), GIVE_UP_MS);
      this.voiced = () => end(true);
      this.over.signal.addEventListener('abort', () => end(false));
    });
  }

  // --- what every step needs ----------------------------------------------------------------------------

  private begin(step: Check): void {
    this.put({ step, rows: { ...this.picture.rows, [step]: 'running' }, isHeard: false });
  }

  // Says what is wrong with this one; what was said of it before no longer holds.
  private judged(check: Check, faults: CheckFault[], isGood = faults.length === 0): void {
    const others = this.picture.faults.filter((fault) => checkOf(fault) !== check);
    this.put({
      faults: inOrderOfAdvice([...others, ...faults]),
      rows: { ...this.picture.rows, [check]: isGood ? 'good' : 'warn' },
    });
  }

  private async open(device: 'mic' | 'camera'): Promise<MediaStreamTrack | FaultReason> {
    this.begin(device);
    this.put({ isAsking: true });
    try {
      const track = await this.tools.open(device);
      this.tracks.push(track);
      if (this.over.signal.aborted) track.stop();
      return await this.still(Promise.resolve(track));
    } catch (error) {
      if (error instanceof Over) throw error;
      return (error as DeviceFault).reason;
    } finally {
      if (!this.over.signal.aborted) this.put({ isAsking: false });
    }
  }

  private pause(ms: number): Promise<void> {
    return this.still(new Promise((resolve) => setTimeout(resolve, ms)));
  }

  private async still<T>(what: Promise<T>): Promise<T> {
    const value = await what;
    if (this.over.signal.aborted) throw new Over();
    return value;
  }

  private put(news: Partial<Picture>): void {
    if (this.over.signal.aborted) throw new Over();
    this.picture = { ...this.picture, ...news };
    this.show(this.picture);
  }
}
