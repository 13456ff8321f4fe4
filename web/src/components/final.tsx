// final.tsx - the last page: why it is over and what may be done

import type { JSX } from 'preact';

import { type Key, t } from '../i18n';
import type { End } from '../state';
import { Sheet } from './sheet';

const WORDS: Record<string, { title: Key; hint: Key; again?: Key }> = {
  replaced: { title: 'end.replaced', hint: 'end.replaced-hint', again: 'end.again' },
  revoked: { title: 'end.revoked', hint: 'end.revoked-hint' },
  refused: { title: 'end.refused', hint: 'end.refused-hint', again: 'end.ask-again' },
  ended: { title: 'end.ended', hint: 'end.ended-hint' },
  'no-link': { title: 'end.no-link', hint: 'end.no-link-hint' },
  'old-browser': { title: 'end.old-browser', hint: 'end.old-browser-hint' },
};

export function Final({ end, again }: { end: End; again: () => void }): JSX.Element {
  const words = WORDS[end.reason] ?? { title: 'end.bad-link', hint: 'end.no-link-hint' };
  return (
    <Sheet>
      <h1>{t(words.title)}</h1>
      <p class="lead">{end.message || t(words.hint)}</p>
      {words.again && (
        <button type="button" class="big calm" data-act="again" onClick={again}>
          {t(words.again)}
        </button>
      )}
    </Sheet>
  );
}
