// How fast a line is, by a line of ours: rate, delay and a fake clock.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Busy, type Carry, type Way, measureWays } from '../src/preflight/ways';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const HEADERS = 700;

interface Line {
  down: number;
  up: number;
  rtt: number;
}

class FakeLine {
  bytes = 0;
  asked: Way[] = [];
  private opening = 0; // ms that the next request waits for its connection
  constructor(private readonly line: Line) {}

  readonly carry: Carry = (way, bytes, over) => {
    this.asked.push(way);
    const rate = way === 'up' ? this.line.up : this.line.down;
    const headers = (HEADERS * 8000) / this.line.up + (HEADERS * 8000) / this.line.down;
    const ms = this.line.rtt + headers + (bytes * 8000) / rate + this.opening;
    this.opening = 0;
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const count = (share: number): void => void (this.bytes += (bytes + HEADERS) * Math.min(share, 1));
      const arrived = setTimeout(() => {
        count(1);
        resolve();
      }, ms);
      over.addEventListener('abort', () => {
        clearTimeout(arrived);
        this.opening = 2 * this.line.rtt; // the connection is gone: TCP and TLS begin anew
        count((performance.now() - began) / ms);
        reject(new Error('aborted'));
      });
    });
  };
}

async function measured(carry: Carry, over = new AbortController().signal) {
  const began = performance.now();
  const ways = measureWays(carry, over);
  await vi.runAllTimersAsync();
  return { ...(await ways), ms: performance.now() - began };
}

const near = (value: number | null, truth: number): void => {
  expect(value).not.toBeNull();
  expect(Math.abs((value ?? 0) / truth - 1)).toBeLessThan(0.15);
};

for (const line of [
  { down: 64_000, up: 64_000, rtt: 120 },
  { down: 256_000, up: 128_000, rtt: 60 },
  { down: 400_000, up: 2_000_000, rtt: 20 },
  { down: 2_000_000, up: 1_000_000, rtt: 300 },
  { down: 300_000, up: 4_000_000, rtt: 600 },
  { down: 20_000_000, up: 10_000_000, rtt: 10 },
]) {
  test(`a line of ${line.down / 1e3} and ${line.up / 1e3} kbit/s and ${line.rtt} ms is found within 15 %`, async () => {
    const fake = new FakeLine(line);
    const found = await measured(fake.carry);
    near(found.down_bps, line.down);
    near(found.up_bps, line.up);
    near(found.rtt_ms, line.rtt);
    expect(found.ms).toBeLessThanOrEqual(6000);
    expect(fake.bytes).toBeLessThanOrEqual(800 * 1024);
  });
}

test('a weak line is not drowned: what is carried fits into the time', async () => {
  const fake = new FakeLine({ down: 64_000, up: 64_000, rtt: 100 });
  await measured(fake.carry);
  expect(fake.bytes).toBeLessThan(40 * 1024);
});

test('a line that carries next to nothing is broken off in time, and is no faster than what was seen', async () => {
  const found = await measured(new FakeLine({ down: 20_000, up: 16_000, rtt: 200 }).carry);
  expect(found.ms).toBeLessThanOrEqual(6000);
  expect(found.down_bps).toBeGreaterThan(20_000 * 0.85);
  expect(found.down_bps).toBeLessThan(100_000);
  expect(found.up_bps ?? 0).toBeLessThan(100_000); // unknown where no time was left
});

test('a line that is quick for a moment only is not taken for quick', async () => {
  const slow = new FakeLine({ down: 256_000, up: 256_000, rtt: 40 });
  const quick = new FakeLine({ down: 50_000_000, up: 50_000_000, rtt: 40 });
  const carry: Carry = (way, bytes, over) => (bytes <= 8192 ? quick : slow).carry(way, bytes, over);
  const found = await measured(carry);
  expect(found.down_bps).toBeLessThan(1_100_000);
});

test('where the server measures too many the way is unknown, and the other one is measured', async () => {
  const fake = new FakeLine({ down: 1e6, up: 1e6, rtt: 20 });
  const found = await measured((way, bytes, over) =>
    way === 'down' ? Promise.reject(new Busy('probe')) : fake.carry(way, bytes, over),
  );
  expect(found.down_bps).toBeNull();
  near(found.up_bps, 1e6);
});

test('where nothing comes back nothing is known, after three seconds', async () => {
  const found = await measured((_, __, over) => new Promise((_, reject) => over.addEventListener('abort', () => reject(new Error()))));
  expect(found).toMatchObject({ down_bps: null, up_bps: null, rtt_ms: null });
  expect(found.ms).toBeLessThanOrEqual(3000);
});

test('stopped in the middle it carries nothing more', async () => {
  const control = new AbortController();
  const fake = new FakeLine({ down: 64_000, up: 64_000, rtt: 100 });
  const ways = measureWays(fake.carry, control.signal);
  const end = expect(ways).rejects.toThrow();
  await vi.advanceTimersByTimeAsync(900);
  control.abort();
  await end;
  const { length } = fake.asked;
  await vi.runAllTimersAsync();
  expect(fake.asked.length).toBe(length);
});
