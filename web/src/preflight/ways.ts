// ways.ts - how fast the line is down and up, and how far the hub is: small requests to the page's own origin
//
// A piece goes one way and is answered at once; what it takes beyond the bare round trip is its time on the line. The
// first piece is small, the next is made to take about a second, so that a weak line is measured well and not drowned:
// 6 s and 0.8 MB at most, a tenth of that on a weak line. Of a fast line this finds a lower bound, which is enough.

export type Way = 'down' | 'up' | 'ping';
// Resolves when the answer is whole. Rejects with Busy when the server measures too many, or with anything.
export type Carry = (way: Way, bytes: number, over: AbortSignal) => Promise<void>;

export interface Ways {
  down_bps: number | null;
  up_bps: number | null;
  rtt_ms: number | null;
}

export class Busy extends Error {}

const PATH = '/api/v1/probe';
const PINGS = 5;
const PINGS_MS = 1200; // after the first, which opens the connection
const ALL_MS = 6000;
const WAY_MS = 2300;
const FIRST = 8 * 1024;
const MOST = { down: 256 * 1024, up: 60 * 1024 }; // what one request may carry
const TRIES = { down: 2, up: 3 }; // of the largest: the first of them opens TCP's window
const AIM_MS = 1000; // of a piece on the line
const ENOUGH_MS = 450; // that long it tells the truth
const SPARE_MS = 150; // what a round trip may take longer than the shortest
const HEADERS = 700; // bytes of a request, and of an answer: their time on a slow line is no delay of it

export function carryOver(token: string): Carry {
  const headers = { Authorization: `Bearer ${token}` };
  return async (way, bytes, over) => {
    const common = { headers, cache: 'no-store', signal: over } as const;
    const answer =
      way === 'up'
        ? await fetch(PATH, { ...common, method: 'POST', body: crypto.getRandomValues(new Uint8Array(bytes)) })
        : await fetch(way === 'down' ? `${PATH}?bytes=${bytes}` : PATH, common);
    await answer.arrayBuffer();
    if (answer.status === 429) throw new Busy('probe');
    if (!answer.ok) throw new Error(`probe: ${answer.status}`);
  };
}

type Clock = () => number;

// False when it took longer than ms, and was broken off.
async function within(ms: number, over: AbortSignal, carry: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
  const control = new AbortController();
  const stop = (): void => control.abort();
  over.addEventListener('abort', stop);
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    stop();
  }, ms);
  try {
    await carry(control.signal);
    return true;
  } catch (error) {
    if (isLate && !over.aborted) return false;
    throw error;
  } finally {
    clearTimeout(late);
    over.removeEventListener('abort', stop);
  }
}

const once = (ms: number, carry: Carry, over: AbortSignal): Promise<boolean> =>
  within(ms, over, (signal) => carry('ping', 0, signal));

// Round trips of small requests, shortest first; none when even the first does not come back.
async function ping(carry: Carry, over: AbortSignal, now: Clock): Promise<number[]> {
  if (!(await once(ALL_MS / 2, carry, over))) return [];
  const trips: number[] = [];
  const end = now() + PINGS_MS;
  while (trips.length < PINGS && (trips.length === 0 || now() < end)) {
    const began = now();
    if (!(await once(PINGS_MS, carry, over))) break;
    trips.push(now() - began);
  }
  return trips.sort((a, b) => a - b);
}

interface Road {
  carry: Carry;
  over: AbortSignal;
  now: Clock;
  rtt: number; // the shortest
  isOpen: boolean; // what is broken off takes its connection with it
}

async function measure(way: 'down' | 'up', ms: number, road: Road): Promise<number | null> {
  const { carry, over, now, rtt } = road;
  const end = now() + ms;
  if (!road.isOpen && !(await once(ms, carry, over))) return null;
  road.isOpen = true;
  let best: number | null = null;
  let size = FIRST;
  for (let tries = 0; ; ) {
    const began = now();
    const isWhole = await within(Math.max(end - began, 1), over, (signal) => carry(way, size, signal));
    const took = Math.max(now() - began - rtt, 1);
    const bps = (size * 8000) / took;
    // Broken off: it is no faster than this. How slow it is is not known when there was hardly time.
    road.isOpen = isWhole;
    if (!isWhole) return took < ENOUGH_MS ? best : Math.min(best ?? bps, bps);
    if (took >= ENOUGH_MS) return bps;
    best = tries > 0 ? Math.max(best ?? 0, bps) : bps; // a larger piece tells more than the one before
    if (size === MOST[way] && ++tries === TRIES[way]) return best;
    const fits = ((end - now() - rtt - SPARE_MS) * bps) / 8000;
    const next = Math.round(Math.min(MOST[way], Math.max((bps * AIM_MS) / 8000, 2 * size), fits));
    if (next < size) return best;
    size = next;
  }
}

// Rejects only when over says so.
export async function measureWays(carry: Carry, over: AbortSignal, now: Clock = () => performance.now()): Promise<Ways> {
  const end = now() + ALL_MS;
  const quietly = async <T>(what: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await what;
    } catch (error) {
      if (over.aborted) throw error;
      return otherwise;
    }
  };
  const trips = await quietly(ping(carry, over, now), []);
  const [rtt] = trips;
  if (rtt === undefined) return { down_bps: null, up_bps: null, rtt_ms: null };
  const road = { carry, over, now, rtt, isOpen: true };
  const down_bps = await quietly(measure('down', Math.min(WAY_MS, (end - now()) / 2), road), null);
  const up_bps = await quietly(measure('up', Math.min(WAY_MS, end - now()), road), null);
  // Not the shortest, which may be luck, nor the middle one, which shows a busy machine.
  const trip = trips[Math.min(1, trips.length - 1)] ?? rtt;
  const onLine = [down_bps, up_bps].reduce<number>((sum, bps) => sum + (bps ? (HEADERS * 8000) / bps : 0), 0);
  return { down_bps, up_bps, rtt_ms: Math.max(trip - onLine, 0) };
}
