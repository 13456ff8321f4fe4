// site.tsx - the page of a site: hear, see, ask to speak, send a question, speak when called. Never more than three
// large buttons; what the line can carry is said quietly under the picture

import { act } from '../act';
import { boot } from '../app';
import { Arrival, HearingState } from '../components/arrival';
import { AskButton, AskPanel } from '../components/ask-panel';
import { CheckEntry, checkPage } from '../components/check-entry';
import { Icon } from '../components/icon';
import { LineState } from '../components/line';
import { Note } from '../components/notes';
import { Programme, Volume } from '../components/programme';
import { RecordingState } from '../components/recording';
import { CameraButton, Called, Faults, LeaveButton, MicButton, OnAirState } from '../components/speaking';
import { t } from '../i18n';
import { isAskOpen, isChecking, isInRoom, isLineUp, me, myPlace, phase, stageOfMine, title } from '../state';
import '../styles/base.css';
import '../styles/room.css';
import '../styles/ask.css';

function SitePage() {
  const Check = checkPage.value;
  if (isInRoom.value) return <Room />;
  if (Check && isChecking.value && phase.value === 'ready') return <Check />;
  return (
    <Arrival words={{ join: 'ready.join', hint: 'ready.hint' }}>
      <CheckEntry />
    </Arrival>
  );
}

function Room() {
  return (
    <div class={`room ${stageOfMine.value}`}>
      <header class="room-head">
        <h1>{title.value}</h1>
        <p class="room-name">{me.value?.name}</p>
        <HearingState />
        <RecordingState />
      </header>
      <main class="room-main">
        <Programme ownMain={false} />
        <Note />
      </main>
      {stageOfMine.value !== 'called' && <LineState />}
      <Foot />
    </div>
  );
}

function Foot() {
  switch (stageOfMine.value) {
    case 'called':
      return <Called />;
    case 'on':
      return (
        <footer class="foot speaking">
          <OnAirState />
          <Faults isSite />
          <div class="foot-acts">
            <MicButton />
            <CameraButton />
            <LeaveButton label={t('speaking.leave')} />
          </div>
        </footer>
      );
    default:
      return (
        <footer class="foot">
          <Hand />
          <AskButton />
          <Volume />
          {isAskOpen.value && <AskPanel />}
        </footer>
      );
  }
}

function Hand() {
  const place = myPlace.value;
  return (
    <div class={place ? 'hand up' : 'hand'}>
      {place > 0 && (
        <p class="hand-place" role="status">
          <Icon name="check" />
          {place === 1 ? t('hand.first') : t('hand.place', { place })}
        </p>
      )}
      <button
        type="button"
        class={place ? 'big calm' : 'big red'}
        data-act="hand"
        aria-disabled={!isLineUp.value}
        onClick={act((s) => s.toggleHand())}
      >
        <Icon name={place ? 'cross' : 'hand'} />
        {t(place ? 'hand.lower' : 'hand.raise')}
      </button>
    </div>
  );
}

void boot('site', SitePage);
