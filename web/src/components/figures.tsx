// figures.tsx - what was measured of a line, in one small sentence for whoever helps

import { t } from '../i18n';
import type { Figures as Measured } from '../preflight/judge';

const digits = new Intl.NumberFormat('vi-VN', { maximumSignificantDigits: 2 });

const rate = (bps: number | null): string =>
  bps === null ? t('preflight.figure-none') : bps < 1e6 ? `${digits.format(bps / 1e3)} kbit/s` : `${digits.format(bps / 1e6)} Mbit/s`;

export function Figures({ of }: { of: Measured }) {
  const none = t('preflight.figure-none');
  return (
    <p class="figures">
      {t('preflight.figures', {
        down: rate(of.down_bps),
        up: rate(of.up_bps),
        rtt: of.rtt_ms === null ? none : `${of.rtt_ms} ms`,
        loss: of.loss_permille === null ? none : `${digits.format(of.loss_permille / 10)} %`,
      })}{' '}
      {of.path && of.path !== 'none' && of.path.toUpperCase()}
    </p>
  );
}
