// hub.tsx - what waits for the hub: who is on stage, who asks to speak, which device asks for a seat

import { useEffect, useState } from 'preact/hooks';

import { act } from '../act';
import { t } from '../i18n';
import type { OnAir } from '../protocol';
import { me, queue, sites, stage } from '../state';
import { Icon } from './icon';
import { StageButtons } from './stage-buttons';

const MINUTE_MS = 60000;

export function OnStage({ canDirect }: { canDirect: boolean }) {
  const { on_air, main, slides } = stage.value;
  return (
    <section class="on-stage" aria-labelledby="on-stage-title">
      <h2 id="on-stage-title">
        {t('console.on-stage')} <b>{on_air.length}</b>
      </h2>
      {on_air.length === 0 && <p class="empty">{t('console.on-stage-none')}</p>}
      <ul>
        {on_air.map((one) => (
          <Performer
            key={one.seat}
            one={one}
            isMain={one.seat === main}
            isSlides={one.seat === slides}
            canDirect={canDirect}
          />
        ))}
      </ul>
    </section>
  );
}

interface PerformerProps {
  one: OnAir;
  isMain: boolean;
  isSlides: boolean;
  canDirect: boolean;
}

function Performer({ one, isMain, isSlides, canDirect }: PerformerProps) {
  const isMe = one.seat === me.value?.seat;
  // A site has its row on the board; whoever has none is found by his card.
  const own = sites.value.has(one.seat) ? { 'data-air': one.seat } : { 'data-seat': one.seat };
  return (
    <li class={isMain ? 'performer main' : 'performer'} {...own}>
      <div class="performer-who">
        <p class="row-name">
          {one.name}
          {isMe && <small> ({t('stage.you')})</small>}
        </p>
        <p class="performer-state">
          <Icon name={one.muted || !one.mic ? 'mic-off' : 'mic'} />
          {t(one.muted ? 'stage.muted' : one.mic ? 'stage.mic' : 'stage.silent')}
          <Icon name={one.camera ? 'camera' : 'camera-off'} />
          {t(one.camera ? 'stage.camera' : 'stage.no-camera')}
          {isMain && <b class="tag">{t('stage.is-main')}</b>}
          {isSlides && <b class="tag">{t('stage.is-slides')}</b>}
        </p>
      </div>
      {canDirect && (
        <div class="row-acts">
          {isMe ? <OwnMain one={one} isMain={isMain} /> : <StageButtons one={one} isMain={isMain} />}
        </div>
      )}
    </li>
  );
}

// One's own microphone and way down are in the console.
function OwnMain({ one, isMain }: { one: OnAir; isMain: boolean }) {
  if (isMain) return null;
  return (
    <button
      type="button"
      class="small"
      data-act="main"
      onClick={act((s) => s.ask('stage.main', { seat: one.seat }))}
    >
      {t('stage.main')}
    </button>
  );
}

export function Queue({ canDirect }: { canDirect: boolean }) {
  const now = useClock();
  const waiting = queue.value;
  return (
    <section class="queue" aria-labelledby="queue-title">
      <h2 id="queue-title">
        {t('queue.title')} <b>{waiting.length}</b>
      </h2>
      {waiting.length === 0 && <p class="empty">{t('queue.none')}</p>}
      <ol>
        {waiting.map(({ seat, name, since }, i) => (
          <li key={seat} class="asker" data-asker={seat}>
            <span class="asker-place">{i + 1}</span>
            <div class="asker-who">
              <p class="row-name">{name}</p>
              <p class="row-district">{waited(now - since)}</p>
            </div>
            <div class="row-acts">
              <button
                type="button"
                class="small"
                data-act="lower"
                aria-label={`${t('queue.lower')}: ${name}`}
                onClick={act((s) => s.ask('hand.lower', { seat }))}
              >
                {t('queue.lower')}
              </button>
              {canDirect && (
                <button
                  type="button"
                  class="red"
                  data-act="call"
                  aria-label={`${t('stage.call')}: ${name}`}
                  onClick={act((s) => s.ask('stage.call', { seat }))}
                >
                  {t('stage.call')}
                </button>
              )}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function waited(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  return minutes < 1 ? t('queue.waited-new') : t('queue.waited', { minutes });
}

function useClock(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MINUTE_MS / 4);
    return () => clearInterval(timer);
  }, []);
  return now;
}

// Devices that wait for a seat somebody sits on: the hub's choice, above everything else.
export function Waiters() {
  const waiting = [...sites.value.values()].filter((site) => site.waiting);
  if (waiting.length === 0) return null;
  return (
    <section class="waiters" aria-label={t('waiters.title')}>
      <ul>
        {waiting.map(({ seat, name }) => (
          <li key={seat}>
            <p>
              <Icon name="lost" />
              {t('waiters.text', { name })}
            </p>
            <div class="row-acts">
              <button type="button" class="small gold" data-act="admit" onClick={act((s) => s.ask('seat.admit', { seat }))}>
                {t('waiters.admit')}
              </button>
              <button type="button" class="small" data-act="refuse" onClick={act((s) => s.ask('seat.refuse', { seat }))}>
                {t('waiters.refuse')}
              </button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
