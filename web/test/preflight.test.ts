// The check of a machine, step by step: fake devices, fake line, fake clock.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { DeviceFault, type FaultReason } from '../src/devices';
import type { PathFound } from '../src/preflight/path';
import { type Picture, Preflight, type Tools } from '../src/preflight/preflight';
import type { Ways } from '../src/preflight/ways';
import type { Params } from '../src/protocol';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class FakeTrack {
  isLive = true;
  stop(): void {
    this.isLive = false;
  }
}

const GOOD_LINE: Ways = { down_bps: 4e6, up_bps: 1e6, rtt_ms: 40 };

class Bench {
  mic: FaultReason | number[] = [-20]; // a fault, or its levels: the last one goes on
  camera: FaultReason | null = null;
  ways: Ways = GOOD_LINE;
  path: PathFound = { path: 'udp', loss_permille: 3 };
  isHeard: boolean | null = true; // the answer about the loudspeaker; null: nobody answers
  openMs = 200;
  reportFails = false;

  tracks: FakeTrack[] = [];
  pictures: Picture[] = [];
  chimes = 0;
  closed = 0; // paths
  reported: Params['preflight.report'][] = [];
  readonly flow: Preflight;
  done = false;

  constructor(set: Partial<Bench> = {}) {
    Object.assign(this, set);
    const tools: Tools = {
      open: async (device) => {
        await new Promise((resolve) => setTimeout(resolve, this.openMs));
        const fault = device === 'mic' ? (typeof this.mic === 'string' ? this.mic : null) : this.camera;
        if (fault) throw new DeviceFault(device, fault);
        const track = new FakeTrack();
        this.tracks.push(track);
        return track as unknown as MediaStreamTrack;
      },
      listen: (_, tell) => {
        let at = 0;
        const levels = this.mic as number[];
        const timer = setInterval(() => tell(levels[Math.min(at++, levels.length - 1)] ?? null), 100);
        return () => clearInterval(timer);
      },
      record: () => ({ stop: async () => ({ size: 1 }) as Blob }),
      chime: async () => void this.chimes++,
      watchPath: () => ({ finish: async () => this.path, close: () => void this.closed++ }),
      measureWays: async () => {
        await new Promise((resolve) => setTimeout(resolve, 4000));
        return this.ways;
      },
      report: async (found) => {
        if (this.reportFails) throw new Error('line down');
        this.reported.push(found);
      },
    };
    this.flow = new Preflight(tools, (picture) => {
      const before = this.pictures.at(-1);
      this.pictures.push(picture);
      if (picture.step === 'speaker' && before?.step !== 'speaker' && this.isHeard !== null) {
        const { isHeard } = this;
        setTimeout(() => this.flow.answer(isHeard), 1000);
      }
    });
  }

  async run(ms = 60000): Promise<Picture> {
    void this.flow.run().then(() => (this.done = true));
    await vi.advanceTimersByTimeAsync(ms);
    return this.now;
  }

  get now(): Picture {
    const last = this.pictures.at(-1);
    if (!last) throw new Error('nothing was shown');
    return last;
  }
}

test('a good machine is good in every row, is told so, and all is let go of but the picture', async () => {
  const bench = new Bench();
  const picture = await bench.run();
  expect(picture).toMatchObject({
    step: 'done',
    rows: { mic: 'good', speaker: 'good', camera: 'good', line: 'good' },
    faults: [],
    isStored: true,
  });
  expect(picture.sentence).not.toBeNull();
  expect(bench.chimes).toBe(1);
  expect(bench.reported).toEqual([{ faults: [], ...GOOD_LINE, path: 'udp', loss_permille: 3 }]);
  expect(bench.tracks.map(({ isLive }) => isLive)).toEqual([false, true]);
  bench.flow.stop();
  expect(bench.tracks.every(({ isLive }) => !isLive)).toBe(true);
  expect(bench.closed).toBeGreaterThan(0);
});

test('it takes a quarter of a minute when nothing is wrong', async () => {
  const bench = new Bench();
  await bench.run(15000);
  expect(bench.done).toBe(true);
});

describe('each of the faults gives its own advice first', () => {
  const cases: [name: string, set: Partial<Bench>, fault: string][] = [
    ['no microphone', { mic: 'missing' }, 'mic-missing'],
    ['permission refused', { mic: 'denied' }, 'mic-denied'],
    ['a busy microphone', { mic: 'busy' }, 'mic-busy'],
    ['a silent microphone', { mic: [-Infinity] }, 'mic-silent'],
    ['a microphone unplugged', { mic: 'lost' }, 'mic-missing'],
    ['no camera', { camera: 'missing' }, 'camera-missing'],
    ['a refused camera', { camera: 'denied' }, 'camera-denied'],
    ['a busy camera', { camera: 'busy' }, 'camera-busy'],
    ['a loudspeaker nobody hears', { isHeard: false }, 'speaker-unheard'],
    ['a slow way down', { ways: { ...GOOD_LINE, down_bps: 256e3 } }, 'line-down'],
    ['a slow way up', { ways: { ...GOOD_LINE, up_bps: 64e3 } }, 'line-up'],
    ['loss', { path: { path: 'udp', loss_permille: 120 } }, 'line-loss'],
    ['delay', { ways: { ...GOOD_LINE, rtt_ms: 900 } }, 'line-delay'],
    ['blocked UDP', { path: { path: 'tcp', loss_permille: null } }, 'line-tcp'],
    ['no way for media', { path: { path: 'none', loss_permille: null } }, 'line-none'],
    ['no devices in this page', { mic: 'insecure', camera: 'insecure' }, 'insecure'],
    ['a server that has no time', { ways: { down_bps: null, up_bps: null, rtt_ms: null } }, 'line-unknown'],
  ];
  for (const [name, set, fault] of cases) {
    test(`${name}: ${fault}`, async () => {
      const bench = new Bench(set);
      const picture = await bench.run();
      expect(picture.step).toBe('done');
      expect(picture.faults).toEqual([fault]);
      expect(bench.reported.map((found) => found.faults)).toEqual([[fault]]);
      expect(Object.values(picture.rows)).toContain('warn');
    });
  }
});

test('of several faults the one that keeps a site from being heard comes first', async () => {
  const bench = new Bench({ mic: [-Infinity], camera: 'missing', path: { path: 'tcp', loss_permille: 0 }, isHeard: false });
  const picture = await bench.run();
  expect(picture.faults).toEqual(['mic-silent', 'speaker-unheard', 'line-tcp', 'camera-missing']);
});

test('a silent microphone is told within five seconds, and forgiven when its switch is found', async () => {
  const levels = Array.from({ length: 70 }, () => -Infinity);
  const bench = new Bench({ mic: [...levels, -25], openMs: 0 });
  await bench.run(5000);
  expect(bench.now).toMatchObject({ step: 'mic', faults: ['mic-silent'] });
  expect(bench.now.rows.mic).toBe('warn');
  await vi.advanceTimersByTimeAsync(60000);
  expect(bench.now.faults).toEqual([]);
  expect(bench.now.rows.mic).toBe('good');
});

test('a quiet room is not called silent at once; nobody who speaks is silent in the end', async () => {
  const bench = new Bench({ mic: [-55], openMs: 0 });
  await bench.run(6000);
  expect(bench.now.faults).toEqual([]);
  await vi.advanceTimersByTimeAsync(10000);
  expect(bench.now.faults).toEqual(['mic-silent']);
});

test('a click is no voice', async () => {
  const bench = new Bench({ mic: [-10, -10, -90], openMs: 0 });
  await bench.run(4000);
  expect(bench.now.isHeard).toBe(false);
});

test('the question waits for its answer, and the sound can be played again', async () => {
  const bench = new Bench({ isHeard: null });
  await bench.run(120000);
  expect(bench.now.step).toBe('speaker');
  bench.flow.chime();
  expect(bench.chimes).toBe(2);
  bench.flow.answer(false);
  await vi.advanceTimersByTimeAsync(60000);
  expect(bench.now.faults).toEqual(['speaker-unheard']);
});

test('stopped at any moment it lets go of every device and shows nothing more', async () => {
  for (let ms = 50; ms < 12000; ms += 350) {
    const bench = new Bench();
    await bench.run(ms);
    bench.flow.stop();
    const { length } = bench.pictures;
    await vi.advanceTimersByTimeAsync(60000);
    expect(bench.pictures.length, `stopped after ${ms} ms`).toBe(length);
    expect(bench.tracks.every(({ isLive }) => !isLive), `stopped after ${ms} ms`).toBe(true);
    expect(bench.done).toBe(true);
  }
});

test('a result that does not reach the server is shown all the same', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const bench = new Bench({ reportFails: true });
  const picture = await bench.run();
  expect(picture).toMatchObject({ step: 'done', isStored: false });
  warn.mockRestore();
});
