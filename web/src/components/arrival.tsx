// arrival.tsx - the way in: loading, one large button, waiting for the hub

import type { ComponentChildren } from 'preact';

import { act } from '../act';
import { type Key, t } from '../i18n';
import { hearing, isLineUp, me, phase, title, trouble } from '../state';
import { Icon } from './icon';
import { Sheet } from './sheet';

export interface ArrivalWords {
  kind?: Key; // under the forum's title: which page this is
  join: Key;
  hint: Key;
}

// children: what else there is to do before joining.
export function Arrival({ words, children }: { words: ArrivalWords; children?: ComponentChildren }) {
  switch (phase.value) {
    case 'ready':
      return <Ready words={words}>{children}</Ready>;
    case 'waiting':
      return <Waiting />;
    default:
      return <Loading />;
  }
}

function Ready({ words, children }: { words: ArrivalWords; children: ComponentChildren }) {
  return (
    <Sheet>
      <h1>{title.value}</h1>
      <p class="place">
        {words.kind ? t(words.kind) : <span class="unseen">{t('ready.site')} </span>}
        {!words.kind && me.value?.name}
      </p>
      <button type="button" class="big red" data-act="join" autoFocus onClick={act((s) => s.join())}>
        <Icon name="door" />
        {t(words.join)}
      </button>
      <p class="hint">{t(words.hint)}</p>
      {children}
      <LineState />
    </Sheet>
  );
}

function Waiting() {
  return (
    <Sheet>
      <h1>{t('waiting.title')}</h1>
      <p class="place">{me.value?.name}</p>
      <p class="lead" role="status">
        {t('waiting.text')}
      </p>
      <LineState />
    </Sheet>
  );
}

function Loading() {
  return (
    <Sheet>
      <p class="lead" role="status">
        {t(phase.value === 'joining' ? 'joining.text' : 'app.loading')}
      </p>
      {trouble.value ? <p class="hint">{trouble.value}</p> : <p class="hint late">{t('app.loading-slow')}</p>}
    </Sheet>
  );
}

function LineState() {
  return isLineUp.value ? (
    <p class="state good">
      <Icon name="check" />
      {t('status.online')}
    </p>
  ) : (
    <p class="state bad">
      <Icon name="lost" />
      {trouble.value || t('status.offline')}
    </p>
  );
}

// In the room: what one hears, in words.
export function HearingState() {
  const { value } = hearing;
  const isGood = value === 'hearing';
  return (
    <p class={`state ${isGood ? 'good' : value === 'connecting' ? 'busy' : 'bad'}`} role="status">
      <Icon name={isGood ? 'sound' : value === 'connecting' ? 'wait' : 'lost'} />
      {t(`status.${value}`)}
    </p>
  );
}
