// bars.tsx - a line as four bars, beside the words and never instead of them, and its rate

import { t } from '../i18n';
import { barsOf } from '../ladder';
import type { Line } from '../protocol';

const BARS = [1, 2, 3, 4];

export const rateWords = (bps: number): string => t('line.rate', { rate: Math.round(bps / 1000) });

export function Bars({ line }: { line: Line }) {
  const full = barsOf(line);
  return (
    <svg class="bars" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {BARS.map((n) => (
        <rect key={n} class={n <= full ? 'full' : 'empty'} x={n * 6 - 5} y={21 - n * 4.5} width="4" height={n * 4.5} rx="1" />
      ))}
    </svg>
  );
}
