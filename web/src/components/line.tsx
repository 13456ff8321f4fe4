// line.tsx - under the picture: what this site's line can carry, in words, and the switch to use less of it

import { signal } from '@preact/signals';

import { act } from '../act';
import { type Key, t } from '../i18n';
import { causeOf, gradeOf } from '../ladder';
import type { Line } from '../protocol';
import { isSaving, line, receiveState } from '../state';
import { Bars, rateWords } from './bars';

const isOpen = signal(false); // the figures, for whoever wants them

export function lineWords(known: Line, saving: boolean): string {
  const cause = causeOf(known, saving);
  switch (cause) {
    case 'good':
    case 'saving':
    case 'unknown':
      return t(`line.${cause}`);
    default:
      return `${t(`line.because.${cause}`)}: ${t(`line.gives.${known.rung}` as Key)}`;
  }
}

export function LineState() {
  const known = receiveState.value === 'connected' ? line.value : null; // a lost line is neither good nor weak
  return (
    <section class={isOpen.value ? 'line open' : 'line'} aria-label={t('line.title')}>
      <div class="line-now">
        <p class={`line-word ${known ? gradeOf(known) : 'calm'}`} role="status">
          {known && (
            <>
              <Bars line={known} />
              {lineWords(known, isSaving.value)}
            </>
          )}
        </p>
        {known && (
          <button
            type="button"
            class="plain small"
            data-act="line-figures"
            aria-expanded={isOpen.value}
            onClick={() => (isOpen.value = !isOpen.value)}
          >
            {t('line.figures')}
          </button>
        )}
      </div>
      <Saving />
      {known && isOpen.value && <Figures known={known} />}
    </section>
  );
}

function Saving() {
  return (
    <label class="saving">
      <input
        type="checkbox"
        role="switch"
        data-act="saving"
        checked={isSaving.value}
        aria-describedby="saving-hint"
        onChange={act((s) => s.setSaving(!isSaving.value))}
      />
      <span>
        <b>{t('saving.label')}</b>
        <small id="saving-hint">{t('saving.hint')}</small>
      </span>
    </label>
  );
}

function Figures({ known }: { known: Line }) {
  const { rung, rate_bps, loss_percent, rtt_ms } = known;
  const rows: [Key, string][] = [
    ['line.figure.rung', t('rung.of', { rung })],
    ['line.figure.rate', rateWords(rate_bps)],
    ['line.figure.loss', `${loss_percent} %`],
    ['line.figure.delay', rtt_ms === null ? t('line.not-known') : `${rtt_ms} ms`],
  ];
  return (
    <dl class="line-figures">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{t(name)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
