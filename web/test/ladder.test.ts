// What a rung means: to the site, to the board, to the watchdog.

import { expect, test } from 'vitest';

import { barsOf, causeOf, countRungs, gradeOf, isPictureMoving, isPictureOff, isWeak, mergeLines, slidesOn } from '../src/ladder';
import { type Line, type OnAir, type Site, type Stage, readIncoming } from '../src/protocol';
import { EMPTY_STAGE, type Sites, countSites, isSomebodyFlowing } from '../src/reduce';

const line = (rung: number, why: Line['why'] = 'line'): Line => ({ rung, why, rate_bps: 1, loss_percent: 0, rtt_ms: null });

const site = (seat: string, known: Line | null, more: Partial<Site> = {}): Site => ({
  seat,
  name: seat,
  district: '',
  phone: '',
  online: true,
  receiving: true,
  transport: 'udp',
  hand: false,
  on_air: false,
  waiting: false,
  line: known,
  check: 'never',
  checked: 0,
  ...more,
});

const board = (...sites: Site[]): Sites => new Map(sites.map((one) => [one.seat, one]));

test('stills come from rung 1 on, the picture moves from 3 on, slides are whole from 4 on', () => {
  expect([0, 1, 2, 3, 6].map((rung) => isPictureOff(line(rung)))).toEqual([true, false, false, false, false]);
  expect([0, 1, 2, 3, 6].map((rung) => isPictureMoving(line(rung)))).toEqual([false, false, false, true, true]);
  expect(isPictureMoving(null)).toBe(true);
  expect([0, 1, 3, 4, 6].map((rung) => slidesOn(line(rung)))).toEqual(['off', 'late', 'late', 'whole', 'whole']);
  expect(isPictureOff(null)).toBe(false);
  expect(slidesOn(null)).toBe('whole');
});

test('everything, or all there is, is a good line', () => {
  expect(causeOf(line(6), false)).toBe('good');
  expect(causeOf(line(6, 'cap'), true)).toBe('good');
  expect(causeOf(line(3, 'top'), false)).toBe('good');
});

test('the cause is the line, its losses, a limit, or what was not measured yet', () => {
  expect(causeOf(line(5), false)).toBe('fair');
  expect(causeOf(line(5, 'loss'), false)).toBe('fair');
  expect(causeOf(line(4), false)).toBe('line');
  expect(causeOf(line(0, 'loss'), false)).toBe('loss');
  expect(causeOf(line(4, 'cap'), false)).toBe('cap');
  expect(causeOf(line(2, 'unknown'), false)).toBe('unknown');
});

test('saving is the cause only where it is what holds the line down', () => {
  expect(causeOf(line(2, 'cap'), true)).toBe('saving');
  expect(causeOf(line(2, 'cap'), false)).toBe('cap');
  expect(causeOf(line(1, 'cap'), true)).toBe('cap'); // lower than was asked for
  expect(causeOf(line(1, 'line'), true)).toBe('line');
  expect(causeOf(line(4, 'line'), true)).toBe('line'); // the sfu has not heard of the switch yet
});

test('grades and bars fall with the rung', () => {
  expect([0, 1, 2, 3, 4, 5, 6].map((rung) => gradeOf(line(rung)))).toEqual(['weak', 'weak', 'weak', 'fair', 'fair', 'good', 'good']);
  expect(gradeOf(line(2, 'cap'))).toBe('calm');
  expect(gradeOf(line(3, 'top'))).toBe('good');
  const bars = [0, 1, 2, 3, 4, 5, 6].map((rung) => barsOf(line(rung)));
  expect(bars).toEqual([...bars].sort());
  expect(bars.at(-1)).toBe(4);
});

test('weak sites are those that receive on a poor line; saving is no weakness', () => {
  expect(isWeak(site('a', line(4)))).toBe(true);
  expect(isWeak(site('a', line(0, 'loss')))).toBe(true);
  expect(isWeak(site('a', line(5)))).toBe(false);
  expect(isWeak(site('a', line(2, 'cap')))).toBe(false);
  expect(isWeak(site('a', null))).toBe(false);
  expect(isWeak(site('a', line(0), { receiving: false }))).toBe(false);
  expect(isWeak(site('a', line(0), { online: false }))).toBe(false);
  expect(countSites(board(site('a', line(4)), site('b', line(6)))).weak).toBe(1);
});

test('news of lines changes those rows and no others', () => {
  const known = board(site('a', line(6)), site('b', line(6)), site('c', line(6)));
  const next = mergeLines(known, [
    { seat: 'b', line: line(2, 'loss') },
    { seat: 'c', line: null },
    { seat: 'of another forum', line: line(0) },
  ]);
  expect(next.get('a')).toBe(known.get('a'));
  expect(next.get('b')?.line?.rung).toBe(2);
  expect(next.get('b')?.name).toBe('b');
  expect(next.get('c')?.line).toBeNull();
  expect(next.size).toBe(3);
  expect(known.get('b')?.line?.rung).toBe(6);
});

test('the head counts sites by rung, best first, without empty rungs', () => {
  const sites = board(site('a', line(6)), site('b', line(4)), site('c', line(6)), site('d', null), site('e', line(0), { receiving: false }));
  expect(countRungs(sites)).toEqual([
    { rung: 6, count: 2 },
    { rung: 4, count: 1 },
  ]);
});

test('nothing is waited for that the line cannot carry', () => {
  const hall = (sources: Partial<OnAir>): Stage => ({
    ...EMPTY_STAGE,
    main: 'hall',
    slides: 'hall',
    on_air: [{ seat: 'hall', name: 'hall', role: 'chair', muted: false, mic: false, camera: false, screen: false, ...sources }],
  });
  const flowing = (sources: Partial<OnAir>, known: Line | null) => isSomebodyFlowing(hall(sources), 'me', known);
  expect(flowing({ camera: true }, null)).toBe(true);
  expect(flowing({ camera: true }, line(3))).toBe(true);
  expect(flowing({ camera: true }, line(2))).toBe(false);
  expect(flowing({ screen: true }, line(4))).toBe(true);
  expect(flowing({ screen: true }, line(3))).toBe(false);
  expect(flowing({ mic: true }, line(0))).toBe(true);
  expect(flowing({ mic: true, muted: true }, line(0))).toBe(false);
});

test('a rung that is none is not read', () => {
  const told = (rung: unknown, why: unknown = 'line') =>
    JSON.stringify({ jsonrpc: '2.0', method: 'line.state', params: { line: { ...line(1), rung, why } } });
  expect(readIncoming(told(6)).kind).toBe('notice');
  for (const wrong of [7, -1, 2.5, '2', null]) expect(() => readIncoming(told(wrong)), String(wrong)).toThrow();
  expect(() => readIncoming(told(2, 'weather'))).toThrow();
});
