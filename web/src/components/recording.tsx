// recording.tsx - whether this meeting is being recorded, and why not

import { t } from '../i18n';
import { keptToken } from '../link';
import { recording } from '../state';

// To the list of recordings, in a tab of its own: this one goes on hearing. The link's token goes along behind `#`.
export function RecordingsLink({ kind }: { kind: 'chair' | 'staff' }) {
  return (
    <a
      class="recordings-link"
      data-act="recordings"
      target="_blank"
      rel="noopener"
      href={`/review#${keptToken(kind) ?? ''}`}
    >
      {t('recordings.link')}
    </a>
  );
}

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
