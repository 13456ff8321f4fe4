// staff.tsx - the page of staff: moderates the questions, sees all sites, lowers hands, lets devices in; the stage is
// the chair's

import { boot } from '../app';
import { Arrival, HearingState } from '../components/arrival';
import { Board, Presence } from '../components/board';
import { OnStage, Queue, Waiters } from '../components/hub';
import { Note } from '../components/notes';
import { Programme, Volume } from '../components/programme';
import { Questions } from '../components/questions';
import { RecordingState, RecordingsLink } from '../components/recording';
import { isInRoom, title } from '../state';
import '../styles/base.css';
import '../styles/room.css';
import '../styles/hub.css';
import '../styles/questions.css';

function StaffPage() {
  return isInRoom.value ? (
    <Hub />
  ) : (
    <Arrival words={{ kind: 'ready.staff', join: 'ready.staff-join', hint: 'ready.staff-hint' }} />
  );
}

function Hub() {
  return (
    <div class="hub staff">
      <header class="hub-head">
        <h1>{title.value}</h1>
        <Presence />
        <HearingState />
        <RecordingState />
        <RecordingsLink kind="staff" />
      </header>
      <main class="hub-main">
        <div class="hub-stage">
          <Programme ownMain={false} />
          <Volume />
          <OnStage canDirect={false} />
          <Queue canDirect={false} />
        </div>
        <div class="hub-desk">
          <Waiters />
          <Questions />
        </div>
        <div class="hub-side">
          <Board canDirect={false} />
        </div>
        <Note />
      </main>
    </div>
  );
}

void boot('staff', StaffPage);
