// The line to signaling while it is not there: tries keep each other company, the first to open is used.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Socket } from '../src/socket';

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  sent: string[] = [];

  constructor() {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  end(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  static get pending(): FakeSocket[] {
    return FakeSocket.all.filter((socket) => socket.readyState === 0);
  }
}

let ups = 0;
let downs = 0;
const make = (): Socket => new Socket('wss://hub/ws', { up: () => void ups++, down: () => void downs++, notice: () => {} });

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  ups = downs = 0;
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('WebSocket', FakeSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a try that does not open gets company, at most five at once', async () => {
  const socket = make();
  socket.start();
  await vi.advanceTimersByTimeAsync(1400);
  expect(FakeSocket.pending).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(FakeSocket.pending).toHaveLength(2);
  for (let n = 0; n < 60; n++) {
    await vi.advanceTimersByTimeAsync(1000);
    expect(FakeSocket.pending.length).toBeLessThanOrEqual(5);
    expect(FakeSocket.pending.length).toBeGreaterThan(0);
  }
  // A line that came back is found within a moment: some try is never old.
  const before = FakeSocket.all.length;
  await vi.advanceTimersByTimeAsync(1500);
  expect(FakeSocket.all.length).toBeGreaterThan(before);
  socket.stop();
  expect(FakeSocket.pending).toHaveLength(0);
});

test('the first to open is the line, the others are let go', async () => {
  const socket = make();
  socket.start();
  await vi.advanceTimersByTimeAsync(3200);
  expect(FakeSocket.pending).toHaveLength(3);
  FakeSocket.all[1]?.open();
  expect(ups).toBe(1);
  expect(socket.isOpen).toBe(true);
  expect(FakeSocket.pending).toHaveLength(0);
  FakeSocket.all[2]?.open(); // too late
  expect(ups).toBe(1);
  await vi.advanceTimersByTimeAsync(60000);
  expect(FakeSocket.all).toHaveLength(3);
  FakeSocket.all[1]?.end();
  expect(downs).toBe(1);
  await vi.advanceTimersByTimeAsync(400);
  expect(FakeSocket.all).toHaveLength(4);
});

test('a hub that refuses at once is asked less and less often', async () => {
  const socket = make();
  socket.start();
  await vi.advanceTimersByTimeAsync(0);
  for (let n = 0; n < 60; n++) {
    for (const one of FakeSocket.pending) one.end();
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(FakeSocket.all.length).toBeLessThan(16);
  socket.stop();
});

test('an answer that does not come ends the line after the time it was given', async () => {
  const socket = make();
  socket.start();
  await vi.advanceTimersByTimeAsync(0);
  FakeSocket.all[0]?.open();
  const asked = socket.request('receive.restart', { fragment: '' }, 3000).catch((error: Error) => error.constructor.name);
  await vi.advanceTimersByTimeAsync(3100);
  expect(await asked).toBe('LineDown');
  expect(downs).toBe(1);
});
