// chair.tsx - the page of the chair: the programme, one's own place in it, who asks, who is there

import { boot } from '../app';
import { Arrival, HearingState } from '../components/arrival';
import { Board, Presence } from '../components/board';
import { Console } from '../components/console';
import { OnStage, Queue, Waiters } from '../components/hub';
import { Note } from '../components/notes';
import { Programme } from '../components/programme';
import { Questions } from '../components/questions';
import { RecordingState, RecordingsLink } from '../components/recording';
import { isInRoom, questionFilter, title } from '../state';
import '../styles/base.css';
import '../styles/room.css';
import '../styles/hub.css';
import '../styles/questions.css';

function ChairPage() {
  return isInRoom.value ? (
    <Hub />
  ) : (
    <Arrival words={{ kind: 'ready.chair', join: 'ready.chair-join', hint: 'ready.chair-hint' }} />
  );
}

function Hub() {
  return (
    <div class="hub">
      <header class="hub-head">
        <h1>{title.value}</h1>
        <Presence />
        <HearingState />
        <RecordingState />
        <RecordingsLink kind="chair" />
      </header>
      <main class="hub-main">
        <div class="hub-stage">
          <Programme ownMain />
          <Console />
          <OnStage canDirect />
        </div>
        <div class="hub-side">
          <Waiters />
          <Queue canDirect />
          <Questions filters={['approved', 'on-air']} />
          <Board canDirect />
        </div>
        <Note />
      </main>
    </div>
  );
}

questionFilter.value = 'approved'; // what staff have passed on
void boot('chair', ChairPage);
