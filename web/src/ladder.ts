// ladder.ts - what a rung of the ladder means to people: pure functions, no signal (docs/API.md §2.6)

import type { Line, Site } from './protocol';
import type { Sites } from './reduce';

export const TOP = 6; // everything
export const SAVING = 2; // "save data": sound in full, no moving picture
const PICTURE = 3; // from here on the main picture moves
const SLIDES = 4; // from here on slides come as they change

export const isPictureOff = (line: Line | null): boolean => line !== null && line.rung === 0;

// Below it stills come, each some seconds.
export const isPictureMoving = (line: Line | null): boolean => line === null || line.rung >= PICTURE;

// off: none come; late: they may come, some time after they have changed
export function slidesOn(line: Line | null): 'whole' | 'late' | 'off' {
  if (line === null || line.rung >= SLIDES) return 'whole';
  return line.rung === 0 ? 'off' : 'late';
}

// Why no more is coming, as the site's own page says it. fair: a little less than everything.
export type Cause = 'good' | 'fair' | 'line' | 'loss' | 'cap' | 'saving' | 'unknown';

export function causeOf(line: Line, isSaving: boolean): Cause {
  if (line.rung === TOP || line.why === 'top') return 'good';
  if (line.why === 'unknown') return 'unknown';
  if (line.why === 'cap') return isSaving && line.rung === SAVING ? 'saving' : 'cap';
  return line.rung === TOP - 1 ? 'fair' : line.why;
}

// Colour, never without its words. calm: less, but not for the line's sake.
export type Grade = 'good' | 'fair' | 'weak' | 'calm';

export function gradeOf(line: Line): Grade {
  if (line.rung >= TOP - 1 || line.why === 'top') return 'good';
  if (line.why === 'cap' || line.why === 'unknown') return 'calm';
  return line.rung < PICTURE ? 'weak' : 'fair';
}

// Of four bars, how many are full.
export const barsOf = ({ rung }: Line): number => [0, 1, 1, 2, 2, 3, 4][rung] ?? 0;

// --- the board --------------------------------------------------------------------------------------

// The line of a site that receives; a site without a path has none.
export const lineOf = (site: Site): Line | null => (site.online && site.receiving ? site.line : null);

// Somebody may have to look after it.
export function isWeak(site: Site): boolean {
  const line = lineOf(site);
  const grade = line && gradeOf(line);
  return grade === 'fair' || grade === 'weak';
}

export function mergeLines(known: Sites, rows: { seat: string; line: Line | null }[]): Sites {
  const sites = new Map(known);
  for (const { seat, line } of rows) {
    const site = sites.get(seat);
    if (site) sites.set(seat, { ...site, line });
  }
  return sites;
}

// How many sites are on each rung that has any, from the top down.
export function countRungs(sites: Sites): { rung: number; count: number }[] {
  const counts = new Array<number>(TOP + 1).fill(0);
  for (const site of sites.values()) {
    const line = lineOf(site);
    if (line) counts[line.rung] = (counts[line.rung] ?? 0) + 1;
  }
  return counts.map((count, rung) => ({ rung, count })).filter(({ count }) => count > 0).reverse();
}
