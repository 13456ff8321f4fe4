// protocol.ts - the messages between a page and signaling: docs/API.md §2, in types and readers
//
// Knows no screen and no socket. Each method has its parameters as a type and its result as a reader; each
// notification has a reader. tests/protocol/ holds an example of every one of them.

import { type Read, count, flag, list, maybe, oneOf, optional, record, shape, text, whole } from './read';

export const SUBPROTOCOL = 'diemcau.v1';

// --- what the messages are made of ----------------------------------------------------------------

const role = oneOf(
  'admin',
  'chair',
  'director',
  'moderator',
  'speaker',
  'site',
  'helper',
  'reviewer',
  'viewer',
);
export type Role = ReturnType<typeof role>;

const slot = oneOf('a0', 'a1', 'a2', 'main', 'slides');
export type Slot = ReturnType<typeof slot>;

export type Source = 'mic' | 'camera' | 'screen';
export type Which = 'receive' | 'publish';

const onAir = shape({
  seat: text,
  name: text,
  role,
  muted: flag,
  mic: flag,
  camera: flag,
  screen: flag,
});
export type OnAir = ReturnType<typeof onAir>;

const stage = shape({ rev: count, main: maybe(text), slides: maybe(text), on_air: list(onAir) });
export type Stage = ReturnType<typeof stage>;

const waiter = shape({ seat: text, name: text, since: count });
export type Waiter = ReturnType<typeof waiter>;

// What a receive connection can carry: docs/API.md §2.6.
const line = shape({
  rung: whole(0, 6),
  why: oneOf('line', 'loss', 'cap', 'top', 'unknown'),
  rate_bps: count,
  loss_percent: count,
  rtt_ms: maybe(count),
});
export type Line = ReturnType<typeof line>;

// In the order in which advice is given.
export const FAULTS = [
  'insecure',
  'mic-missing',
  'mic-denied',
  'mic-busy',
  'mic-silent',
  'speaker-unheard',
  'line-none',
  'line-down',
  'line-up',
  'line-loss',
  'line-delay',
  'line-tcp',
  'line-unknown',
  'camera-missing',
  'camera-denied',
  'camera-busy',
] as const;
export type CheckFault = (typeof FAULTS)[number];

const path = oneOf('udp', 'tcp', 'none');
export type Path = ReturnType<typeof path>;

const verdict = oneOf('ok', 'help', 'never');

const check = shape({
  at: count,
  verdict,
  faults: list(oneOf<CheckFault>(...FAULTS)),
  down_bps: maybe(count),
  up_bps: maybe(count),
  rtt_ms: maybe(count),
  loss_permille: maybe(count),
  path: maybe(path),
});
export type MachineCheck = ReturnType<typeof check>;

const site = shape({
  seat: text,
  name: text,
  district: text,
  phone: text,
  online: flag,
  receiving: flag,
  transport: text,
  hand: flag,
  on_air: flag,
  waiting: flag,
  line: maybe(line),
  check: verdict,
  checked: count,
});
export type Site = ReturnType<typeof site>;

const hello = shape({
  seat: text,
  role,
  name: text,
  forum: shape({ id: text, title: text }),
  waiting: flag,
  resumed: shape({ receive: flag, publish: flag }),
  stage,
  queue: list(waiter),
  sites: optional(list(site)),
  line: optional(line),
  check: optional(check),
});
export type Hello = ReturnType<typeof hello>;

const seatState = shape({ on_air: flag, muted: flag, hand: flag, place: count });
export type SeatState = ReturnType<typeof seatState>;

const questionState = oneOf('new', 'approved', 'on-air', 'answered');
export type QuestionState = ReturnType<typeof questionState>;

const question = shape({
  id: text,
  number: count,
  seat: text,
  site: text,
  source: oneOf('page', 'ask'),
  name: text,
  text,
  state: questionState,
  created: count,
  changed: count,
});
export type Question = ReturnType<typeof question>;

const questionCounts = shape({ new: count, approved: count, 'on-air': count, answered: count });
export type QuestionCounts = ReturnType<typeof questionCounts>;

export const receipt = shape({ id: text, number: count, state: questionState });

const address = { url: text, expires: count };
const recordingRow = shape({
  id: text,
  state: oneOf('recording', 'finishing', 'ready', 'failed'),
  reason: text,
  started: count,
  ended: count,
  length_ms: count,
  bytes: count,
  gaps: count,
  url: optional(text),
  expires: optional(count),
});
export type Recording = ReturnType<typeof recordingRow>;
export const recordings = shape({ recordings: list(recordingRow) });

const bye = shape({ reason: text });

const nothing: Read<Record<string, never>> = (value, at) => {
  record(value, at);
  return {};
};

// --- requests -------------------------------------------------------------------------------------

const results = {
  hello,
  'receive.offer': shape({ peer: text, sdp: text, slots: list(shape({ mid: text, slot })) }),
  'receive.restart': shape({ fragment: text }),
  'receive.close': nothing,
  'publish.offer': shape({ peer: text, sdp: text }),
  'publish.restart': shape({ fragment: text }),
  'publish.close': nothing,
  'publish.set': nothing,
  'line.limit': nothing,
  'hand.raise': shape({ place: count }),
  'hand.lower': nothing,
  'stage.join': nothing,
  'stage.leave': nothing,
  'stage.call': nothing,
  'stage.dismiss': nothing,
  'stage.main': nothing,
  'stage.mute': nothing,
  'seat.admit': nothing,
  'seat.refuse': nothing,
  'question.ask': receipt,
  'question.mine': shape({ questions: list(question), more: flag }),
  'question.list': shape({ questions: list(question), counts: questionCounts, more: flag }),
  'question.set': nothing,
  'preflight.report': check,
  'preflight.list': shape({ checks: list(check) }),
  'recording.list': recordings,
  'recording.open': shape(address),
} satisfies Record<string, Read<unknown>>;

export type Method = keyof typeof results;
export type Result<M extends Method> = ReturnType<(typeof results)[M]>;

type OfSeat = { seat: string };
type Nothing = Record<string, never>;

export interface Params {
  hello: { token: string; device: string; resume?: { receive?: string; publish?: string } };
  'receive.offer': { sdp: string };
  'receive.restart': { fragment: string };
  'receive.close': Nothing;
  'publish.offer': { sdp: string; sources: { mid: string; source: Source }[] };
  'publish.restart': { fragment: string };
  'publish.close': Nothing;
  'publish.set': { mic: boolean; camera: boolean; screen: boolean };
  'line.limit': { rung: number };
  'hand.raise': Nothing;
  'hand.lower': Nothing | OfSeat;
  'stage.join': Nothing;
  'stage.leave': Nothing;
  'stage.call': OfSeat;
  'stage.dismiss': OfSeat;
  'stage.main': { seat: string | null };
  'stage.mute': { seat: string; muted: boolean };
  'seat.admit': OfSeat;
  'seat.refuse': OfSeat;
  'question.ask': { key: string; text: string; name: string };
  'question.mine': { after?: number };
  'question.list': { state?: QuestionState; after?: number; limit: number };
  'question.set': { id: string; state: QuestionState };
  'preflight.report': Omit<MachineCheck, 'at' | 'verdict'>;
  'preflight.list': OfSeat;
  'recording.list': Nothing;
  'recording.open': { id: string };
}

export const readResult = <M extends Method>(method: M, value: unknown): Result<M> =>
  results[method](value, method) as Result<M>;

export const isMethod = (name: string): name is Method => Object.hasOwn(results, name);

// --- notifications --------------------------------------------------------------------------------

const notices = {
  'stage.state': stage,
  'queue.state': shape({ queue: list(waiter) }),
  'sites.state': shape({ sites: list(site) }),
  'lines.state': shape({ lines: list(shape({ seat: text, line: maybe(line) })) }),
  'line.state': shape({ line: maybe(line) }),
  'seat.state': seatState,
  'recording.state': shape({ state: oneOf('on', 'off', 'failed'), reason: text }),
  'seat.admitted': hello,
  'peer.lost': shape({ which: oneOf<Which>('receive', 'publish'), reason: text }),
  'question.state': shape({ questions: list(question), counts: optional(questionCounts) }),
  'media.restarted': shape({ after_ms: count }),
  bye,
} satisfies Record<string, Read<unknown>>;

export type NoticeName = keyof typeof notices;
export type Notice = { [N in NoticeName]: { method: N; params: ReturnType<(typeof notices)[N]> } }[NoticeName];

// --- the grammar: JSON-RPC 2.0 ----------------------------------------------------------------------

// The line went down before the answer came; what was asked may or may not have been done.
export class LineDown extends Error {}

// A No from the server: message is for the screen, reason for programs.
export class Refusal extends Error {
  constructor(
    message: string,
    readonly reason: string,
    readonly retryMs: number | null,
  ) {
    super(message);
  }
}

const error = shape({
  code: count,
  message: text,
  data: optional(shape({ reason: optional(text), retry_ms: optional(count) })),
});

export type Incoming =
  | { kind: 'result'; id: number; result: unknown }
  | { kind: 'refusal'; id: number; refusal: Refusal }
  | { kind: 'notice'; notice: Notice }
  | { kind: 'unknown' };

export const writeRequest = <M extends Method>(id: number, method: M, params: Params[M]): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

// Throws Unreadable (or SyntaxError) for what is none of ours.
export function readIncoming(message: string): Incoming {
  const from = record(JSON.parse(message));
  if (typeof from.method === 'string') {
    if (!Object.hasOwn(notices, from.method)) return { kind: 'unknown' };
    const method = from.method as NoticeName;
    return { kind: 'notice', notice: { method, params: notices[method](from.params, method) } as Notice };
  }
  if (typeof from.id !== 'number') return { kind: 'unknown' };
  if (from.error === undefined) return { kind: 'result', id: from.id, result: from.result };
  const { message: sentence, data } = error(from.error, 'error');
  const refusal = new Refusal(sentence, data?.reason ?? '', data?.retry_ms ?? null);
  return { kind: 'refusal', id: from.id, refusal };
}
