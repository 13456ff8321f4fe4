// What is searched, what is waited, what is said.

import { expect, test } from 'vitest';

import { checkBudget, scriptsOf } from '../build/finish';
import { Backoff } from '../src/backoff';
import { fold, matches } from '../src/fold';
import { t } from '../src/i18n';
import en from '../src/i18n/en.json';
import vi from '../src/i18n/vi.json';

test('search forgives missing marks, đ among them, composed or not', () => {
  expect(fold('Đường Điện Biên')).toBe('duong dien bien');
  expect(fold('Điểm cầu'.normalize('NFD'))).toBe(fold('Điểm cầu'.normalize('NFC')));
  expect(matches(fold('Xã Nghi Lộc, huyện Nghi Lộc'), fold('loc nghi'))).toBe(true);
  expect(matches(fold('Xã Nghi Lộc'), fold('Thôn Đoài'))).toBe(false);
});

test('the waits grow, are spread from the third on, and begin anew', () => {
  const backoff = new Backoff(() => 0.5);
  const waits = Array.from({ length: 7 }, () => backoff.next());
  expect(waits).toEqual([0, 300, 1700, 3200, 5300, 7500, 7500]);
  backoff.reset();
  expect(backoff.next()).toBe(0);
});

test('both languages say the same things with the same blanks', () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(vi).sort());
  const blanks = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const [key, text] of Object.entries(vi)) {
    expect(blanks(en[key as keyof typeof en]), key).toEqual(blanks(text));
    expect(text.trim(), key).not.toBe('');
  }
  expect(t('hand.place', { place: 3 })).toContain('3');
});

test('a page over its budget of JavaScript ends the build', () => {
  expect(() => checkBudget('site.html', [40_000, 30_000])).toThrow();
  expect(checkBudget('site.html', [20_000])).toContain('site.html');
  const files: Record<string, string> = {
    'assets/a.js': 'import{x}from"./b.js";import("./late.js")',
    'assets/b.js': '',
  };
  const html = '<script type="module" src="/assets/a.js"></script>';
  expect(scriptsOf(html, (file) => files[file] ?? '')).toEqual(['assets/a.js', 'assets/b.js']);
});
