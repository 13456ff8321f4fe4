// A connection whose path is lost: mended by an ICE restart, replaced where that does not help. Fake peers, fake clock.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Keeper, type PeerState } from '../src/keeper';
import { LineDown, Refusal } from '../src/protocol';

const FRAGMENT = 'm=audio 9 X 0\r\na=mid:0\r\na=ice-ufrag:fresh\r\na=ice-pwd:newnewnewnewnewnewnewnew\r\n';

class FakePeer {
  static all: FakePeer[] = [];
  connectionState = 'new';
  onconnectionstatechange: (() => void) | null = null;
  localDescription: { sdp: string } | null = null;
  remoteDescription: { sdp: string } | null = null;
  generation = 1;
  restarts = 0;

  constructor() {
    FakePeer.all.push(this);
  }

  restartIce(): void {
    this.generation++;
    this.restarts++;
  }

  async createOffer(): Promise<{ type: string; sdp: string }> {
    const pwd = 'p'.repeat(24);
    return { type: 'offer', sdp: `m=audio 9 X 111\r\na=mid:0\r\na=ice-ufrag:own${this.generation}\r\na=ice-pwd:${pwd}\r\n` };
  }

  async setLocalDescription(description: { sdp: string }): Promise<void> {
    this.localDescription = description;
  }

  async setRemoteDescription(description: { sdp: string }): Promise<void> {
    this.remoteDescription = description;
  }

  close(): void {
    this.connectionState = 'closed';
  }

  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

class Bench {
  states: PeerState[] = [];
  asked: string[] = []; // fragments
  answer: () => Promise<{ fragment: string }> = async () => ({ fragment: FRAGMENT });
  readonly keeper = new Keeper({
    build: () => {},
    offer: async () => ({ peer: `peer ${FakePeer.all.length}`, sdp: 'm=audio 9 X 111\r\na=mid:0\r\na=ice-ufrag:old\r\na=ice-pwd:old\r\n' }),
    restart: (fragment) => {
      this.asked.push(fragment);
      return this.answer();
    },
    answered: () => {},
    connected: () => {},
    changed: (state) => this.states.push(state),
    refused: () => {},
  });

  get pc(): FakePeer {
    return FakePeer.all.at(-1) as FakePeer;
  }

  async connect(): Promise<FakePeer> {
    this.keeper.start();
    await vi.advanceTimersByTimeAsync(0);
    this.pc.become('connected');
    return this.pc;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  FakePeer.all = [];
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('RTCPeerConnection', FakePeer);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a path that is gone is mended by an ICE restart of the same connection', async () => {
  const bench = new Bench();
  const pc = await bench.connect();
  pc.become('disconnected');
  await vi.advanceTimersByTimeAsync(600);
  expect(bench.asked).toHaveLength(1);
  expect(bench.asked[0]).toContain('a=ice-ufrag:own2');
  expect(pc.remoteDescription?.sdp).toContain('a=ice-ufrag:fresh');
  expect(bench.keeper.state).toBe('lost');
  pc.become('connected');
  expect(bench.keeper.state).toBe('connected');
  await vi.advanceTimersByTimeAsync(20000);
  expect(FakePeer.all).toHaveLength(1);
  expect(pc.restarts).toBe(1);
});

test('a gap that heals by itself asks for nothing', async () => {
  const bench = new Bench();
  const pc = await bench.connect();
  pc.become('disconnected');
  await vi.advanceTimersByTimeAsync(300);
  pc.become('connected');
  await vi.advanceTimersByTimeAsync(20000);
  expect(pc.restarts).toBe(0);
  expect(bench.states).toEqual(['connecting', 'connected']);
});

test('a restart that does not help within 4 s is followed by a new connection, once', async () => {
  const bench = new Bench();
  const pc = await bench.connect();
  pc.become('failed');
  await vi.advanceTimersByTimeAsync(100);
  pc.become('disconnected');
  pc.become('failed');
  expect(pc.restarts).toBe(1);
  await vi.advanceTimersByTimeAsync(4100);
  expect(FakePeer.all).toHaveLength(2);
  expect(pc.connectionState).toBe('closed');
  bench.pc.become('connected');
  expect(bench.keeper.state).toBe('connected');
});

test('a server that no longer has the peer gets a new offer at once', async () => {
  const bench = new Bench();
  const pc = await bench.connect();
  bench.answer = async () => {
    throw new Refusal('', 'not-found', null);
  };
  pc.become('failed');
  await vi.advanceTimersByTimeAsync(100);
  expect(FakePeer.all).toHaveLength(2);
});

test('without the line it waits, and mends what is still held when the line is there again', async () => {
  const bench = new Bench();
  const pc = await bench.connect();
  bench.keeper.lineDown();
  pc.become('failed');
  await vi.advanceTimersByTimeAsync(30000);
  expect(bench.keeper.state).toBe('lost');
  expect(pc.restarts).toBe(0);
  expect(bench.keeper.held).toBe('peer 1');
  bench.keeper.lineUp(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(pc.restarts).toBe(1);
  expect(FakePeer.all).toHaveLength(1);
});

test('a line that goes while it is asked is waited for', async () => {
  const bench = new Bench();
  const pc = await bench.connect();
  bench.answer = async () => {
    bench.keeper.lineDown();
    throw new LineDown('receive.restart');
  };
  pc.become('failed');
  await vi.advanceTimersByTimeAsync(20000);
  expect(FakePeer.all).toHaveLength(1);
  bench.answer = async () => ({ fragment: FRAGMENT });
  bench.keeper.lineUp(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(pc.remoteDescription?.sdp).toContain('fresh');
});

test('in another network the path is mended although the browser calls it connected', async () => {
  const bench = new Bench();
  const pc = await bench.connect();
  bench.keeper.moved();
  bench.keeper.lineDown();
  bench.keeper.lineUp(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(pc.restarts).toBe(1);
  expect(bench.keeper.state).toBe('connected'); // it never said otherwise
  bench.keeper.lineDown();
  bench.keeper.lineUp(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(pc.restarts).toBe(1);
});

test('what the server has lost is offered anew when the line is there again', async () => {
  const bench = new Bench();
  await bench.connect();
  bench.keeper.lineDown();
  bench.keeper.lineUp(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(FakePeer.all).toHaveLength(2);
});

test('a path that healed while the line was going is connected again when the line is there', async () => {
  const bench = new Bench();
  const pc = await bench.connect();
  bench.answer = async () => {
    pc.become('connected'); // by the old path, while the answer is waited for
    bench.keeper.lineDown();
    throw new LineDown('receive.restart');
  };
  pc.become('disconnected');
  await vi.advanceTimersByTimeAsync(600);
  expect(bench.keeper.state).toBe('lost');
  bench.keeper.lineUp(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(bench.keeper.state).toBe('connected');
  expect(pc.restarts).toBe(1);
  expect(FakePeer.all).toHaveLength(1);
});
