// reduce.ts - what follows from the server's state: pure functions, no signal, no clock

import { isPictureMoving, isWeak, slidesOn } from './ladder';
import type { Line, OnAir, Question, QuestionState, Site, Stage, Waiter } from './protocol';

export const EMPTY_STAGE: Stage = { rev: 0, main: null, slides: null, on_air: [] };

// News of the stage may overtake one another; the highest revision is true.
export const newerStage = (known: Stage, news: Stage): Stage => (news.rev >= known.rev ? news : known);

export const onAirOf = (stage: Stage, seat: string | null): OnAir | null =>
  stage.on_air.find((one) => one.seat === seat) ?? null;

// 1.. in the queue, 0 for none.
export const placeOf = (queue: Waiter[], seat: string | null): number =>
  queue.findIndex((one) => one.seat === seat) + 1;

// Who had the main slot before; the sfu shows him to whoever is on main himself.
export const mainBefore = (before: string | null, known: Stage, news: Stage): string | null =>
  known.main && known.main !== news.main ? known.main : before;

// Whose picture the sfu sends me in the main slot: never my own.
export function shownOnMain(stage: Stage, me: string | null, before: string | null): OnAir | null {
  if (stage.main !== me) return onAirOf(stage, stage.main);
  const last = before === me ? null : onAirOf(stage, before);
  if (last?.camera) return last;
  return stage.on_air.find((one) => one.seat !== me && one.camera) ?? null;
}

export const isSlidesShown = (stage: Stage, me: string | null): boolean =>
  stage.slides !== null && stage.slides !== me && Boolean(onAirOf(stage, stage.slides)?.screen);

// Whether anything of somebody else should be coming to me now, with what my line can carry. Stills come too seldom to
// be waited for.
export function isSomebodyFlowing(stage: Stage, me: string | null, line: Line | null): boolean {
  const heard = (one: OnAir): boolean => one.seat !== me && one.mic && !one.muted;
  return (
    stage.on_air.some(heard) ||
    (isPictureMoving(line) && Boolean(shownOnMain(stage, me, null)?.camera)) ||
    (slidesOn(line) === 'whole' && isSlidesShown(stage, me))
  );
}

// --- the board --------------------------------------------------------------------------------------

export type Sites = ReadonlyMap<string, Site>;

export function mergeSites(known: Sites, rows: Site[]): Sites {
  const sites = new Map(known);
  for (const row of rows) sites.set(row.seat, row);
  return sites;
}

const collator = new Intl.Collator('vi', { numeric: true });

// The order of the board: by district, then by name. It does not move when a state changes.
export const inOrder = (sites: Sites): string[] =>
  [...sites.values()]
    .sort((a, b) => collator.compare(a.district, b.district) || collator.compare(a.name, b.name))
    .map((site) => site.seat);

// Whether rows change the order: somebody is new or has another name.
export const isReordered = (known: Sites, rows: Site[]): boolean =>
  rows.some((row) => {
    const old = known.get(row.seat);
    return !old || old.name !== row.name || old.district !== row.district;
  });

export const FILTERS = ['all', 'present', 'absent', 'hand', 'air', 'waiting', 'weak'] as const;
export type Filter = (typeof FILTERS)[number];

const TESTS: Record<Filter, (site: Site) => boolean> = {
  all: () => true,
  present: (site) => site.online,
  absent: (site) => !site.online,
  hand: (site) => site.hand,
  air: (site) => site.on_air,
  waiting: (site) => site.waiting,
  weak: isWeak,
};

export const passes = (site: Site, filter: Filter): boolean => TESTS[filter](site);

export function countSites(sites: Sites): Record<Filter, number> {
  const counts = { all: 0, present: 0, absent: 0, hand: 0, air: 0, waiting: 0, weak: 0 };
  for (const site of sites.values()) {
    for (const filter of FILTERS) if (passes(site, filter)) counts[filter]++;
  }
  return counts;
}

// The one word for a site, the most urgent first.
export type SiteState = 'air' | 'hand' | 'hearing' | 'open' | 'absent';

export function siteState(site: Site): SiteState {
  if (site.on_air) return 'air';
  if (site.hand) return 'hand';
  if (!site.online) return 'absent';
  return site.receiving ? 'hearing' : 'open';
}

// --- questions --------------------------------------------------------------------------------------

export const QUESTION_FILTERS = ['all', 'new', 'approved', 'on-air', 'answered'] as const;
export type QuestionFilter = (typeof QUESTION_FILTERS)[number];

// What is known of a forum's questions. A list of one filter is whole down to the number it has reached.
export interface Desk {
  known: ReadonlyMap<string, Question>;
  reached: Readonly<Partial<Record<QuestionFilter, number>>>;
}

export const EMPTY_DESK: Desk = { known: new Map(), reached: {} };
export const DESK_MAX = 1000; // rows; an old machine draws no more

const newestFirst = (a: Question, b: Question): number => b.number - a.number;

// News comes in any order; the later change is true.
export function putQuestions(desk: Desk, rows: Question[], max = DESK_MAX): Desk {
  const known = new Map(desk.known);
  for (const row of rows) {
    const old = known.get(row.id);
    if (!old || row.changed >= old.changed) known.set(row.id, row);
  }
  if (known.size <= max) return { ...desk, known };
  const kept = [...known.values()].sort(newestFirst).slice(0, max);
  const floor = kept.at(-1)?.number ?? 0;
  const reached = { ...desk.reached };
  for (const filter of QUESTION_FILTERS) {
    if (reached[filter] !== undefined) reached[filter] = Math.max(reached[filter], floor);
  }
  return { known: new Map(kept.map((row) => [row.id, row])), reached };
}

// A page of one filter's list: newest first, and whether there are more below it.
export function putPage(desk: Desk, filter: QuestionFilter, rows: Question[], more: boolean): Desk {
  const last = rows.at(-1)?.number ?? 0;
  return putQuestions({ ...desk, reached: { ...desk.reached, [filter]: more ? last : 0 } }, rows);
}

export function questionsIn({ known, reached }: Desk, filter: QuestionFilter): Question[] {
  const floor = reached[filter] ?? 0;
  return [...known.values()]
    .filter((row) => row.number >= floor && (filter === 'all' || row.state === filter))
    .sort(newestFirst);
}

// What staff may do with a question: the table of docs/API.md §2.4, the way on first.
export const NEXT: Record<QuestionState, QuestionState[]> = {
  new: ['approved'],
  approved: ['on-air', 'answered', 'new'],
  'on-air': ['answered', 'approved'],
  answered: ['approved'],
};
