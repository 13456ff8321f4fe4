import { describe, expect, it } from 'vitest';

import { lasting, vietnamMoment } from '../src/when';

describe('when', () => {
  it('tells how long something lasts', () => {
    expect(lasting(0)).toBe('0:00');
    expect(lasting(59_600)).toBe('1:00');
    expect(lasting(754_000)).toBe('12:34');
    expect(lasting(3_600_000 * 2 + 65_000)).toBe('2:01:05');
  });

  it('tells a moment by the clock of Vietnam', () => {
    expect(vietnamMoment(Date.UTC(2026, 10, 26, 18, 5))).toEqual({ time: '01:05', date: '27/11/2026' });
  });
});
