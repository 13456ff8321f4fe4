// speaking.tsx - called up, speaking, and what is wrong with a device

import { useEffect, useRef } from 'preact/hooks';

import { act } from '../act';
import { t } from '../i18n';
import type { Source } from '../protocol';
import { faults, isAsking, isMicOn, myAir, publishState, speaking, tracks } from '../state';
import { Icon } from './icon';
import { Level } from './level';

const DEVICES: Source[] = ['mic', 'camera', 'screen'];

// One sentence a fault: what it is and what to do.
export function Faults({ isSite }: { isSite: boolean }) {
  const list = DEVICES.flatMap((device) => faults.value[device] ?? []);
  if (list.length === 0) return null;
  return (
    <div class="faults">
      {list.map(({ device, reason }) => (
        <p class={device === 'mic' ? 'fault grave' : 'fault'} key={device}>
          <Icon name={device === 'mic' ? 'mic-off' : device === 'camera' ? 'camera-off' : 'screen-off'} />
          <span>
            {t(`fault.${device}.${reason}`)}
            {isSite && device === 'mic' && speaking.value === 'off' && ` ${t('fault.still-listening')}`}
          </span>
          {device === 'mic' && speaking.value !== 'off' && (
            <button type="button" class="small" data-act="retry-mic" onClick={act((s) => s.retryMic())}>
              {t('retry')}
            </button>
          )}
        </p>
      ))}
    </div>
  );
}

// The chair has called this site: one thing to do, too large to miss.
export function Called() {
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => ref.current?.focus(), []);
  const isBusy = speaking.value !== 'off';
  const isRetry = faults.value.mic !== undefined;
  return (
    <section class="called" aria-labelledby="called-title">
      <h2 id="called-title">{t('called.title')}</h2>
      <Faults isSite />
      <button
        type="button"
        class="giant"
        data-act="open-mic"
        ref={ref}
        aria-disabled={isBusy}
        onClick={act((s) => s.openMic())}
      >
        <Icon name="mic" />
        {isBusy ? t('called.opening') : t(isRetry ? 'called.retry' : 'called.open-mic')}
      </button>
      <p class="called-hint" role="status">
        {t(isBusy && isAsking.value ? 'called.asking' : 'called.hint')}
      </p>
      <button type="button" class="plain" data-act="leave-stage" onClick={act((s) => s.leaveStage())}>
        {t('called.decline')}
      </button>
    </section>
  );
}

export function MicButton() {
  const isOn = isMicOn.value;
  return (
    <button type="button" class={isOn ? 'big switch' : 'big switch off'} data-act="mic" onClick={act((s) => s.toggleMic())}>
      <Icon name={isOn ? 'mic' : 'mic-off'} />
      {t(isOn ? 'mic.turn-off' : 'mic.turn-on')}
    </button>
  );
}

export function CameraButton() {
  const isOn = tracks.value.camera?.readyState === 'live';
  return (
    <button
      type="button"
      class={isOn ? 'big switch' : 'big switch off'}
      data-act="camera"
      onClick={act((s) => s.toggleCamera())}
    >
      <Icon name={isOn ? 'camera' : 'camera-off'} />
      {t(isOn ? 'camera.turn-off' : 'camera.turn-on')}
    </button>
  );
}

export function LeaveButton({ label }: { label: string }) {
  return (
    <button type="button" class="big calm" data-act="leave-stage" onClick={act((s) => s.leaveStage())}>
      <Icon name="down" />
      {label}
    </button>
  );
}

// Is one heard? Red means yes.
export function OnAirState() {
  const isLost = publishState.value !== 'connected';
  const isMuted = myAir.value?.muted ?? false;
  const { mic } = tracks.value;
  const isHeard = !isLost && !isMuted && isMicOn.value;
  return (
    <div class={isHeard ? 'air-state heard' : 'air-state'}>
      <p class="air-word" role="status">
        <Icon name={isHeard ? 'live' : isLost ? 'lost' : 'mic-off'} />
        {t(isLost ? 'speaking.reconnecting' : isMuted ? 'speaking.muted' : isMicOn.value ? 'speaking.on' : 'speaking.mic-off')}
      </p>
      {isMuted && !isLost ? <p class="air-hint">{t('speaking.muted-hint')}</p> : mic && isMicOn.value && <Level track={mic} />}
    </div>
  );
}
