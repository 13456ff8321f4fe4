// What is drawn of a rung: under the picture, over it, on the board. Words first, in both languages.

import { afterEach, beforeEach, expect, test } from 'vitest';

import { RowLine } from '../src/components/board';
import { LineState, lineWords } from '../src/components/line';
import { Slate } from '../src/components/programme';
import { t } from '../src/i18n';
import type { Line, OnAir, Site } from '../src/protocol';
import * as state from '../src/state';
import { draw } from './draw';

const line = (rung: number, why: Line['why'] = 'line'): Line => ({
  rung,
  why,
  rate_bps: 130_400,
  loss_percent: 3,
  rtt_ms: 80,
});

const hall = { seat: 'hall', name: 'Hội trường', role: 'chair', muted: false, mic: true, camera: true, screen: false } as OnAir;

const site = { seat: 'a', name: 'Xã A', online: true, receiving: true } as Site;

beforeEach(() => {
  state.stage.value = { rev: 1, main: 'hall', slides: null, on_air: [hall] };
  state.receiveState.value = 'connected';
});

afterEach(() => state.forget());

test('a site reads one sentence for each rung and reason, without numbers', () => {
  expect(lineWords(line(6), false)).toBe(t('line.good'));
  expect(lineWords(line(2), false)).toContain('Đường truyền yếu: hình chỉ đổi vài giây một lần để giữ tiếng');
  expect(lineWords(line(2, 'cap'), true)).toBe(t('line.saving'));
  const said = new Set<string>();
  for (let rung = 0; rung <= 6; rung++)
    for (const why of ['line', 'loss', 'cap', 'top', 'unknown'] as const)
      for (const saving of [false, true]) {
        const words = lineWords(line(rung, why), saving);
        expect(words, `${rung} ${why}`).not.toMatch(/undefined|\d|\{/);
        said.add(words);
      }
  expect(said.size).toBe(20); // good, unknown, saving, fair; 6 of a limit, 5 each of line and loss
});

test('the sentence is told politely, figures on a click alone', () => {
  state.line.value = line(4, 'loss');
  const drawn = draw(<LineState />);
  expect(drawn.elements.find(({ props }) => props.role === 'status')?.type).toBe('p');
  expect(drawn.text).toContain(lineWords(line(4, 'loss'), false));
  expect(drawn.text).not.toContain('kbit');
  const more = drawn.elements.find(({ props }) => props['data-act'] === 'line-figures');
  expect(more?.props['aria-expanded']).toBe(false);
  (more?.props.onClick as () => void)();
  const opened = draw(<LineState />).text;
  for (const figure of ['bậc 4/6', '130 kbit', '3 %', '80 ms']) expect(opened).toContain(figure);
  (more?.props.onClick as () => void)();
});

test('before anything is known there is the switch alone', () => {
  const drawn = draw(<LineState />);
  expect(drawn.text).toBe(t('saving.label') + t('saving.hint'));
  const box = drawn.elements.find(({ props }) => props.role === 'switch');
  expect(box?.props.checked).toBe(false);
  expect(box?.props['aria-describedby']).toBe('saving-hint');
  state.isSaving.value = true;
  expect(draw(<LineState />).elements.find(({ props }) => props.role === 'switch')?.props.checked).toBe(true);
});

test('nothing is said of a line that is lost', () => {
  state.line.value = line(6);
  expect(draw(<LineState />).text).toContain(t('line.good'));
  state.receiveState.value = 'lost';
  expect(draw(<LineState />).text).toBe(t('saving.label') + t('saving.hint'));
});

test('where the line carries no picture the stage says so, and why', () => {
  state.line.value = line(1);
  expect(draw(<Slate />).text).toBe('');
  state.line.value = line(0);
  expect(draw(<Slate />).text).toBe(`Hội trường${t('slate.held.line')}`);
  state.line.value = line(0, 'loss');
  expect(draw(<Slate />).text).toContain(t('slate.held.loss'));
  state.line.value = line(0, 'cap');
  expect(draw(<Slate />).text).toContain(t('slate.held.cap'));
  state.line.value = line(0, 'top');
  expect(draw(<Slate />).text).toContain(t('slate.sound-only'));
});

test('a row of the board has the rung as a word and a colour, and why it is low', () => {
  const row = (known: Line | null, more: Partial<Site> = {}) => draw(<RowLine site={{ ...site, line: known, ...more }} />);
  const weak = row(line(1, 'loss'));
  expect(weak.text).toBe('bậc 1: tiếng và ảnh tĩnh (mất gói 3 %, 130 kbit/giây)');
  expect(weak.elements[0]?.props.class).toBe('row-line weak');
  expect(row(line(4)).text).toContain(t('rung.line'));
  expect(row(line(6, 'top')).text).toBe('bậc 6: đủ hình');
  expect(row(line(2, 'cap')).text).toContain(t('rung.cap'));
  expect(row(line(2, 'cap')).elements[0]?.props.class).toBe('row-line calm');
  expect(row(null).text).toBe('');
  expect(row(line(1), { receiving: false }).text).toBe('');
});
