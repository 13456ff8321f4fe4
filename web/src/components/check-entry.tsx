// check-entry.tsx - before joining: what the last check of this machine said, and the way to another one
//
// The check itself is loaded when somebody wants it: nobody who just joins has to wait for it.

import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';

import { t } from '../i18n';
import { isChecking, lastCheck, wantsIn } from '../state';
import { vietnamTime } from '../when';
import { Icon } from './icon';

export const checkPage = signal<ComponentType | null>(null);
const loading = signal<'no' | 'yes' | 'failed'>('no');

async function open(): Promise<void> {
  if (loading.value === 'yes') return;
  loading.value = 'yes';
  const loaded = await import('./preflight').catch(() => null);
  loading.value = loaded ? 'no' : 'failed';
  if (!loaded) return;
  checkPage.value = loaded.PreflightPage;
  isChecking.value = !wantsIn.value; // who has joined meanwhile is not called back
}

export function CheckEntry() {
  return (
    <div class="check-entry">
      <button type="button" class="big calm" data-act="preflight" onClick={() => void open()}>
        <Icon name="wrench" />
        {t(loading.value === 'yes' ? 'preflight.loading' : 'preflight.open')}
      </button>
      {loading.value === 'failed' ? (
        <p class="hint" role="status">
          {t('preflight.load-failed')}
        </p>
      ) : (
        <LastCheck />
      )}
    </div>
  );
}

function LastCheck() {
  const last = lastCheck.value;
  if (!last) return <p class="hint">{t('preflight.open-hint')}</p>;
  const when = vietnamTime(last.at, Date.now());
  const [first] = last.faults;
  return (
    <p class="hint" data-last-check={last.verdict}>
      {last.verdict === 'ok'
        ? t('preflight.last-ok', { when })
        : t('preflight.last-help', { when, what: first ? t(`check.fault.${first}`) : '' })}
    </p>
  );
}
