// stage-buttons.tsx - what a chair can do with somebody who is on stage

import { act } from '../act';
import { t } from '../i18n';
import type { OnAir } from '../protocol';

export function StageButtons({ one, isMain }: { one: OnAir; isMain: boolean }) {
  const { seat, muted, name } = one;
  return (
    <>
      <button
        type="button"
        class="small"
        data-act="main"
        aria-pressed={isMain}
        aria-label={`${t(isMain ? 'stage.is-main' : 'stage.main')}: ${name}`}
        onClick={act((s) => !isMain && s.ask('stage.main', { seat }))}
      >
        {t(isMain ? 'stage.is-main' : 'stage.main')}
      </button>
      <button
        type="button"
        class="small"
        data-act="mute"
        aria-label={`${t(muted ? 'stage.unmute' : 'stage.mute')}: ${name}`}
        onClick={act((s) => s.ask('stage.mute', { seat, muted: !muted }))}
      >
        {t(muted ? 'stage.unmute' : 'stage.mute')}
      </button>
      <button
        type="button"
        class="small"
        data-act="dismiss"
        aria-label={`${t('stage.dismiss')}: ${name}`}
        onClick={act((s) => s.ask('stage.dismiss', { seat }))}
      >
        {t('stage.dismiss')}
      </button>
    </>
  );
}
