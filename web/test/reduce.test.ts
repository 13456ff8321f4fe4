// What the stage shows to whom, from what the server told.

import { expect, test } from 'vitest';

import type { OnAir, Stage } from '../src/protocol';
import { EMPTY_STAGE, newerStage, onAirOf, placeOf, shownOnMain } from '../src/reduce';

const person = (seat: string): OnAir =>
  ({ seat, name: seat, role: 'site', muted: false, mic: true, camera: true, screen: false }) as OnAir;
const stageOf = (rev: number, main: string | null, ...seats: string[]): Stage => ({
  ...EMPTY_STAGE,
  rev,
  main,
  on_air: seats.map(person),
});

test('an older stage never replaces a newer one', () => {
  const now = stageOf(5, 'a', 'a');
  expect(newerStage(now, stageOf(4, 'b', 'b'))).toBe(now);
  expect(newerStage(now, stageOf(6, 'b', 'b')).main).toBe('b');
});

test('who is on main sees the one before, everybody else sees him', () => {
  const stage = stageOf(2, 'b', 'a', 'b');
  expect(shownOnMain(stage, 'c', 'a')?.seat).toBe('b');
  expect(shownOnMain(stage, 'b', 'a')?.seat).toBe('a');
  expect(onAirOf(stage, 'b')?.seat).toBe('b');
  expect(onAirOf(stage, 'c')).toBeNull();
});

test('a place in the queue counts from one, none is zero', () => {
  const queue = ['a', 'b'].map((seat) => ({ seat, name: seat, since: 0 }));
  expect(placeOf(queue, 'b')).toBe(2);
  expect(placeOf(queue, 'c')).toBe(0);
});
