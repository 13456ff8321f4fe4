// The list of questions: whole down to where it reaches, later news wins, bounded.

import { expect, test } from 'vitest';

import type { Question, QuestionState } from '../src/protocol';
import { EMPTY_DESK, NEXT, putPage, putQuestions, questionsIn } from '../src/reduce';
import { vietnamTime } from '../src/when';

const ask = (number: number, state: QuestionState = 'new', changed = number): Question => ({
  id: `q${number}`,
  number,
  seat: 's',
  site: 'Xã A',
  source: 'page',
  name: '',
  text: '?',
  state,
  created: number,
  changed,
});
const numbers = (rows: Question[]) => rows.map((row) => row.number);

test('newest first, by state, and an older word never replaces a newer one', () => {
  let desk = putQuestions(EMPTY_DESK, [ask(1), ask(3), ask(2, 'approved', 9)]);
  expect(numbers(questionsIn(desk, 'all'))).toEqual([3, 2, 1]);
  expect(numbers(questionsIn(desk, 'approved'))).toEqual([2]);
  desk = putQuestions(desk, [ask(2, 'new', 2)]);
  expect(desk.known.get('q2')?.state).toBe('approved');
});

test('a page of one filter opens no gap in another', () => {
  let desk = putPage(EMPTY_DESK, 'all', [ask(100), ask(99)], true);
  desk = putPage(desk, 'approved', [ask(7, 'approved'), ask(3, 'approved')], false);
  expect(numbers(questionsIn(desk, 'all'))).toEqual([100, 99]);
  expect(numbers(questionsIn(desk, 'approved'))).toEqual([7, 3]);
  desk = putPage(desk, 'all', [ask(98), ask(97)], true);
  expect(numbers(questionsIn(desk, 'all'))).toEqual([100, 99, 98, 97]);
  expect(desk.reached.all).toBe(97);
});

test('no more rows are kept than an old machine can bear', () => {
  let desk = putPage(EMPTY_DESK, 'all', [], false);
  for (let i = 1; i <= 30; i++) desk = putQuestions(desk, [ask(i)], 10);
  expect(desk.known.size).toBe(10);
  expect(numbers(questionsIn(desk, 'all'))).toEqual([30, 29, 28, 27, 26, 25, 24, 23, 22, 21]);
  expect(desk.reached.all).toBe(21); // what is below can be asked for again
});

test('nothing can be put on air that nobody approved', () => {
  expect(NEXT.new).toEqual(['approved']);
  expect(NEXT.approved).toContain('on-air');
});

test('times are those of Vietnam', () => {
  const noon = Date.UTC(2026, 10, 27, 5, 5);
  expect(vietnamTime(noon, noon)).toBe('12:05');
  expect(vietnamTime(Date.UTC(2026, 10, 26, 17, 30), noon)).toBe('00:30');
  expect(vietnamTime(Date.UTC(2026, 10, 26, 16, 30), noon)).toMatch(/^23:30 26[/-]11$/);
});
