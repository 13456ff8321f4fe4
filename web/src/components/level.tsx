// level.tsx - how loud the microphone is, and a word when it stays silent

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { FLOOR_DB, TOP_DB, listen } from '../ear';
import { t } from '../i18n';

const BARS = 10;
const SILENT_MS = 5000;

type Tell = (db: number | null) => void;

// A meter of ten bars. `follow` gives it the level until the function that comes back is called.
export function Bars({ follow }: { follow: (tell: Tell) => () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(
    () =>
      follow((db) => {
        const lit = db === null ? 0 : Math.round(((db - FLOOR_DB) / (TOP_DB - FLOOR_DB)) * BARS);
        ref.current?.childNodes.forEach((bar, i) => (bar as HTMLElement).classList.toggle('lit', i < lit));
      }),
    [follow],
  );
  return (
    <div class="level" ref={ref} role="img" aria-label={t('speaking.level')}>
      {Array.from({ length: BARS }, (_, i) => (
        <i key={i} />
      ))}
    </div>
  );
}

export function Level({ track }: { track: MediaStreamTrack }) {
  const [isSilent, setSilent] = useState(false);
  const follow = useCallback(
    (tell: Tell) => {
      let heard = performance.now();
      return listen(track, (db) => {
        if (db === null || db > FLOOR_DB) heard = performance.now(); // not listening is not silence
        if (db !== null) setSilent(performance.now() - heard > SILENT_MS);
        tell(db);
      });
    },
    [track],
  );
  return (
    <>
      <Bars follow={follow} />
      {isSilent && (
        <p class="air-hint" role="status">
          {t('speaking.silent')}
        </p>
      )}
    </>
  );
}
