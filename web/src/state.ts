// state.ts - what the page knows, as signals; session.ts writes, pages draw

import { computed, signal } from '@preact/signals';

import type { DeviceFault } from './devices';
import type { PeerState } from './keeper';
import type { Mail } from './outbox';
import { isPictureOff, mergeLines } from './ladder';
import type { Hello, Line, MachineCheck, Question, QuestionCounts, Source, Stage, Waiter } from './protocol';
import type { Tracks } from './publish';
import type { Streams } from './receive';
import {
  EMPTY_DESK,
  EMPTY_STAGE,
  type Desk,
  type QuestionFilter,
  type Sites,
  inOrder,
  isReordered,
  isSlidesShown,
  isSomebodyFlowing,
  mainBefore,
  mergeSites,
  newerStage,
  onAirOf,
  placeOf,
  shownOnMain,
} from './reduce';

export type Phase =
  | 'loading'
  | 'ready'
  | 'joining'
  | 'joined'
  | 'waiting'
  | 'reconnecting'
  | 'ended'
  | 'refused';

// Why the page has ended: bye's reason, or the server's No to hello. The words may be the server's.
export interface End {
  phase: 'ended' | 'refused';
  reason: string;
  message: string;
}

export interface Me {
  seat: string;
  role: Hello['role'];
  name: string;
}

// off; asking for a device; opening the connection; on
export type Speaking = 'off' | 'asking' | 'opening' | 'on';

export const me = signal<Me | null>(null);
export const title = signal('');
export const isWaiting = signal(false);
export const isLineUp = signal(false);
export const trouble = signal(''); // why the server lets nobody in just now, in its words
export const wantsIn = signal(false); // the person has pressed the button
export const hasBeenIn = signal(false);
export const end = signal<End | null>(null);

export const phase = computed<Phase>(() => {
  if (end.value) return end.value.phase;
  if (!me.value) return 'loading';
  if (isWaiting.value) return 'waiting';
  if (!wantsIn.value) return 'ready';
  if (!hasBeenIn.value) return 'joining';
  return isLineUp.value ? 'joined' : 'reconnecting';
});

export const isInRoom = computed(() => ['joining', 'joined', 'reconnecting'].includes(phase.value));

// --- stage and queue ----------------------------------------------------------------------------------

export const stage = signal<Stage>(EMPTY_STAGE);
export const recording = signal<{ state: 'on' | 'off' | 'failed'; reason: string }>({ state: 'off', reason: '' });
export const before = signal<string | null>(null); // who had the main slot before
export const queue = signal<Waiter[]>([]);

const mySeat = computed(() => me.value?.seat ?? null);
export const myAir = computed(() => onAirOf(stage.value, mySeat.value));
export const isLeaving = signal(false); // off stage by our own wish, which the server may not know yet
export const isOnAir = computed(() => myAir.value !== null && !isLeaving.value);
export const myPlace = computed(() => placeOf(queue.value, mySeat.value));
export const mainShown = computed(() => shownOnMain(stage.value, mySeat.value, before.value));
export const isMainMine = computed(() => isOnAir.value && stage.value.main === mySeat.value);
export const areSlidesShown = computed(() => isSlidesShown(stage.value, mySeat.value));

export const line = signal<Line | null>(null); // what the receive connection can carry; null: not told yet
export const isSaving = signal(false); // "save data", remembered on this machine
export const isPictureHeld = computed(() => isPictureOff(line.value));
export const isFlowExpected = computed(() => isSomebodyFlowing(stage.value, mySeat.value, line.value));

export function putStage(news: Stage, isFirst: boolean): void {
  const known = stage.value;
  const next = isFirst ? news : newerStage(known, news);
  if (next === known) return;
  before.value = mainBefore(before.value, known, next);
  stage.value = next;
}

// --- what comes in and goes out -----------------------------------------------------------------------

export const receiveState = signal<PeerState>('off');
export const publishState = signal<PeerState>('off');
export const streams = signal<Streams | null>(null);
export const isSoundBlocked = signal(false); // the browser wants a click before it plays
export const volume = signal(1);

export const speaking = signal<Speaking>('off');
export const tracks = signal<Tracks>({ mic: null, camera: null, screen: null });
export const isMicOn = signal(true);
export const isAsking = signal(false); // a device has been asked for and has not come yet
export const faults = signal<Partial<Record<Source, DeviceFault>>>({});

// off, called (on stage but nothing is sent yet), on
export const stageOfMine = computed(() => {
  if (!isOnAir.value) return 'off';
  return speaking.value === 'on' ? 'on' : 'called';
});

export type Hearing = 'connecting' | 'lost' | 'hearing' | 'alone';

// What the status line says: media decides; the line alone only takes the buttons away.
export const hearing = computed<Hearing>(() => {
  if (receiveState.value === 'connected') return isLineUp.value ? 'hearing' : 'alone';
  return receiveState.value === 'lost' || !isLineUp.value ? 'lost' : 'connecting';
});

// --- the board ------------------------------------------------------------------------------------------

export const sites = signal<Sites>(new Map());
export const siteOrder = signal<string[]>([]);

export function putSites(rows: Hello['sites'], isFirst: boolean): void {
  if (!rows) return;
  const known: Sites = isFirst ? new Map() : sites.value;
  const isNewOrder = isReordered(known, rows);
  sites.value = mergeSites(known, rows);
  if (isNewOrder) siteOrder.value = inOrder(sites.value);
}

export function putLines(rows: { seat: string; line: Line | null }[]): void {
  sites.value = mergeLines(sites.value, rows);
}

// --- questions ------------------------------------------------------------------------------------------

export const desk = signal<Desk>(EMPTY_DESK); // of staff: all of the forum's; of a site: its own
export const questionCounts = signal<QuestionCounts | null>(null);
export const questionFilter = signal<QuestionFilter>('all');
export const mail = signal<Mail | null>(null); // what was written on this page
export const isAskOpen = signal(false);

export const questionOf = (id: string): Question | undefined => desk.value.known.get(id);

// --- this machine ---------------------------------------------------------------------------------------

export const lastCheck = signal<MachineCheck | null>(null);
export const isChecking = signal(false); // the check of the machine is on the screen

// --- words for the person -------------------------------------------------------------------------------

export interface Note {
  text: string;
  tone: 'info' | 'warn';
}

export const note = signal<Note | null>(null); // a sentence on the screen for some seconds
export const spoken = signal<{ text: string; isUrgent: boolean }>({ text: '', isUrgent: false }); // for screen readers

// Another link: nothing of the last one is left.
export function forget(): void {
  me.value = null;
  title.value = trouble.value = '';
  isWaiting.value = isLineUp.value = wantsIn.value = hasBeenIn.value = false;
  end.value = null;
  stage.value = EMPTY_STAGE;
  recording.value = { state: 'off', reason: '' };
  before.value = null;
  queue.value = [];
  receiveState.value = publishState.value = 'off';
  streams.value = line.value = null;
  isSaving.value = false;
  isSoundBlocked.value = isAsking.value = isLeaving.value = false;
  speaking.value = 'off';
  faults.value = {};
  sites.value = new Map();
  siteOrder.value = [];
  desk.value = EMPTY_DESK;
  questionCounts.value = mail.value = null;
  isAskOpen.value = isChecking.value = false;
  lastCheck.value = null;
  note.value = null;
}
