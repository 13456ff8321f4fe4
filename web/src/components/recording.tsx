// recording.tsx - whether this meeting is being recorded, and why not

import { t } from '../i18n';
import { recording } from '../state';

export function RecordingState() {
  const { state, reason } = recording.value;
  if (state === 'off') return null;
  return (
    <p class={state === 'on' ? 'state' : 'state bad'} role="status" data-recording={state}>
      {state === 'on' && <span class="dot" aria-hidden="true" />}
      {state === 'on' ? t('recording.on') : t('recording.failed', { reason })}
    </p>
  );
}
