// console.tsx - the chair's own place: on stage or not, microphone, camera, screen

import { act } from '../act';
import { canShareScreen } from '../devices';
import { t } from '../i18n';
import { isAsking, isMicOn, isOnAir, publishState, speaking, tracks } from '../state';
import { Icon } from './icon';
import { Level } from './level';
import { CameraButton, Faults, LeaveButton, MicButton } from './speaking';

export function Console() {
  const isOn = isOnAir.value && speaking.value === 'on';
  return (
    <section class={isOn ? 'console on' : 'console'} aria-label={t('console.title')}>
      {isOn ? <OnAirWord /> : <OffAirWord />}
      <div class="console-acts">{isOn ? <Switches /> : <GoLive />}</div>
      <Faults isSite={false} />
    </section>
  );
}

function OffAirWord() {
  const isBusy = speaking.value !== 'off';
  return (
    <div class="console-word">
      <p class="air-word">{t(isBusy ? (isAsking.value ? 'console.asking' : 'console.opening') : 'console.off')}</p>
      {!isBusy && <p class="air-hint">{t('console.off-hint')}</p>}
    </div>
  );
}

function OnAirWord() {
  const isLost = publishState.value !== 'connected';
  const { mic } = tracks.value;
  return (
    <div class={isLost ? 'console-word' : 'console-word live'} role="status">
      <p class="air-word">
        <Icon name={isLost ? 'lost' : 'live'} />
        {t(isLost ? 'speaking.reconnecting' : isMicOn.value ? 'console.on' : 'console.on-muted')}
      </p>
      {mic && isMicOn.value && <Level track={mic} />}
    </div>
  );
}

function GoLive() {
  return (
    <button
      type="button"
      class="big red"
      data-act="go-live"
      aria-disabled={speaking.value !== 'off'}
      onClick={act((s) => s.goLive())}
    >
      <Icon name="live" />
      {t('console.go-live')}
    </button>
  );
}

function Switches() {
  const isSharing = tracks.value.screen !== null;
  return (
    <>
      <MicButton />
      <CameraButton />
      {canShareScreen() && (
        <button
          type="button"
          class={isSharing ? 'big switch' : 'big switch off'}
          data-act="screen"
          onClick={act((s) => s.toggleScreen())}
        >
          <Icon name={isSharing ? 'screen-off' : 'screen'} />
          {t(isSharing ? 'screen.turn-off' : 'screen.turn-on')}
        </button>
      )}
      <LeaveButton label={t('console.leave')} />
    </>
  );
}
